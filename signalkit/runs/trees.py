"""What caused what: the runs of one correlation id as trees."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

LARGEST = 1_000
"""So many rows of one correlation id are shown; a command that saves a million objects has one."""

Remark: TypeAlias = Literal["", "elsewhere", "cycle"]
"""Why a run stands at the top although it has a parent: that one is not among the runs shown, or
the parents lead back to it."""


@dataclass(frozen=True, slots=True)
class Node:
    """One run, as its last row says that it stands."""

    row: Any
    """The last row."""

    depth: int
    """How many runs stand above it."""

    remark: Remark = ""


def tree(rows: Iterable[Any]) -> Iterator[Node]:
    """Yield runs in the order in which they are read: each before those that it caused.

    Args:
        rows: the rows of some runs, in any order. Of a run with several rows the last one counts.
    """
    last: dict[int, Any] = {}
    for row in sorted(rows, key=lambda each: each.pk):
        last[row.run] = row
    children: dict[int | None, list[Any]] = defaultdict(list)
    for row in sorted(last.values(), key=lambda each: (each.started, each.pk)):
        children[row.parent if row.parent in last else None].append(row)
    seen: set[int] = set()
    for root in children[None]:
        yield from _below(root, children, seen, "" if root.parent is None else "elsewhere")
    # Parents that lead in a circle are reached from no root.
    for row in sorted(last.values(), key=lambda each: (each.started, each.pk)):
        if row.run not in seen:
            yield from _below(row, children, seen, "cycle")


def _below(
    root: Any, children: dict[int | None, list[Any]], seen: set[int], remark: Remark
) -> Iterator[Node]:
    # Not by recursion: what a receiver does may set it off again, for longer than Python's stack.
    waiting = [Node(root, 0, remark)]
    seen.add(root.run)
    while waiting:
        node = waiting.pop()
        yield node
        below = [row for row in children[node.row.run] if row.run not in seen]
        seen.update(row.run for row in below)
        waiting.extend(Node(row, node.depth + 1) for row in reversed(below))
