"""The filters of the listing."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models.signals import post_save
from django.dispatch import Signal

from signalkit.diagnosis.listing import Row, all_rows
from signalkit.diagnosis.selection import select
from signalkit.exceptions import UnknownFilter
from tests.testapp.models import Book

unheard = Signal()


def hear(**kwargs: Any) -> None: ...


@pytest.fixture
def rows() -> list[Row]:
    post_save.connect(hear, sender=Book)
    return all_rows()


def test_no_filter_selects_all(rows: list[Row]) -> None:
    assert select(rows) == rows


@pytest.mark.parametrize("name", ["post_save", "POST_SAVE", "django.db.models.signals.post_save"])
def test_a_signal_by_its_short_or_dotted_name(rows: list[Row], name: str) -> None:
    assert {row.signal_name for row in select(rows, signals=[name])} == {"post_save"}


def test_a_signal_that_nobody_hears_is_known(rows: list[Row]) -> None:
    assert select(rows, signals=["unheard"]) == []


def test_several_values_of_one_filter(rows: list[Row]) -> None:
    selected = select(rows, signals=["post_save", "user_logged_in"])

    assert {row.signal_name for row in selected} == {"post_save", "user_logged_in"}


def test_a_sender_in_any_case(rows: list[Row]) -> None:
    assert f"{__name__}.hear" in {row.receiver for row in select(rows, senders=["TESTAPP.book"])}
    assert {row.sender for row in select(rows, senders=["TESTAPP.book"])} == {"testapp.Book"}


def test_a_sender_that_nobody_hears_is_known(rows: list[Row]) -> None:
    assert select(rows, senders=["testapp.Ticket"]) == []


def test_those_without_a_sender(rows: list[Row]) -> None:
    assert {row.sender for row in select(rows, senders=["any"])} == {"any"}


@pytest.mark.parametrize("name", ["auth", "Auth", "django.contrib.auth"])
def test_an_app_by_label_or_name(rows: list[Row], name: str) -> None:
    assert {row.app for row in select(rows, app_labels=[name])} == {"auth"}


def test_filters_narrow_each_other(rows: list[Row]) -> None:
    assert select(rows, signals=["post_save"], app_labels=["auth"]) == []


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ({"signals": ["post_safe"]}, "no signal 'post_safe'. Did you mean 'post_save'?"),
        ({"senders": ["testapp.Bok"]}, "no sender 'testapp.Bok'. Did you mean 'testapp.Book'?"),
        ({"app_labels": ["auht"]}, "No installed app is called 'auht'. Did you mean 'auth'?"),
    ],
)
def test_unknown_values_are_refused(
    rows: list[Row], filters: dict[str, list[str]], message: str
) -> None:
    with pytest.raises(UnknownFilter) as raised:
        select(rows, **filters)

    assert message in str(raised.value)
