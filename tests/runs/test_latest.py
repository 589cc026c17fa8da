"""The transaction that took the run before takes the next one only if that is its own, too."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from threading import Thread
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.db.models.signals import post_save
from django.dispatch import Signal

from signalkit.runs import pending
from signalkit.runs.flushing import flush
from signalkit.runs.models import ReceiverRun
from tests.dispatch.recording import listen, undone
from tests.testapp.models import Author, Tag

pytestmark = pytest.mark.django_db(
    transaction=True,
    databases=["default", "other"],
    available_apps=["tests.testapp", "signalkit.runs"],
)

sent = Signal()


@pytest.fixture(autouse=True)
def tags() -> None:
    listen(post_save, Tag, name="tests.tag", note=lambda named: None)


def on_record(alias: str = "default") -> list[str]:
    flush()
    runs = ReceiverRun.objects.using(alias).order_by("pk")
    return [f"{run.object.partition(':')[0]} {run.outcome}" for run in runs]


SAVED, UNDONE = "testapp.Tag succeeded", "testapp.Tag rolled_back"


def test_two_databases_at_once() -> None:
    with transaction.atomic(), transaction.atomic(using="other"):
        for number in range(3):
            Tag.objects.create(name=f"{number}")
            Tag.objects.using("other").create(name=f"{number}")
    assert on_record() == [SAVED] * 3
    assert on_record("other") == [SAVED] * 3


def test_another_thread_with_the_same_context() -> None:
    # SQLite has no two writers; what this is about is kept in the process.
    seen: list[Any] = []
    listen(sent, name="tests.sent", note=seen.append)

    def elsewhere() -> None:
        connections["default"].ensure_connection()
        sent.send(sender=None, using="default")
        connections["default"].close()

    with undone():
        Tag.objects.create(name="lost")
        copied = contextvars.copy_context()
        thread = Thread(target=copied.run, args=[elsewhere])
        thread.start()
        thread.join()
    assert len(seen) == 1
    assert sorted(on_record()) == [" succeeded", UNDONE]


@pytest.mark.parametrize("end", [transaction.atomic, undone])
def test_after_its_end(end: Callable[[], Any]) -> None:
    with end():
        Tag.objects.create(name="a")
    Tag.objects.create(name="b")
    assert on_record() == [SAVED if end is transaction.atomic else UNDONE, SAVED]


def test_after_an_end_that_nobody_has_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    wrapper = connections["default"]
    with monkeypatch.context() as patch, transaction.atomic():
        Tag.objects.create(name="a")
        patch.setattr(wrapper, "commit", lambda: type(wrapper).commit(wrapper))
    Tag.objects.create(name="b")
    # What waited for a COMMIT that was kept from it is lost, and said to be.
    assert on_record() == [SAVED]


def test_within_savepoints() -> None:
    with transaction.atomic():
        Tag.objects.create(name="a")
        with undone():
            Tag.objects.create(name="b")
            Tag.objects.create(name="c")
        Tag.objects.create(name="d")
        with transaction.atomic():
            Tag.objects.create(name="e")
        Tag.objects.create(name="f")
    assert sorted(on_record()) == [UNDONE] * 2 + [SAVED] * 4


def test_no_more_than_so_many_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pending, "MOST", 10)
    with transaction.atomic():
        Author.objects.create(name="no run")
        for number in range(25):
            Tag.objects.create(name=f"{number}")
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT COUNT(*) FROM {ReceiverRun._meta.db_table}")
            assert cursor.fetchone() == (20,)
    assert on_record() == [SAVED] * 25
