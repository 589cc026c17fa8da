"""What goes wrong with the record."""

from __future__ import annotations

from signalkit.exceptions import SignalkitError


class AppendOnly(SignalkitError, TypeError):
    """Somebody tried to change what is on record."""
