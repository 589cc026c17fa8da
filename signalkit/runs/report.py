"""Runs for people and for machines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from textwrap import wrap
from typing import Any

from django.utils import timezone

from signalkit.runs.trees import Node, Remark
from signalkit.states import Outcome

JSON_VERSION = 1
"""Counts changes of the JSON format that break those who read it; new keys do not count."""

_INDENT = " " * 6
_OUTCOME_WIDTH = max(len(outcome.value) for outcome in Outcome)
_TIME_WIDTH = len("2026-01-31 23:59:59")
_DURATION_WIDTH = len("999.9 ms")
_QUERIES_WIDTH = len("1000 q")

_REMARKS: dict[Remark, str] = {
    "": "",
    "elsewhere": "caused by a run that is not on record here",
    "cycle": "its parents lead back to it",
}


def as_json(row: Any) -> dict[str, Any]:
    """Return a row with all of its columns; times in ISO 8601."""
    values = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
    return {**values, "started": row.started.isoformat()}


def node_as_json(node: Node) -> dict[str, Any]:
    """Return a run of a tree: as a row, with its place."""
    return {**as_json(node.row), "depth": node.depth, "remark": node.remark}


def table(
    rows: Iterable[Any], width: int, style: Any, *, details: bool = True, full: bool = False
) -> Iterator[str]:
    """Yield the lines of a table.

    Args:
        rows: what to show, in its order.
        width: in characters.
        style: Django's style object of a command, coloured or not.
        details: whether what else is known of a row follows it; else each has one line.
        full: whether names are left whole, and tracebacks shown.
    """
    rows = list(rows)
    room = width - _TIME_WIDTH - _OUTCOME_WIDTH - _DURATION_WIDTH - _QUERIES_WIDTH - 8
    longest = max((len(row.receiver) for row in rows), default=0)
    receivers = longest if full else min(longest, room)
    for row in rows:
        yield "  ".join(
            (
                moment(row.started),
                paint(row.outcome, style)(row.outcome.replace("_", " ").ljust(_OUTCOME_WIDTH)),
                shorten(row.receiver, receivers).ljust(receivers),
                duration(row.duration).rjust(_DURATION_WIDTH),
                _queries(row.queries).rjust(_QUERIES_WIDTH),
            )
        ).rstrip()
        if details:
            yield from _trouble(row, width, style, full=full)
            yield from _more(row, width, style)


def tree(
    nodes: Iterable[Node], width: int, style: Any, *, details: bool = True, full: bool = False
) -> Iterator[str]:
    """Yield the lines of trees, two spaces deeper for each step.

    Args:
        nodes: as :func:`signalkit.runs.trees.tree` yields them.
        width: in characters.
        style: Django's style object of a command, coloured or not.
        details: whether what is to be said about a run follows it; else each has one line.
        full: whether names are left whole, and tracebacks shown.
    """
    nodes = list(nodes)
    reason = ""
    fixed = _OUTCOME_WIDTH + _DURATION_WIDTH + _QUERIES_WIDTH + 8
    names = [_indented(node) for node in nodes]
    first, second = _two(names, [node.row.object for node in nodes], width - fixed, full=full)
    for node, name in zip(nodes, names, strict=True):
        row = node.row
        yield "  ".join(
            (
                _cut(name, first).ljust(first),
                shorten(row.object, second).ljust(second),
                paint(row.outcome, style)(row.outcome.replace("_", " ").ljust(_OUTCOME_WIDTH)),
                duration(row.duration).rjust(_DURATION_WIDTH),
                _queries(row.queries).rjust(_QUERIES_WIDTH),
            )
        ).rstrip()
        if not details:
            continue
        if node.remark:
            yield _INDENT + style.WARNING(_REMARKS[node.remark])
        # Mostly, all of one correlation id have the same.
        if row.reason and row.reason != reason:
            yield from (_INDENT + line for line in wrap(_reason(row), width - len(_INDENT)))
        reason = row.reason
        yield from _trouble(row, width, style, full=full)


def duration(microseconds: int | None) -> str:
    """Return a duration in the unit that suits it; nothing for None."""
    if microseconds is None:
        return ""
    if microseconds < 1_000:
        return f"{microseconds} µs"
    # What would be rounded up to a thousand belongs to the next unit.
    if microseconds < 999_950:
        return f"{microseconds / 1_000:.1f} ms"
    return f"{microseconds / 1_000_000:,.1f} s"


def moment(when: datetime) -> str:
    """Return a moment in the current time zone, to the second."""
    local = timezone.localtime(when) if timezone.is_aware(when) else when
    return f"{local:%Y-%m-%d %H:%M:%S}"


def paint(outcome: str, style: Any) -> Callable[[str], str]:
    """Return what colours the text of an outcome."""
    colours: dict[str, Callable[[str], str]] = {
        Outcome.SUCCEEDED.value: style.SUCCESS,
        Outcome.FAILED.value: style.ERROR,
        Outcome.VETOED.value: style.WARNING,
        Outcome.ROLLED_BACK.value: style.WARNING,
    }
    return colours.get(outcome, str)


def who(row: Any) -> str:
    """Return who caused a run; nothing where nobody is known."""
    identity = f"{row.actor_type}:{row.actor_id}" if row.actor_id else str(row.actor_type)
    if not row.actor_label:
        return identity
    return f"{row.actor_label} ({identity})" if identity else str(row.actor_label)


def through(row: Any) -> str:
    """Return what set a run off, such as ``"request POST /checkout/"``."""
    # A shell has no detail but its own name.
    return " ".join(dict.fromkeys(filter(None, (row.source, row.detail))))


def shorten(text: str, width: int) -> str:
    """Cut the front off a text that is too long: what tells dotted names apart is their end."""
    return text if len(text) <= width else "…" + text[len(text) - width + 1 :]


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _indented(node: Node) -> str:
    # Deeper than that, a line would hold nothing else.
    return "  " * min(node.depth, 20) + str(node.row.receiver)


def _two(first: list[str], second: list[str], room: int, *, full: bool) -> tuple[int, int]:
    """Return the widths of two columns that share some room."""
    wanted = max(map(len, first), default=0), max(map(len, second), default=0)
    if full:
        return wanted
    other = min(wanted[1], max(room - wanted[0], room * 2 // 5))
    return min(wanted[0], room - other), other


def _queries(number: int | None) -> str:
    return "" if number is None else f"{number} q"


def _more(row: Any, width: int, style: Any) -> Iterator[str]:
    text = " · ".join(filter(None, _details(row)))
    for line in wrap(text, width - len(_INDENT), break_long_words=False, break_on_hyphens=False):
        yield _INDENT + style.HTTP_NOT_MODIFIED(line)


def _trouble(row: Any, width: int, style: Any, *, full: bool) -> Iterator[str]:
    if row.error:
        told = f"{row.error}: {row.message}" if row.message else row.error
        for line in wrap(told, width - len(_INDENT), max_lines=None if full else 3):
            yield _INDENT + style.ERROR(line)
    elif row.message:
        told = f"{row.outcome.replace('_', ' ')}: {row.message}"
        yield from (_INDENT + line for line in wrap(told, width - len(_INDENT)))
    if full and row.traceback:
        yield from (_INDENT + line for line in row.traceback.rstrip().splitlines())


def _reason(row: Any) -> str:
    return f"reason: {row.reason}" if row.reason else ""


def _details(row: Any) -> Iterator[str]:
    yield row.object
    yield row.signal
    yield row.phase.replace("_", " ")
    yield f"attempt {row.attempt}" if row.attempt > 1 else ""
    yield who(row)
    yield through(row)
    yield _reason(row)
    yield row.correlation
    yield row.alias if row.alias != "default" else ""
    yield f"id {row.pk}"
