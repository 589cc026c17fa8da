"""How receivers fared: percentiles by definition, bounded work."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from signalkit.runs import statistics
from signalkit.runs.models import ReceiverRun
from signalkit.runs.names import recorded_names
from signalkit.runs.statistics import Figures, figures, nearest_rank
from signalkit.states import Outcome
from tests.runs.reading.rows import row, scheduled, write


class TestNearestRank:
    @pytest.mark.parametrize(
        ("values", "percent", "found"),
        [
            # the examples that textbooks have
            ([15, 20, 35, 40, 50], 5, 15),
            ([15, 20, 35, 40, 50], 30, 20),
            ([15, 20, 35, 40, 50], 40, 20),
            ([15, 20, 35, 40, 50], 50, 35),
            ([15, 20, 35, 40, 50], 100, 50),
            ([3, 6, 7, 8, 8, 9, 10, 13, 15, 16, 20], 50, 9),
            ([3, 6, 7, 8, 8, 10, 13, 15, 16, 20], 50, 8),
            ([7], 95, 7),
            ([*range(1, 101)], 95, 95),
            ([*range(1, 102)], 95, 96),
        ],
    )
    def test_examples(self, values: list[int], percent: float, found: int) -> None:
        assert nearest_rank(values, percent) == found

    @given(st.lists(st.integers(), min_size=1), st.integers(1, 100))
    def test_it_is_the_smallest_value_that_so_many_do_not_exceed(
        self, values: list[int], percent: int
    ) -> None:
        values.sort()
        found = nearest_rank(values, percent)
        needed = math.ceil(percent * len(values) / 100)

        assert found in values
        assert sum(value <= found for value in values) >= needed
        assert sum(value < found for value in values) < needed


def of(*names: str, ago: timedelta | None = timedelta(days=7)) -> Figures:
    moment = None if ago is None else timezone.now() - ago
    return figures(ReceiverRun.objects.all(), {"it": names or ("lib.Shelve",)}, moment)["it"]


@pytest.mark.django_db
class TestFigures:
    def test_of_nothing(self) -> None:
        assert of() == Figures(None, 0, False, None, None, None, 0, False)

    def test_they_are_of_what_ran(self) -> None:
        _, _, last, *_ = write(
            *(row(duration=duration, queries=duration) for duration in (10, 30, 20)),
            scheduled(ago=timedelta(0)),
            *(
                row(outcome=outcome, duration=None, queries=None, ago=timedelta(0))
                for outcome in ("skipped", "rolled_back")
            ),
            row(receiver="lib.Other", duration=1_000, queries=1_000),
            row(ago=timedelta(days=8), duration=5_000),
        )
        found = of()

        assert (found.runs, found.p50, found.p95, found.queries) == (3, 20, 30, 20.0)
        assert found.last_run == ReceiverRun.objects.get(pk=last).started
        assert not found.is_sample

    def test_what_failed_ran(self) -> None:
        write(*(row(outcome=outcome.value) for outcome in Outcome))
        found = of()

        assert (found.runs, found.failures) == (3, 1)

    def test_former_names(self) -> None:
        write(row(receiver="lib.old", outcome="failed"), row(receiver="lib.new", outcome="failed"))

        assert (of("lib.new", "lib.old").runs, of("lib.new", "lib.old").failures) == (2, 2)

    def test_everything_on_record(self) -> None:
        write(row(ago=timedelta(days=800)))

        assert of(ago=None).runs == 1

    def test_a_sample_says_that_it_is_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(statistics, "SAMPLE", 3)
        write(*(row(duration=duration) for duration in (1, 2, 3)))
        assert not of().is_sample
        write(row(duration=4))
        found = of()

        # The newest.
        assert (found.runs, found.p50, found.is_sample) == (3, 3, True)

    def test_failures_are_counted_beyond_the_sample(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(statistics, "SAMPLE", 2)
        monkeypatch.setattr(statistics, "FAILURES", 5)
        write(*(row(outcome="failed") for _ in range(5)), row(), row(), row())
        assert (of().failures, of().failures_are_capped) == (5, False)
        write(row(outcome="failed"))

        assert (of().failures, of().failures_are_capped) == (5, True)

    def test_statements_go_by_receivers_not_by_rows(self, django_assert_num_queries: Any) -> None:
        write(*(row(receiver=f"lib.r{number % 5}") for number in range(100)))
        names = {f"lib.r{number}": [f"lib.r{number}"] for number in range(5)}

        with django_assert_num_queries(1 + 5):
            assert len(figures(ReceiverRun.objects.all(), names)) == 5


@pytest.mark.django_db(databases=["default", "other"])
class TestNames:
    def test_each_once_in_one_statement(self, django_assert_num_queries: Any) -> None:
        write(*(row(receiver=name) for name in ("b.B", "a.A", "b.B", "b.b", "a.A", "c.ö")))
        write(row(receiver="there.T"), using="other")

        with django_assert_num_queries(1):
            assert sorted(recorded_names(ReceiverRun, "default")) == ["a.A", "b.B", "b.b", "c.ö"]
        assert recorded_names(ReceiverRun, "other") == ["there.T"]

    def test_of_an_empty_table(self) -> None:
        assert recorded_names(ReceiverRun, "default") == []
