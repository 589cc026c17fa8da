"""What ties together everything that one cause set off, across processes too."""

from __future__ import annotations

import re
import uuid
from typing import TypeGuard

WELL_FORMED = "8 to 64 ASCII letters, digits and - _ . :"

_WELL_FORMED = re.compile(r"[A-Za-z0-9._:-]{8,64}")


def new_correlation_id() -> str:
    """Return an id that nobody has used: 32 hexadecimal digits."""
    return uuid.uuid4().hex


def is_well_formed(value: object) -> TypeGuard[str]:
    """Say whether this can be a correlation id.

    It is what others may hand in, so it has to be harmless in a header, a log and a query.
    """
    return isinstance(value, str) and _WELL_FORMED.fullmatch(value) is not None
