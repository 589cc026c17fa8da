"""What the record must not change: how a transaction ends, who waits, what hangs."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models.signals import post_save
from django.dispatch import Signal
from django.test import override_settings

from signalkit import Veto, context
from signalkit.dispatch.observation import Run
from signalkit.dispatch.running import Running
from signalkit.events import Event
from signalkit.registry import registry
from signalkit.runs import flushing
from signalkit.runs.health import health
from signalkit.runs.models import ReceiverRun
from signalkit.runs.outgoing import Outgoing, outgoing, place_of
from signalkit.runs.statements import writes
from signalkit.states import Outcome
from signalkit.transactions import before_commit
from signalkit.transactions.running import MAX_ROUNDS
from tests.dispatch.recording import listen
from tests.testapp.models import Tag
from tests.transactions.support import postgresql_only

pytestmark = pytest.mark.django_db(
    transaction=True, available_apps=["tests.testapp", "signalkit.runs"]
)

sent = Signal()


def record(policy: str) -> Any:
    return override_settings(SIGNALKIT={"RUNS": {"RECORD": policy}})


def outcomes() -> list[str]:
    return [run.outcome for run in ReceiverRun.objects.order_by("id")]


@postgresql_only
@pytest.mark.parametrize("policy", ["off", "all"])
def test_a_transaction_that_ended_quietly_does_so_on_record(policy: str) -> None:
    """An error that was caught without a savepoint: Django's COMMIT is the server's ROLLBACK."""
    listen(post_save, Tag, name="tests.one")
    with record(policy), transaction.atomic():
        Tag.objects.create(name="a")
        with connection.cursor() as cursor, pytest.raises(Exception, match="no_such"):
            cursor.execute("SELECT * FROM no_such")
    assert Tag.objects.count() == 0
    assert outcomes() == ([] if policy == "off" else ["rolled_back"])


@pytest.mark.parametrize("policy", ["off", "all"])
def test_as_many_rounds_are_allowed(policy: str) -> None:
    listen(post_save, Tag, name="tests.one")
    left = MAX_ROUNDS - 1

    def again() -> None:
        nonlocal left
        if left:
            left -= 1
            before_commit(again)

    with record(policy), transaction.atomic():
        Tag.objects.create(name="a")
        before_commit(again)
    assert left == 0
    assert Tag.objects.count() == 1


def test_statements_are_looked_at_in_linear_time() -> None:
    started = time.process_time()
    assert not writes("/* x */" * 2_000)
    assert time.process_time() - started < 1


def test_whoever_forbids_statements_loses_no_run() -> None:
    listen(sent, name="tests.sent")
    for _ in range(50):
        sent.send(sender=None)

    def forbid(*args: Any) -> Any:
        raise RuntimeError("no statements here")

    connection.ensure_connection()
    with connection.execute_wrapper(forbid):
        flushing.write_out(connection)
    assert not sum(health.lost.values())
    assert ReceiverRun.objects.count() == 50


def test_after_a_failed_attempt_nobody_tries_at_once() -> None:
    waiting: Outgoing = Outgoing()
    place = ("default", "x")
    listen(sent, name="tests.sent")
    sent.send(sender=None)
    [row] = outgoing.take(place_of(connection))
    waiting.put_back(place, [row])
    assert waiting.take(place, when_due=True) == []
    assert waiting.take(place) == [row]


def test_a_run_without_a_context_stays_the_processs() -> None:
    listen(sent, name="tests.sent")
    running = Running(registry.get("tests.sent"), Event(sent, None, {}))
    with context.use(actor="bob", reason="something else"):
        assert Run(running, Outcome.ROLLED_BACK, 0.0).context.reason == ""


def test_an_async_receivers_veto_is_one() -> None:
    async def refuse(**kwargs: Any) -> None:
        raise Veto("no")

    signal = Signal()
    signal.connect(refuse)
    settings = {"RUNS": {"RECORD": "all", "PLAIN": ["*refuse"]}}
    with override_settings(SIGNALKIT=settings):
        with pytest.raises(Veto):
            asyncio.run(signal.asend(sender=None))
        assert outcomes() == ["vetoed"]


HANGS = """
import signal
from signalkit.runs.outgoing import Outgoing

waiting = Outgoing()
calls = 0

def interrupt(number, frame):
    global calls
    calls += 1
    waiting.places()

signal.signal(signal.SIGALRM, interrupt)
with waiting._lock:
    signal.raise_signal(signal.SIGALRM)
print(calls)
"""


def test_a_signal_handler_may_come_while_a_lock_is_held() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HANGS], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "1"


def test_a_reader_waits_for_what_another_thread_is_writing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    listen(sent, name="tests.sent")
    sent.send(sender=None)
    writing, go_on = threading.Event(), threading.Event()

    def hold(execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
        writing.set()
        go_on.wait(10)
        return execute(sql, params, many, context)

    def write() -> None:
        connection.ensure_connection()
        with connection.execute_wrapper(hold):
            flushing.write_out(connection)
        connection.close()

    thread = threading.Thread(target=write)
    thread.start()
    assert writing.wait(10)
    wait = outgoing.wait

    def wait_until_written(seconds: float) -> None:
        go_on.set()
        wait(10)

    monkeypatch.setattr(outgoing, "wait", wait_until_written)
    assert ReceiverRun.objects.count() == 1
    thread.join()
