"""Where an error was raised: files, lines and code, and never a value."""

from __future__ import annotations

import traceback
from collections.abc import Iterator

LONGEST_TRACEBACK = 8_000
"""In characters."""

_MOST_FRAMES = 40


def type_name(error: BaseException) -> str:
    """Return the dotted name of an error's type."""
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else _dotted(kind)


def _dotted(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def where(error: BaseException) -> str:
    """Return the traceback of an error, and of those that caused it, innermost last.

    Messages are left out, those of causes too: they quote values.

    Returns:
        at most 8,000 characters; of a longer one the end, which is where it happened.
    """
    text = "\n".join(_lines(error)).replace("\x00", "")
    if len(text) <= LONGEST_TRACEBACK:
        return text
    return "…" + text[-LONGEST_TRACEBACK + 1 :]


def _lines(error: BaseException) -> Iterator[str]:
    seen: set[int] = set()
    chain: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        chain.append(current)
        hidden = None if current.__suppress_context__ else current.__context__
        current = current.__cause__ or hidden
    for each in reversed(chain):
        frames = traceback.extract_tb(each.__traceback__)
        if len(frames) > _MOST_FRAMES:
            yield f"  … {len(frames) - _MOST_FRAMES} frames"
            frames = traceback.StackSummary.from_list(frames[-_MOST_FRAMES:])
        yield from (line.rstrip("\n") for line in frames.format())
        yield type_name(each)
        if isinstance(each, BaseExceptionGroup):
            yield from (f"  + {type_name(one)}" for one in each.exceptions)
