"""The listing for people: grouped by signal, in the width of a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from textwrap import wrap
from typing import Any

from signalkit.diagnosis.listing import Row
from signalkit.dispatch.switches import Off

_INDENT = " " * 6
_PHASE_WIDTH = 14
_OFF: dict[Off, str] = {
    "kill_switch": "off: SIGNALKIT['ENABLED'] is False",
    "settings": "off: SIGNALKIT['DISABLED']",
    "process": "off: signalkit.disable()",
    "muted": "off: muted here",
}

# Each takes one column, as what it stands for.
_PLAIN = str.maketrans({"·": "|", "…": "~", "µ": "u"})

Paint = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Layout:
    """How much room there is, and how much is to be said."""

    width: int
    """In characters."""

    details: bool = True
    """Whether each row has a second line, about where and under which conditions."""

    full: bool = False
    """Whether names are left whole, however long."""


def render(
    rows: Iterable[Row], layout: Layout, style: Any, notes: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Yield the lines of the listing.

    Args:
        rows: what to show, in its order.
        layout: the room there is.
        style: Django's style object of a command, coloured or not.
        notes: what else there is to say of a receiver, by its name; each gets a line.
    """
    rows = list(rows)
    columns = _columns(rows, layout)
    for signal, group in groupby(rows, key=lambda row: row.signal):
        first, *others = group
        yield _heading(signal, style)
        if first.payload is not None and layout.details:
            carried = ", ".join(f"{name}: {kind}" for name, kind in first.payload.items())
            yield from (
                f"  {line}" for line in wrap(f"carries {carried or 'nothing'}", layout.width - 2)
            )
        for row in (first, *others):
            yield from _lines(row, columns, layout, style)
            if notes and row.receiver in notes:
                yield from (_INDENT + line for line in wrap(notes[row.receiver], layout.width - 6))
        yield ""


def summary(rows: Sequence[Row]) -> str:
    """Return how much there is of what."""
    signals = len({row.signal for row in rows})
    ours = sum(row.kind != "plain" for row in rows)
    return (
        f"{_count(len(rows), 'row')} of {_count(signals, 'signal')}: "
        f"{ours} by signalkit, {len(rows) - ours} plain."
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _columns(rows: list[Row], layout: Layout) -> tuple[int, int]:
    """Return the widths of the columns for receivers and for senders."""
    receiver = max((len(row.receiver) for row in rows), default=0)
    sender = max((len(row.sender) for row in rows), default=0)
    if layout.full:
        return receiver, sender
    room = layout.width - len(_INDENT) - _PHASE_WIDTH - 4
    sender = min(sender, max(room - receiver, room * 2 // 5))
    return min(receiver, room - sender), sender


def _heading(signal: str, style: Any) -> str:
    module, _, name = signal.rpartition(".")
    return f"{style.MIGRATE_HEADING(name)}  {module}".rstrip()


def _lines(row: Row, columns: tuple[int, int], layout: Layout, style: Any) -> Iterator[str]:
    receiver_width, sender_width = columns
    number = "-" if row.position is None else str(row.position)
    paint = _paint_of(row, style)
    yield (
        f"{number:>4}  "
        f"{paint(shorten(row.receiver, receiver_width).ljust(receiver_width))}  "
        f"{shorten(row.sender, sender_width).ljust(sender_width)}  "
        f"{_how(row)}"
    ).rstrip()
    if trouble := _trouble(row):
        yield from (_INDENT + style.ERROR(line) for line in wrap(trouble, layout.width - 6))
    if row.off:
        yield _INDENT + style.WARNING(_OFF[row.off])
    if layout.details:
        details = " · ".join(_details(row, layout))
        yield from (
            _INDENT + style.HTTP_NOT_MODIFIED(line)
            for line in wrap(
                details, layout.width - 6, break_long_words=False, break_on_hyphens=False
            )
        )


def _paint_of(row: Row, style: Any) -> Paint:
    paint: Paint = str
    if row.state != "connected":
        paint = style.ERROR
    elif row.off:
        paint = style.WARNING
    elif row.kind != "plain":
        paint = style.SUCCESS
    return paint


def _how(row: Row) -> str:
    return "plain" if row.kind == "plain" else row.phase.replace("_", " ")


def _trouble(row: Row) -> str:
    if row.state == "connected":
        return ""
    state = "not connected" if row.state == "unconnected" else row.state
    return f"{state}: {row.reason}"


def _details(row: Row, layout: Layout) -> Iterator[str]:
    if row.file is not None:
        yield _where(row)
    if row.is_async:
        yield "async"
    if row.weak:
        yield "weak"
    yield from row.unusual
    if row.dispatch_uid is not None and (layout.full or row.kind == "plain"):
        yield f"uid={row.dispatch_uid}"
    if layout.full and row.path != row.receiver:
        yield row.path


def _where(row: Row) -> str:
    """Return file and line: as one would open it from here, or as one would import it."""
    path = Path(str(row.file))
    parts = path.parts
    for folder in ("site-packages", "dist-packages"):
        if folder in parts:
            path = Path(*parts[parts.index(folder) + 1 :])
    if path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    return f"{path}:{row.line}" if row.line is not None else str(path)


def shorten(text: str, width: int) -> str:
    """Cut the front off a text that is too long: what tells dotted names apart is their end."""
    return text if len(text) <= width else "…" + text[len(text) - width + 1 :]


def plainly(text: str, encoding: str) -> str:
    r"""Return a text in characters that an encoding has.

    Args:
        text: a line of the listing.
        encoding: that of what the line is written to, which may be a terminal or a log that
            knows ASCII only.

    Returns:
        The same text where it can be written; else with marks that resemble those of the listing,
        and names in escapes, such as ``gr\xf6sse``.
    """
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        plain = text.translate(_PLAIN)
        return plain.encode(encoding, "backslashreplace").decode(encoding)
    return text
