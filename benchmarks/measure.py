"""How two things are compared on a machine that does other things too.

Only ratios are taken, each from two slices of time that lie side by side: a round gives every
subject one slice of a few milliseconds, in an order that changes from round to round, and the
baseline is one of them. What slows the machine down for longer than a round slows both sides of
the ratio. What hits a single slice spoils the ratio of one round, and the median over all rounds
does not care about a few of those; a mean would, and a minimum would compare the luckiest slice of
one subject with the luckiest of another, from different moments.

The clock is the processor time of this process, unless another is asked for: it stands still while
the process waits for a database server or for its turn, so the shares of signalkit show larger than
on a clock on the wall.
"""

from __future__ import annotations

import gc
import math
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from enum import Enum

Repeat = Callable[[int], object]
"""Does a thing as often as it is told to, in a loop of its own: a call for each would be counted as
work of both sides and make every ratio look smaller."""

Prepare = Callable[[], AbstractContextManager[Repeat]]

MIN_ROUNDS = 6
"""With fewer there is no interval of 95 %: even from the lowest to the highest ratio is less."""


class Verdict(Enum):
    """What a run says about a target."""

    MET = "met"
    MISSED = "missed"
    UNCLEAR = "unclear"
    """The limit lies inside the interval: more rounds would tell."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a ratio has to stay below."""

    limit: float

    def judge(self, ratio: Ratio) -> Verdict:
        """Say what a measured ratio means for it."""
        if ratio.high <= self.limit:
            return Verdict.MET
        return Verdict.MISSED if ratio.low > self.limit else Verdict.UNCLEAR

    def __str__(self) -> str:
        return f"≤ {self.limit:g}"


NO_DIFFERENCE = Target(1.02)
"""Equal, as far as can be told. That an interval merely contains 1 would be met best by the
noisiest run; this one has to be narrow, too."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One way to do a thing."""

    name: str
    prepare: Prepare
    """A context in which the thing is ready to be done; it yields what does it."""

    target: Target | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Several ways to do one thing, the first of which is the measure of the others."""

    group: str
    title: str
    baseline: Subject
    subjects: Sequence[Subject]
    slice_ms: float = 2
    rounds: float = 1
    """How many of the rounds that were asked for: a cheap comparison takes more of them."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """The ratios of all rounds, in a few figures."""

    median: float
    low: float
    """With ``high``: the 95 % confidence interval of the median, from the ranks alone."""

    high: float
    first_quartile: float
    third_quartile: float
    rounds: int

    @classmethod
    def of(cls, ratios: Sequence[float]) -> Ratio:
        """Sum up the ratios of some rounds."""
        ordered = sorted(ratios)
        count = len(ordered)
        # The number of rounds below the true median is binomial, whatever the noise looks like.
        rank = max(0, math.floor((count - 1.96 * math.sqrt(count)) / 2))
        quartiles = statistics.quantiles(ordered, n=4, method="inclusive")
        return cls(
            median=statistics.median(ordered),
            low=ordered[rank],
            high=ordered[count - 1 - rank],
            first_quartile=quartiles[0],
            third_quartile=quartiles[2],
            rounds=count,
        )


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    group: str
    title: str
    baseline: str
    name: str
    ratio: Ratio
    target: Target | None

    @property
    def verdict(self) -> Verdict | None:
        """What it says about the target, if there is one."""
        return None if self.target is None else self.target.judge(self.ratio)


Clock = Callable[[], float]
"""Returns seconds since whenever."""

CLOCKS: dict[str, Clock] = {"processor": time.process_time, "wall": time.perf_counter}


def compare(
    comparison: Comparison, rounds: int, scale: float = 1, clock: Clock = time.process_time
) -> list[Row]:
    """Run a comparison.

    Args:
        comparison: what to compare with what.
        rounds: how many rounds to take, at least :data:`MIN_ROUNDS`.
        scale: how much longer than usual a slice of time is.
        clock: what is looked at.
    """
    rounds = max(MIN_ROUNDS, round(rounds * comparison.rounds))
    subjects = [comparison.baseline, *comparison.subjects]
    times: dict[str, list[float]] = {subject.name: [] for subject in subjects}
    shuffle = random.Random(0).shuffle
    with _garbage_kept():
        count = _calibrate(comparison.baseline, comparison.slice_ms / 1000 * scale, clock)
        for _ in range(rounds):
            shuffle(subjects)
            for subject in subjects:
                times[subject.name].append(_slice(subject, count, clock))
            gc.collect()
    base = times[comparison.baseline.name]
    return [
        Row(
            comparison.group,
            comparison.title,
            comparison.baseline.name,
            subject.name,
            Ratio.of([mine / its for mine, its in zip(times[subject.name], base, strict=True)]),
            subject.target,
        )
        for subject in comparison.subjects
    ]


def _calibrate(baseline: Subject, seconds: float, clock: Clock) -> int:
    """Return how many operations of the baseline fill a slice; all subjects get as many."""
    count = 1
    while _slice(baseline, count, clock) < seconds:
        count *= 2
    return count


def _slice(subject: Subject, count: int, clock: Clock) -> float:
    """Return how long a subject takes for some operations, in seconds."""
    with subject.prepare() as repeat:
        # Django fills its caches of receivers at the first send.
        repeat(1)
        started = clock()
        repeat(count)
        return clock() - started


@contextmanager
def _garbage_kept() -> Iterator[None]:
    """Collect garbage between the rounds, never in a slice, and only what the rounds made."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()
