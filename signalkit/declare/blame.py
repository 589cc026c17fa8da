"""Which file is to be corrected when a declaration is refused."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from signalkit.exceptions import DeclarationError

# Where the modules end that an import of receivers leads through.
_OUTSIDE = ("__main__", "django.apps.registry")


@contextmanager
def blame(file: str) -> Iterator[None]:
    """Let a declaration that is refused inside the block say which file it is in.

    A module that is being imported comes first: it may not be the one that the receiver was
    written in, but it is the one whose import fails, so that nobody watches it yet.

    Args:
        file: where the receiver was written.
    """
    try:
        yield
    except DeclarationError as error:
        error.filename = error.filename or _imported_file() or file
        raise


def _imported_file() -> str | None:
    """Return the file of the module that is being imported just now; None when there is none."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__") not in _OUTSIDE:
        # Not every code of a module is being imported: a script, a shell and a test runner may
        # execute one too. While importlib is at it, it says so in the module's spec.
        spec = frame.f_globals.get("__spec__")
        if frame.f_code.co_name == "<module>" and getattr(spec, "_initializing", False):
            return frame.f_code.co_filename
        frame = frame.f_back
    return None
