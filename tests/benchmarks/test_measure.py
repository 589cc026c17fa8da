"""How figures are judged."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from benchmarks.measure import Comparison, Ratio, Repeat, Subject, Target, Verdict, compare


def subject(name: str, seen: list[tuple[str, int]]) -> Subject:
    @contextmanager
    def prepare() -> Iterator[Repeat]:
        yield lambda count: seen.append((name, count))

    return Subject(name, prepare)


def test_every_subject_does_as_much_as_the_baseline() -> None:
    seen: list[tuple[str, int]] = []
    baseline, other = subject("baseline", seen), subject("other", seen)

    [row] = compare(Comparison("group", "title", baseline, [other], slice_ms=0), rounds=7)

    assert row.ratio.rounds == 7
    # Each slice begins with one more, which is not measured.
    measured = [name for name, count in seen[2:]]
    assert measured.count("baseline") == measured.count("other") == 14
    assert {count for _, count in seen} == {1}


def test_a_spoilt_round_changes_nothing() -> None:
    ratio = Ratio.of([1.1] * 20 + [900.0])

    assert ratio.median == ratio.high == ratio.third_quartile == 1.1


def test_the_interval_of_few_rounds_is_all_of_them() -> None:
    ratio = Ratio.of([1.0, 1.1, 1.2, 1.3, 1.4, 1.5])

    assert (ratio.low, ratio.high) == (1.0, 1.5)


@pytest.mark.parametrize(
    ("ratios", "verdict"),
    [
        ([1.2, 1.4, 1.5], Verdict.MET),
        ([1.4, 1.45, 1.6], Verdict.UNCLEAR),
        ([1.51, 1.6, 1.7], Verdict.MISSED),
    ],
)
def test_a_target_is_met_or_missed_by_the_whole_interval(
    ratios: list[float], verdict: Verdict
) -> None:
    assert Target(1.5).judge(Ratio.of(ratios)) is verdict
