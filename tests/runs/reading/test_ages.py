"""Ages and moments as one types them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from signalkit.runs.ages import as_text, parse_age, parse_moment


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("90s", timedelta(seconds=90)),
        ("15m", timedelta(minutes=15)),
        (" 2h ", timedelta(hours=2)),
        ("7d", timedelta(days=7)),
        ("4w", timedelta(weeks=4)),
    ],
)
def test_ages(text: str, age: timedelta) -> None:
    assert parse_age(text) == age
    assert parse_age(as_text(age)) == age
    assert abs(timezone.now() - age - parse_moment(text)) < timedelta(seconds=10)


def test_the_largest_unit_that_fits() -> None:
    assert as_text(timedelta(hours=48)) == "2d"
    assert as_text(timedelta(0)) == as_text(timedelta(milliseconds=1)) == "0s"


@pytest.mark.parametrize("text", ["", "7", "d", "-7d", "7y", "1.5h", "yesterday"])
def test_no_ages(text: str) -> None:
    with pytest.raises(ValueError, match="is no age; expected an age such as 90s"):
        parse_age(text)


def test_an_age_beyond_the_calendar() -> None:
    with pytest.raises(ValueError, match="before the calendar begins"):
        parse_age("999999d")


def test_moments() -> None:
    assert parse_moment("2026-03-01T12:00Z") == datetime(2026, 3, 1, 12, tzinfo=UTC)
    with timezone.override("Europe/Berlin"):
        assert parse_moment("2026-03-01") == datetime(2026, 2, 28, 23, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "soon", "2026-02-30", "2026-13-01T00:00", "7"])
def test_no_moments(text: str) -> None:
    with pytest.raises(ValueError, match="is no moment"):
        parse_moment(text)
