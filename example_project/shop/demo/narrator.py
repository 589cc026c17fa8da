"""Prints what happened, so that one can read it."""

from collections.abc import Iterable
from textwrap import shorten

from django.core.management.base import OutputWrapper

from signalkit import Outcome, Phase
from signalkit.declaration import Declaration

from ..wording import WHEN, explain
from .look import WIDEST, Look
from .promises import promise
from .recorder import Answer, Deed, Entry, Expectation, Note
from .story import Aside, Line, Told, Usual, chapters, merge

LEGEND = "✓ ran  … waits  ↩ dropped  ✗ failed  = verified"
FOLDED = "Housekeeping is told in full once, then as “+ N more”; -v 2 tells it always."
WAITS = {
    Phase.BEFORE_COMMIT: "waits until just before the commit",
    Phase.AFTER_COMMIT: "waits for the commit",
    Phase.AFTER_ROLLBACK: "stands by for a rollback",
}
DROPPED = "will not run: rolled back"

# Columns of a line, on wide paper and on narrow: the mark and what is before it, the signal with
# its sender, the receiver, the phase. Milliseconds and a word on the outcome are for wide paper.
MARGIN, WIDE_SIGNAL, SIGNAL, RECEIVER, PHASE = 6, 28, 19, 28, 14


class Narrator:
    """Writes to a command's output."""

    def __init__(self, out: OutputWrapper, look: Look, *, fold: bool) -> None:
        """Take what to write with.

        Args:
            out: where to write.
            look: how wide, and in which colours.
            fold: whether housekeeping that was told in full before is only counted.
        """
        self._out = out
        self._look = look
        self._style = look.style
        self._usual = Usual() if fold else None
        self._step = 0

    def legend(self) -> None:
        """Say what the marks mean."""
        for row in (LEGEND, *(self._look.rows(FOLDED, 0) if self._usual else [])):
            self._print(self._look.dim(row))

    def title(self, title: str, why: str) -> None:
        """Begin a step."""
        self._step += 1
        self._print()
        self._print(self._style.MIGRATE_HEADING(f"{self._step:>2}  {title}"))
        for row in self._look.rows(why, 4):
            self._print(row)

    def tell(self, entries: Iterable[Entry]) -> None:
        """Tell what happened in a step, deed by deed."""
        apart = True
        for part in chapters(entries):
            told = merge(part)
            if self._usual:
                told = self._usual.set_aside(told)
            if apart:
                self._print()
            self._tell_part(told)
            # Of deeds that led to nothing but housekeeping, the next need not keep its distance.
            apart = not all(isinstance(each, Deed | Aside) for each in told)

    def summary(self, observed: dict[str, int]) -> None:
        """List the built-in signals with how often a receiver ran for each."""
        self._print()
        self._print(self._style.MIGRATE_HEADING("Receivers that ran, by built-in signal"))
        for name, times in observed.items():
            mark = self._style.SUCCESS("✓") if times else self._style.ERROR("✗")
            self._print(f"  {mark} {_fit(name, min(self._look.width - 10, 58))}{times:>6}")
        self._print()

    def _tell_part(self, part: list[Told]) -> None:
        undone: dict[str, Declaration] = {}
        for entry in part:
            match entry:
                case Deed():
                    self._tell_deed(entry)
                case Line():
                    self._tell_line(entry)
                    if entry.run.outcome is Outcome.ROLLED_BACK:
                        undone[entry.run.receiver.name] = entry.run.receiver
                case Aside():
                    text = f"+ {entry.times} more: {', '.join(entry.signals)}"
                    row = shorten(text, self._look.width - 4, placeholder=" …")
                    self._print(self._look.dim(f"    {row}"))
                case Note():
                    mark, paint = (
                        ("✉", str) if entry.kind == "letter" else ("!", self._style.WARNING)
                    )
                    for row in self._look.rows(f"{mark} {entry.kind} {entry.text}", 6, 2):
                        self._print(paint(row))
                case Answer():
                    for row in entry.text.splitlines():
                        self._print(row)
                case Expectation():
                    paint = self._style.SUCCESS if entry.holds else self._style.ERROR
                    mark = "=" if entry.holds else "≠"
                    for row in self._look.rows(f"{mark} {entry.text}", 4, 2):
                        self._print(paint(row))
        self._tell_undone(undone.values())

    def _tell_deed(self, deed: Deed) -> None:
        rows = self._look.rows(f"▸ {deed.text}", 2, 2)
        result = self._look.by_status(deed.status, deed.result)
        if deed.result and len(rows[-1]) + 2 + len(deed.result) > self._look.width:
            rows.append("   ")
        for row in rows[:-1]:
            self._print(self._style.MIGRATE_LABEL(row))
        self._print(self._style.MIGRATE_LABEL(rows[-1]) + (f"  {result}" if deed.result else ""))

    def _tell_line(self, line: Line) -> None:
        run, wide = line.run, self._look.width == WIDEST
        columns = self._columns(line)
        when = f"{WHEN[run.phase]:<{PHASE}}"
        took = f"{when} {line.seconds * 1000:>7.2f} ms" if wide else when.rstrip()
        match run.outcome:
            case Outcome.SUCCEEDED:
                self._print(f"    {self._style.SUCCESS('✓')} {columns} {took}")
            case Outcome.FAILED | Outcome.VETOED:
                verb = "vetoed" if run.outcome is Outcome.VETOED else "failed"
                end = f"  {verb}" if wide else ""
                self._print(f"    {self._style.ERROR('✗')} {columns} {took}{end}")
                for row in self._look.rows(explain(run.error), 8):
                    self._print(self._style.ERROR(row))
            case Outcome.SCHEDULED:
                self._print(f"    … {columns} {WAITS[run.phase] if wide else took}")
            case Outcome.ROLLED_BACK:
                self._print(self._style.WARNING(f"    ↩ {columns} {DROPPED if wide else took}"))

    def _columns(self, line: Line) -> str:
        """Return the signal with its sender, and the receiver, as wide as there is room."""
        width = self._look.width
        room = min(max(width - MARGIN - RECEIVER - PHASE - 2, SIGNAL), WIDE_SIGNAL)
        what = f"{line.signal} {line.sender}".rstrip()
        if len(what) > room:
            what = line.signal
        times = f" ×{line.times}" if line.times > 1 else ""
        receiver = min(RECEIVER, width - MARGIN - room - PHASE - 2)
        name = _cut(line.run.receiver.name, receiver - len(times)) + times
        return f"{_fit(what, room)} {_fit(name, receiver)}"

    def _tell_undone(self, receivers: Iterable[Declaration]) -> None:
        rows = [
            row for receiver in receivers for row in self._look.rows(f"- {promise(receiver)}", 6, 2)
        ]
        if rows:
            for row in ("    so this did not happen:", *rows):
                self._print(self._style.WARNING(row))

    def _print(self, text: str = "") -> None:
        self._out.write(text)


def _cut(text: str, width: int) -> str:
    """Return a text that takes at most `width` columns."""
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _fit(text: str, width: int) -> str:
    """Return a text that takes exactly `width` columns."""
    return f"{_cut(text, width):<{width}}"
