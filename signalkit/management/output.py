"""How wide a table is, and which characters it may have."""

from __future__ import annotations

import shutil
from collections.abc import Iterable

from django.core.management.base import OutputWrapper

from signalkit.diagnosis.table import plainly

_WIDTHS = range(80, 161)
_DEFAULT_WIDTH = 100


def width() -> int:
    """Return how wide a table is: as the terminal, between 80 and 160 characters."""
    columns = shutil.get_terminal_size((_DEFAULT_WIDTH, 0)).columns
    return min(max(columns, _WIDTHS[0]), _WIDTHS[-1])


def write_lines(stdout: OutputWrapper, lines: Iterable[str]) -> None:
    """Write lines, in the characters that the output has."""
    # What is written to in place of a file, as by call_command(), may have no encoding.
    encoding = getattr(stdout, "encoding", None) or "utf-8"
    for line in lines:
        stdout.write(plainly(line, encoding))
