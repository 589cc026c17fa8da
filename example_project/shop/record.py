"""What receivers did, read from signalkit's record and put in the shape in which pages show it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import zip_longest
from operator import attrgetter

from django.contrib.sessions.backends.base import SessionBase

from signalkit import Outcome, Phase
from signalkit.runs.models import ReceiverRun
from signalkit.runs.report import duration
from signalkit.runs.trees import LARGEST, Node, tree

from .wording import HOUSEKEEPING, WHEN, last_part

KEY = "record_of_action"
"""Where the session keeps the correlation id of what its user did last."""

LATEST = 300
"""How many runs the page `/pulse/` shows."""

MARKS = {
    Outcome.SCHEDULED: ("…", "waits"),
    Outcome.SUCCEEDED: ("✓", "ran"),
    Outcome.FAILED: ("✗", "failed"),
    Outcome.VETOED: ("✗", "vetoed"),
    Outcome.ROLLED_BACK: ("↩", "rolled back"),
    Outcome.SKIPPED: ("-", "skipped"),
}


@dataclass
class Line:
    """What one receiver did for one signal, as often as it did it there."""

    run: ReceiverRun
    depth: int
    """How many runs it was caused by, one by the other."""

    times: int = 0
    microseconds: int = 0
    queries: int = 0

    def add(self, run: ReceiverRun) -> None:
        """Count one more."""
        self.times += 1
        self.microseconds += run.duration or 0
        self.queries += run.queries or 0

    @property
    def mark(self) -> str:
        """The outcome as a sign."""
        return MARKS[Outcome(self.run.outcome)][0]

    @property
    def verb(self) -> str:
        """The outcome as a word."""
        return MARKS[Outcome(self.run.outcome)][1]

    @property
    def signal(self) -> str:
        """The signal, without its module."""
        return last_part(self.run.signal)

    @property
    def about(self) -> str:
        """The object, or of several what they are."""
        if self.times == 1 and self.run.object:
            return self.run.object
        return last_part(self.run.sender)

    @property
    def phase(self) -> str:
        """When it ran."""
        return WHEN[Phase(self.run.phase)]

    @property
    def took(self) -> str:
        """How long it took in all; nothing for what did not run."""
        return "" if self.run.duration is None else duration(self.microseconds)

    @property
    def error(self) -> str:
        """What it raised."""
        return f"{last_part(self.run.error)}: {self.run.message}" if self.run.error else ""

    @property
    def is_housekeeping(self) -> bool:
        """Whether its signal is one of every request or every row."""
        return self.run.signal in HOUSEKEEPING


@dataclass
class Chapter:
    """What one cause set off: a request, a command."""

    correlation: str
    lines: list[Line] = field(default_factory=list)

    @property
    def first(self) -> ReceiverRun:
        """The run that began first."""
        return min((line.run for line in self.lines), key=attrgetter("started"))

    @property
    def title(self) -> str:
        """What it was: the request, or the command."""
        run = self.first
        return f"manage.py {run.detail}" if run.source == "command" else run.detail or run.source

    @property
    def actor(self) -> str:
        """Who it was. A request that signs in is nobody's at first."""
        return next((line.run.actor_label for line in self.lines if line.run.actor_label), "")

    @property
    def began(self) -> datetime:
        """When the first receiver began."""
        return self.first.started

    @property
    def told(self) -> list[Line]:
        """Everything but housekeeping."""
        return [line for line in self.lines if not line.is_housekeeping]

    @property
    def housekeeping(self) -> int:
        """How many runs were housekeeping."""
        return sum(line.times for line in self.lines if line.is_housekeeping)

    @property
    def runs(self) -> int:
        """How many were not."""
        return sum(line.times for line in self.told)

    @property
    def trouble(self) -> Counter[str]:
        """How many of them failed, were refused or were undone, by that word."""
        trouble: Counter[str] = Counter()
        for line in self.told:
            if line.run.outcome != Outcome.SUCCEEDED.value:
                trouble[line.verb] += line.times
        return trouble


def remember(session: SessionBase, correlation: str) -> None:
    """Keep the correlation id of a request that did something."""
    session[KEY] = correlation


def of_page(session: SessionBase, correlation: str) -> list[Chapter]:
    """Return what the request at hand did, and before it what led to it; each if it did anything.

    It takes one query. Runs that this process has not written yet are written first, without
    Django counting a query; what another process has not written yet is missing.

    Args:
        session: which forgets what led here: the next page is led to by something else.
        correlation: of the request at hand.
    """
    before = session.pop(KEY, None) if KEY in session else None
    ids = [each for each in (before, correlation) if each]
    runs = ReceiverRun.objects.correlated(*ids).order_by("pk")[:LARGEST]
    found = {chapter.correlation: chapter for chapter in chapters(runs)}
    return [found[each] for each in ids if each in found]


def latest() -> list[Chapter]:
    """Return the latest runs but for housekeeping, the latest chapter first."""
    runs = ReceiverRun.objects.newest(20 * LATEST).exclude(signal__in=HOUSEKEEPING).page(LATEST)
    return chapters(runs)


def chapters(runs: Iterable[ReceiverRun]) -> list[Chapter]:
    """Return a chapter for each correlation id, in the order in which the ids come."""
    together: dict[str, list[ReceiverRun]] = {}
    for run in runs:
        together.setdefault(run.correlation, []).append(run)
    return [Chapter(each, fold(tree(rows))) for each, rows in together.items()]


def fold(nodes: Iterable[Node]) -> list[Line]:
    """Tell as one what a receiver did many times for the same cause, where it did it first.

    What caused something itself is told by itself, with what it caused below it.
    """
    lines: dict[tuple[object, ...], Line] = {}
    every = list(nodes)
    for node, following in zip_longest(every, every[1:]):
        run = node.row
        key: tuple[object, ...] = (
            *(run.parent, run.receiver, run.signal, run.sender),
            *(run.outcome, run.error, run.message),
        )
        if following is not None and following.depth > node.depth:
            key = (run.run,)
        lines.setdefault(key, Line(run, node.depth)).add(run)
    return list(lines.values())
