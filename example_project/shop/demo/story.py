"""Makes a story of what was recorded: deed by deed, the same things told once, the usual aside."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from signalkit import Outcome
from signalkit.dispatch.observation import Run

from ..wording import HOUSEKEEPING, call_sender, call_signal, explain
from .recorder import Answer, Deed, Entry, Expectation, Note


@dataclass
class Line:
    """Runs of one receiver that can be told as one."""

    run: Run
    times: int = 0
    seconds: float = 0.0

    def add(self, run: Run) -> None:
        """Count one more."""
        self.times += 1
        self.seconds += run.duration or 0.0

    @property
    def signal(self) -> str:
        return call_signal(self.run.event.signal)

    @property
    def sender(self) -> str:
        return call_sender(self.run.event.sender)


@dataclass
class Aside:
    """Lines of the usual, which the reader knows from before."""

    lines: list[Line] = field(default_factory=list)

    @property
    def times(self) -> int:
        """How many receivers ran."""
        return sum(line.times for line in self.lines)

    @property
    def signals(self) -> list[str]:
        """For which signals, each once."""
        return list(dict.fromkeys(line.signal for line in self.lines))


Told = Deed | Note | Expectation | Answer | Line | Aside


def chapters(entries: Iterable[Entry]) -> list[list[Entry]]:
    """Split what happened so that each part begins with a deed."""
    parts: list[list[Entry]] = [[]]
    for entry in entries:
        if isinstance(entry, Deed):
            parts.append([])
        parts[-1].append(entry)
    return [part for part in parts if part]


def merge(part: Iterable[Entry]) -> list[Told]:
    """Tell as one what a receiver did many times, where it did it first."""
    lines: dict[tuple[Any, ...], Line] = {}
    told: list[Told] = []
    for entry in part:
        if not isinstance(entry, Run):
            told.append(entry)
            continue
        key = (
            entry.receiver.name,
            id(entry.event.signal),
            call_sender(entry.event.sender),
            entry.outcome,
            explain(entry.error),
        )
        if key not in lines:
            lines[key] = Line(entry)
            told.append(lines[key])
        lines[key].add(entry)
    return told


class Usual:
    """Knows which housekeeping the reader has seen in full."""

    def __init__(self) -> None:
        self._known: set[tuple[str, str]] = set()

    def set_aside(self, told: list[Told]) -> list[Told]:
        """Put the housekeeping that is known into one aside, where the last of it happened."""
        aside = Aside([each for each in told if isinstance(each, Line) and self._knows(each)])
        self._known |= {(each.signal, each.sender) for each in told if isinstance(each, Line)}
        if not aside.lines:
            return told
        last = aside.lines[-1]
        folded = {id(line) for line in aside.lines}
        return [
            aside if each is last else each
            for each in told
            if each is last or id(each) not in folded
        ]

    def _knows(self, line: Line) -> bool:
        return (
            line.signal in HOUSEKEEPING
            and line.run.outcome is Outcome.SUCCEEDED
            and (line.signal, line.sender) in self._known
        )
