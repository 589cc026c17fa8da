"""The wiring that ``ready()`` asks for."""

from __future__ import annotations

from signalkit.transactions import observer


def wire() -> None:
    """Put signalkit to work: watch the connections."""
    observer.install()
