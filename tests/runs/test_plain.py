"""Plain Django receivers on record, because the settings name them."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from typing import Any

import pytest
from django.db.models.signals import post_save
from django.dispatch import Signal
from django.test import override_settings

from signalkit.declare.places import place_of
from signalkit.diagnosis.connections import all_connections
from signalkit.runs import plain
from signalkit.runs.models import ReceiverRun
from tests.testapp.models import Tag

pytestmark = pytest.mark.django_db(
    transaction=True, available_apps=["tests.testapp", "signalkit.runs"]
)

sent = Signal()


def answer(**kwargs: Any) -> str:
    return "yes"


def fail(**kwargs: Any) -> None:
    raise ValueError("no")


async def later(**kwargs: Any) -> str:
    return "later"


def save_a_tag(**kwargs: Any) -> None:
    Tag.objects.create(name="from a plain one")


@pytest.fixture(autouse=True)
def connected() -> Iterator[None]:
    for each in (answer, later):
        sent.connect(each)
    before = list(sent.receivers)
    yield
    with override_settings(SIGNALKIT={}):
        sent.receivers[:] = before
        for each in (answer, later):
            assert sent.disconnect(each)
        assert sent.receivers == []


def recorded(*patterns: str) -> Any:
    return override_settings(SIGNALKIT={"RUNS": {"RECORD": "all", "PLAIN": patterns}})


def test_it_is_on_record_and_answers_as_before() -> None:
    with recorded("tests.runs.test_plain.answer"):
        answers = [value for _, value in sent.send(sender="shop")]
        assert answers == ["yes", "later"]
        [run] = ReceiverRun.objects.all()
    assert (run.receiver, run.outcome) == ("tests.runs.test_plain.answer", "succeeded")
    assert (run.signal, run.sender) == ("tests.runs.test_plain.sent", "shop")


def test_what_it_raises_is_raised_and_on_record() -> None:
    sent.connect(fail)
    with recorded("tests.runs.*"):
        with pytest.raises(ValueError, match="no"):
            sent.send(sender=None)
        assert ReceiverRun.objects.get(receiver="tests.runs.test_plain.fail").outcome == "failed"
        assert sent.disconnect(fail)


def test_an_async_one_is_awaited_and_on_record() -> None:
    with recorded("*.later"):
        answers = dict(asyncio.run(sent.asend(sender=None)))
        assert sorted(map(str, answers.values())) == ["later", "yes"]
        [run] = ReceiverRun.objects.all()
    assert run.receiver == "tests.runs.test_plain.later"


def test_disconnecting_finds_it_and_connecting_again_makes_no_second() -> None:
    with recorded("tests.runs.*"):
        sent.connect(answer)
        assert len(sent.receivers) == 2
        assert sent.disconnect(answer)
        assert [value for _, value in sent.send(sender=None)] == ["later"]
        sent.connect(answer)


def test_nothing_is_in_its_place_where_nobody_asks() -> None:
    before = list(sent.receivers)
    with recorded("tests.runs.*"):
        assert sent.receivers != before
    assert sent.receivers == before


def test_the_order_stays() -> None:
    order: list[str] = []
    signal = Signal()

    def first(**kwargs: Any) -> None:
        order.append("first")

    def second(**kwargs: Any) -> None:
        order.append("second")

    signal.connect(first)
    signal.connect(second)
    with recorded("*first"):
        signal.send(sender=None)
    assert order == ["first", "second"]


def test_one_that_is_gone_is_passed_over() -> None:
    def short_lived(**kwargs: Any) -> str:
        return "gone"

    signal = Signal()
    signal.connect(short_lived)
    with recorded("*short_lived"):
        del short_lived
        gc.collect()
        assert [value for _, value in signal.send(sender=None)] == [None]


def test_it_is_the_parent_of_what_it_causes() -> None:
    from tests.dispatch.recording import listen

    listen(post_save, Tag, name="tests.caused")
    sent.connect(save_a_tag)
    with recorded("*save_a_tag"):
        sent.send(sender=None)
        cause = ReceiverRun.objects.get(receiver="tests.runs.test_plain.save_a_tag")
        caused = ReceiverRun.objects.get(receiver="tests.caused")
        assert caused.parent == cause.run
        assert cause.queries >= 1
        sent.disconnect(save_a_tag)


def test_patterns_that_name_nobody_are_told() -> None:
    with recorded("tests.runs.test_plain.answer", "shop.nobody"):
        assert plain.unmatched() == ["shop.nobody"]


class Answerer:
    def __call__(self, **kwargs: Any) -> str:
        return "called"


def test_names_are_those_of_the_listing() -> None:
    answerer = Answerer()
    signal = Signal()
    signal.connect(answerer)
    [connection] = all_connections([signal])
    name = place_of(connection.receiver).path if connection.receiver else ""
    with recorded(name):
        assert [value for _, value in signal.send(sender=None)] == ["called"]
        assert ReceiverRun.objects.get().receiver == name
