"""The results, for people and for machines."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from itertools import groupby
from typing import Any

from django.db import connection

from benchmarks.measure import Row
from benchmarks.memory import Held

HEADINGS = ("", "ratio", "95 % interval", "middle half", "target", "")


def table(rows: Sequence[Row]) -> Iterator[str]:
    """Yield the lines of the table."""
    cells = [_cells(row) for row in rows]
    widths = [max(len(line[column]) for line in [HEADINGS, *cells]) for column in range(6)]
    lines = iter(cells)
    for (title, baseline), group in groupby(rows, key=lambda row: (row.title, row.baseline)):
        yield f"{title}, beside {baseline}"
        yield _line(HEADINGS, widths)
        for _ in group:
            yield _line(next(lines), widths)
        yield ""


def memory(rows: Sequence[Held]) -> Iterator[str]:
    """Yield the lines about memory."""
    if rows:
        yield "the most that one transaction held"
    for row in rows:
        yield f"  {row.name}, {row.events:,} events: {row.size / 1024:,.0f} KiB"


def as_json(rows: Sequence[Row], held: Sequence[Held]) -> str:
    """Return everything that was measured."""
    return json.dumps(
        {
            "environment": environment(),
            "ratios": [_row(row) for row in rows],
            "memory": [{"name": row.name, "events": row.events, "bytes": row.size} for row in held],
        },
        indent=2,
    )


def environment() -> dict[str, str]:
    """Return what the figures were taken with."""
    return {
        "python": platform.python_version(),
        "django": version("Django"),
        "database": connection.display_name,
    }


def _cells(row: Row) -> tuple[str, ...]:
    ratio = row.ratio
    return (
        row.name,
        f"{ratio.median:.3f}",
        f"{ratio.low:.3f} to {ratio.high:.3f}",
        f"{ratio.first_quartile:.3f} to {ratio.third_quartile:.3f}",
        "" if row.target is None else str(row.target),
        "" if row.verdict is None else row.verdict.value,
    )


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = (
        cell.ljust(width) if column == 0 else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return f"  {first}  {'  '.join(others)}".rstrip()


def _row(row: Row) -> dict[str, Any]:
    return {
        "group": row.group,
        "title": row.title,
        "baseline": row.baseline,
        "name": row.name,
        "median": row.ratio.median,
        "interval": [row.ratio.low, row.ratio.high],
        "quartiles": [row.ratio.first_quartile, row.ratio.third_quartile],
        "rounds": row.ratio.rounds,
        "target": None if row.target is None else row.target.limit,
        "verdict": None if row.verdict is None else row.verdict.value,
    }
