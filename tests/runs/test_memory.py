"""What the record holds until it is written: little, and no object of the application."""

from __future__ import annotations

import gc
import tracemalloc
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models.signals import post_save
from django.dispatch import Signal
from django.http import HttpRequest

from signalkit import context
from signalkit.runs import outgoing as kept
from signalkit.runs import pending
from signalkit.runs.flushing import write_out
from signalkit.runs.health import health
from signalkit.runs.models import ReceiverRun
from signalkit.runs.notes import Note
from signalkit.runs.tables import tables
from tests.dispatch.recording import listen
from tests.testapp.models import Tag

pytestmark = pytest.mark.django_db(
    transaction=True, available_apps=["tests.testapp", "signalkit.runs"]
)

sent = Signal()


@pytest.fixture(autouse=True)
def warm() -> None:
    connection.ensure_connection()
    assert tables.why_not(connection) is None


def _held() -> int:
    gc.collect()
    return sum(type(each) is Note for each in gc.get_objects())


@pytest.fixture
def held() -> Callable[[], int]:
    """Return what says how many runs are held, those left out that were before."""
    before = _held()
    return lambda: _held() - before


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pending, "MOST", 500)
    monkeypatch.setattr(kept, "MOST", 500)


@pytest.mark.usefixtures("quick")
class TestMany:
    @pytest.mark.parametrize("nested", [False, True])
    def test_a_transaction_does_not_hold_all_of_them(
        self, nested: bool, held: Callable[[], int]
    ) -> None:
        seen = listen(sent, name="tests.sent")
        with transaction.atomic():
            Tag.objects.create(name="a")
            sent.send(sender=None)
            with transaction.atomic(savepoint=nested):
                for _ in range(5_000):
                    sent.send(sender=None)
                    seen.clear()
                assert held() <= 1_100
            # Those of the end are still held.
            assert connection.in_atomic_block
        assert ReceiverRun.objects.count() == 5_001

    def test_nor_one_with_many_savepoints(self, held: Callable[[], int]) -> None:
        seen = listen(sent, name="tests.sent")
        with transaction.atomic():
            Tag.objects.create(name="a")
            for _ in range(1_500):
                sent.send(sender=None)
                with transaction.atomic():
                    sent.send(sender=None)
                seen.clear()
            assert held() <= 1_100
        assert ReceiverRun.objects.count() == 3_000

    def test_without_a_transaction_the_oldest_go_and_are_counted(
        self, held: Callable[[], int]
    ) -> None:
        seen = listen(sent, name="tests.sent")
        with transaction.atomic():
            list(Tag.objects.all())
            for _ in range(3_000):
                sent.send(sender=None)
                seen.clear()
            assert held() <= 1_100
        write_out(connection)
        assert ReceiverRun.objects.count() + sum(health.lost.values()) == 3_000


class Payload:
    """Something that can be weakly referred to."""


class TestReferences:
    @pytest.mark.parametrize("atomic", [False, True])
    def test_nothing_of_an_event_lives_for_the_record(self, atomic: bool) -> None:
        def fail(named: dict[str, Any]) -> None:
            mine = named["mine"]
            raise ValueError(mine)

        seen = listen(sent, name="tests.sent", note=lambda named: None)
        also = listen(sent, name="tests.fails", note=fail)
        tags = listen(post_save, Tag, name="tests.tag", note=lambda named: None)
        references: list[weakref.ref[Any]] = []

        def act() -> None:
            tag = Tag(name="a")
            payload, sender = Payload(), Payload()
            references.extend(map(weakref.ref, (tag, payload, sender)))
            tag.save()
            with suppress(ValueError):
                sent.send(sender=sender, mine=payload)

        gc.disable()
        try:
            if atomic:
                with transaction.atomic():
                    act()
                    alive = [each() for each in references if each() is not None]
            else:
                act()
                alive = [each() for each in references if each() is not None]
        finally:
            gc.enable()
        assert alive == []
        assert len(seen + also + tags) == 2

    def test_what_was_written_is_forgotten(self, held: Callable[[], int]) -> None:
        listen(sent, name="tests.sent", note=lambda named: None)
        with transaction.atomic():
            Tag.objects.create(name="a")
            for _ in range(50):
                sent.send(sender=None)
        assert held() == 0

    def test_a_request_does_not_wait_for_the_record(self) -> None:
        listen(sent, name="tests.sent", note=lambda named: None)
        request = HttpRequest()
        reference = weakref.ref(request)
        with context.use(request=request, actor="ada"):
            sent.send(sender=None)
        del request
        gc.collect()
        assert reference() is None


def test_a_run_takes_less_than_a_kilobyte() -> None:
    listen(sent, name="tests.sent", note=lambda named: None)
    with transaction.atomic():
        Tag.objects.create(name="a")
        sent.send(sender=None)
        tracemalloc.start()
        for _ in range(2_000):
            sent.send(sender=None)
        size, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert size / 2_000 < 1_000
