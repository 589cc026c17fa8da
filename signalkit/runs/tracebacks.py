"""Where an error was raised: files, lines and code, and never a value."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from itertools import islice

from signalkit.runs.masking import mask_literals

LONGEST_TRACEBACK = 8_000
"""In characters."""

_MOST_FRAMES = 40
_MOST_ERRORS = 10
"""Of a chain, the last; of a group, the first."""
_LONGEST_LINE = 300


def type_name(error: BaseException) -> str:
    """Return the dotted name of an error's type."""
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else _dotted(kind)


def _dotted(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def where(error: BaseException, words: Sequence[str] = ()) -> str:
    """Return the traceback of an error, and of those that caused it, innermost last.

    Messages are left out, those of causes too: they quote values. The code is shown; a string in it
    is not, where the name next to it suggests that it is secret.

    Args:
        error: the error.
        words: further names, as for :func:`~signalkit.runs.masking.mask`.

    Returns:
        at most 8,000 characters; of a longer one the end, which is where it happened.
    """
    text = mask_literals("\n".join(_lines(error)).replace("\x00", ""), words)
    if len(text) <= LONGEST_TRACEBACK:
        return text
    return "…" + text[-LONGEST_TRACEBACK + 1 :]


def _lines(error: BaseException) -> Iterator[str]:
    # Nothing in here may take a time that grows with what stands behind the error: a recursion
    # comes by once for each of its levels.
    chain = list(islice(_chain(error), _MOST_ERRORS + 1))
    if len(chain) > _MOST_ERRORS:
        yield "  … and what came before"
    for each in reversed(chain[:_MOST_ERRORS]):
        frames = traceback.extract_tb(each.__traceback__, limit=-_MOST_FRAMES)
        if (more := sum(1 for _ in traceback.walk_tb(each.__traceback__)) - len(frames)) > 0:
            yield f"  … {more} frames"
        for frame in frames.format():
            yield from (line[:_LONGEST_LINE] for line in frame.splitlines())
        yield type_name(each)
        if isinstance(each, BaseExceptionGroup):
            yield from (f"  + {type_name(one)}" for one in each.exceptions[:_MOST_ERRORS])


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, what caused it, and so on."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        hidden = None if current.__suppress_context__ else current.__context__
        current = current.__cause__ or hidden
