"""What the call stack says that Django's signals do not.

Nothing of Django is patched for it, and nothing is kept: a frame is only ever looked at, or told
from another by its ``id``.
"""

from __future__ import annotations

import sys
from types import CodeType, FrameType


def nearest(*codes: CodeType, after: FrameType | None = None) -> FrameType | None:
    """Return the innermost frame that executes one of some functions, or None.

    Args:
        codes: the code of the functions.
        after: a frame; only those that wait for it are considered.
    """
    frame = sys._getframe(1) if after is None else after.f_back
    while frame is not None and frame.f_code not in codes:
        frame = frame.f_back
    return frame


def threads() -> set[int]:
    """Return the idents of the threads that there are."""
    return {*sys._current_frames()}


def running() -> set[int]:
    """Return the ids of the frames that are running in this thread."""
    ids: set[int] = set()
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        ids.add(id(frame))
        frame = frame.f_back
    return ids
