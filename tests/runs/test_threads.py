"""Many at once: none is lost, none is there twice, and each has who caused it."""

from __future__ import annotations

import asyncio
from collections import Counter
from threading import Barrier, Thread
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, connections, transaction
from django.db.models.signals import post_save
from django.dispatch import Signal
from django.test import override_settings

from signalkit import Phase, context
from signalkit.runs.flushing import flush
from signalkit.runs.health import health
from signalkit.runs.models import ReceiverRun
from tests.context.site import run_async
from tests.dispatch.recording import listen
from tests.testapp.models import Author

pytestmark = pytest.mark.django_db(
    transaction=True, available_apps=["tests.testapp", "signalkit.runs"]
)

THREADS, SAVES = 10, 200

sent = Signal()


def by_actor() -> Counter[tuple[str, str]]:
    flush()
    return Counter(ReceiverRun.objects.values_list("actor_label", "receiver"))


def attributed_rightly() -> bool:
    """Say whether each run has the actor who is named in its row."""
    names = {f"testapp.Author:{author.pk}": author.name for author in Author.objects.all()}
    rows = ReceiverRun.objects.exclude(object="").values_list("object", "actor_label")
    return all(names[reference] == label for reference, label in rows)


@pytest.mark.parametrize("atomic", [False, True])
def test_threads(atomic: bool) -> None:
    listen(post_save, Author, name="tests.inline")
    listen(post_save, Author, name="tests.later", phase=Phase.AFTER_COMMIT)
    listen(sent, name="tests.sent")
    start = Barrier(THREADS)
    errors: list[BaseException] = []

    def work(name: str) -> None:
        try:
            start.wait()
            with context.use(actor=name):
                for _ in range(SAVES // 10):
                    save_ten(name)
        except BaseException as error:  # noqa: BLE001  # raised by the test
            errors.append(error)
        finally:
            connections.close_all()

    def save_ten(name: str) -> None:
        if atomic:
            with transaction.atomic():
                # SQLite gives the lock to who writes first; who has read must not wait for it.
                for _ in range(10):
                    Author.objects.create(name=name)
                sent.send(sender=None)
        else:
            for _ in range(10):
                Author.objects.create(name=name)
            sent.send(sender=None)

    threads = [Thread(target=work, args=[f"actor {number}"]) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert Author.objects.count() == THREADS * SAVES
    expected: Counter[tuple[str, str]] = Counter()
    for number in range(THREADS):
        for receiver, count in (
            ("tests.inline", SAVES),
            ("tests.later", SAVES),
            ("tests.sent", SAVES // 10),
        ):
            expected[f"actor {number}", receiver] = count
    assert by_actor() == expected
    assert attributed_rightly()
    runs = ReceiverRun.objects.values("run").distinct().count()
    assert runs == expected.total()
    assert not sum(health.lost.values())


def test_tasks() -> None:
    listen(post_save, Author, name="tests.inline")
    listen(sent, name="tests.sent")

    async def work(name: str) -> None:
        with context.use(actor=name):
            for _ in range(20):
                await Author.objects.acreate(name=name)
                sent.send(sender=None)
                await asyncio.sleep(0)

    async def main() -> None:
        await asyncio.gather(*(work(f"actor {number}") for number in range(THREADS)))
        await sync_to_async(flush)()

    run_async(main)
    assert by_actor() == {
        (f"actor {number}", receiver): 20
        for number in range(THREADS)
        for receiver in ("tests.inline", "tests.sent")
    }
    assert attributed_rightly()


async def later(**kwargs: Any) -> None:
    await asyncio.sleep(0)


def test_plain_async_receivers_that_run_at_once() -> None:
    sent.connect(later)
    try:
        with override_settings(SIGNALKIT={"RUNS": {"PLAIN": ["tests.runs.test_threads.later"]}}):

            async def one(name: str) -> None:
                with context.use(actor=name):
                    await sent.asend(sender=None)

            async def main() -> None:
                await asyncio.gather(*(one(f"actor {number % 5}") for number in range(150)))

            # A thread that has used the database before.
            connection.ensure_connection()
            asyncio.run(main())
            found = by_actor()
    finally:
        sent.disconnect(later)
    assert found == {(f"actor {n}", "tests.runs.test_threads.later"): 30 for n in range(5)}
