"""Commands that the reader could type, and what they answer."""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import StringIO
from textwrap import wrap

from django.core.management import CommandError, call_command

from .look import Look

NARROWEST = 80
"""Columns of the tables of signalkit; on narrower paper their lines are broken."""

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def answer_of(words: Sequence[str], look: Look) -> str:
    """Run a command of manage.py, and return what it writes: coloured, and as wide, as `look` says.

    Where it ends with an error, as when it finds nothing, that is the answer.

    Args:
        words: as they would be typed.
        look: of the paper that the answer is for.
    """
    out = StringIO()
    is_wide = look.width >= NARROWEST
    coloured = look.coloured and is_wide
    with _columns(max(look.width, NARROWEST)):
        try:
            call_command(
                *words, stdout=out, stderr=out, force_color=coloured, no_color=not coloured
            )
        except CommandError as error:
            out.write(f"CommandError: {error}\n")
    lines = out.getvalue().splitlines()
    if is_wide:
        return "\n".join(lines)
    return "\n".join(row for line in lines for row in _broken(line, look.width))


def words_of(answer: str) -> str:
    """Return an answer in one line, without its colours."""
    return " ".join(_COLOUR.sub("", answer).split())


def _broken(line: str, width: int) -> list[str]:
    """Break a line of a table into rows, its columns close together."""
    indent = " " * (len(line) - len(line.lstrip()))
    close = re.sub("  +", "  ", line.strip())
    hanging = f"{indent}  "
    return wrap(close, width, initial_indent=indent, subsequent_indent=hanging) or [""]


@contextmanager
def _columns(columns: int) -> Iterator[None]:
    """Have commands believe in a terminal of so many columns."""
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = str(columns)
    try:
        yield
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before
