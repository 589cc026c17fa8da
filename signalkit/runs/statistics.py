"""How receivers fared: when last, how long, how many statements, how often in vain."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from signalkit.runs.querysets import RunQuerySet
from signalkit.states import Outcome

SAMPLE = 200
"""So many rows of each receiver are looked at, the newest."""

FAILURES = 10_000
"""So many failures are counted, the newest of all receivers together."""

_RAN = (Outcome.SUCCEEDED.value, Outcome.FAILED.value, Outcome.VETOED.value)


@dataclass(frozen=True, slots=True)
class Figures:
    """What the record says about one receiver, in a window of time."""

    last_run: datetime | None
    """When it began last; None if it did not run."""

    runs: int
    """How many runs the figures are of."""

    is_sample: bool
    """Whether there are older ones in the window, which were not looked at."""

    p50: int | None
    """In microseconds, as ``p95``; None without runs."""

    p95: int | None
    queries: float | None
    """The mean of what its runs have sent; None where that is not known."""

    failures: int
    """Counted, not sampled."""

    failures_are_capped: bool
    """Whether there are more."""


def nearest_rank(ordered: Sequence[int], percent: float) -> int:
    """Return a percentile by nearest rank: the smallest value that so many are not above.

    It is one of the values, never something between two of them.

    Args:
        ordered: the values, ascending; at least one.
        percent: above 0, up to 100.
    """
    return ordered[max(math.ceil(percent * len(ordered) / 100), 1) - 1]


def figures(
    runs: RunQuerySet, receivers: Mapping[str, Collection[str]], moment: datetime | None = None
) -> dict[str, Figures]:
    """Return the figures of some receivers.

    What is read is bounded, however large the table is: of each receiver the newest
    :data:`SAMPLE` rows, by the index on (receiver, id).

    Args:
        runs: all runs, of one database.
        receivers: for each receiver the names under which it may be on record.
        moment: where the window begins; None for everything on record.
    """
    counted, is_capped = _failures(runs if moment is None else runs.since(moment))
    return {
        receiver: _of(runs, names, moment, sum(counted[name] for name in names), is_capped)
        for receiver, names in receivers.items()
    }


def _of(
    runs: RunQuerySet,
    names: Collection[str],
    moment: datetime | None,
    failures: int,
    is_capped: bool,
) -> Figures:
    # The window is no part of the query: databases take it for a reason to read all of it.
    rows = [
        row
        for name in names
        for row in runs.filter(receiver=name)
        .order_by("-pk")
        .values_list("pk", "outcome", "started", "duration", "queries")[: SAMPLE + 1]
        if moment is None or row[2] >= moment
    ]
    rows.sort(reverse=True)
    ran = [row[1:] for row in rows[:SAMPLE] if row[1] in _RAN]
    durations = sorted(duration for _, _, duration, _ in ran if duration is not None)
    queries = [count for *_, count in ran if count is not None]
    return Figures(
        last_run=max((started for _, started, *_ in ran), default=None),
        runs=len(ran),
        is_sample=len(rows) > SAMPLE,
        p50=nearest_rank(durations, 50) if durations else None,
        p95=nearest_rank(durations, 95) if durations else None,
        queries=sum(queries) / len(queries) if queries else None,
        failures=failures,
        failures_are_capped=is_capped,
    )


def _failures(window: RunQuerySet) -> tuple[Counter[str], bool]:
    """Count the failures by the name of the receiver; say whether some were left out."""
    # Counted here: to group by receiver, SQLite would walk the index on receivers, all of it.
    failed = window.failed().order_by("-pk").values_list("receiver", flat=True)
    receivers = list(failed[: FAILURES + 1])
    return Counter(receivers[:FAILURES]), len(receivers) > FAILURES
