"""After-rollback work: outside the lost transaction, once the connection is usable."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, connection, connections, transaction

from signalkit.transactions import after_commit, after_rollback, before_commit, hooks
from signalkit.transactions.entries import Moment
from signalkit.transactions.running import MAX_ROUNDS
from tests.testapp.models import Record
from tests.transactions.conftest import Committed
from tests.transactions.support import (
    NOTHING,
    Boom,
    Interrupt,
    Log,
    make_savepoint,
    raising,
    real_commits,
    rolled_back,
    write,
)

pytestmark = real_commits


class TestItRuns:
    @pytest.mark.parametrize("error", [Boom, IntegrityError, Interrupt, KeyboardInterrupt])
    def test_once_the_block_was_rolled_back(
        self, error: type[BaseException], log: Log, committed: Committed
    ) -> None:
        with rolled_back(error=error):
            write("lost")
            after_rollback(log.write("undone"))
            log.append("body")
        assert log == ["body", "undone"]
        assert committed() == ["undone"]

    def test_outside_every_transaction(self, log: Log) -> None:
        def work() -> None:
            log.append(f"{connection.in_atomic_block} {connection.get_autocommit()}")
            with transaction.atomic(durable=True):
                log.append("durable")

        with rolled_back():
            after_rollback(work)
        assert log == ["False True", "durable"]

    def test_after_set_rollback(self, log: Log, committed: Committed) -> None:
        with transaction.atomic():
            after_rollback(log.write("undone"))
            transaction.set_rollback(True)
        assert committed() == ["undone"]

    def test_on_the_alias_it_was_queued_for(self, log: Log, committed: Committed) -> None:
        with transaction.atomic(), rolled_back("other"):
            after_rollback(log.write("other", "other"), using="other")
            after_rollback(log.note("default"))
        assert log == ["other"]
        assert committed("other") == ["other"]

    def test_before_the_next_transaction_begins(self, log: Log) -> None:
        with rolled_back():
            after_rollback(log.note("undone"))
        with transaction.atomic():
            log.append("next")
        assert log == ["undone", "next"]

    def test_what_it_queues_runs_as_well(self, log: Log) -> None:
        def work() -> None:
            log.append("undone")
            after_commit(log.note("at once"))
            with rolled_back():
                after_rollback(log.note("undone again"))
            log.append("end")

        with rolled_back():
            after_rollback(work)
        assert log == ["undone", "at once", "end", "undone again"]


class TestASavepoint:
    def test_its_work_waits_for_the_end_of_the_outer_block(
        self, log: Log, committed: Committed
    ) -> None:
        with transaction.atomic():
            with rolled_back():
                after_rollback(log.write("undone"))
            write("outer")
            log.append("body")
            after_commit(log.note("after"))
            after_rollback(log.note("never"))
        assert log == ["body", "after", "undone"]
        assert committed() == ["outer", "undone"]

    def test_made_by_hand(self, log: Log, committed: Committed) -> None:
        with transaction.atomic():
            after_rollback(log.note("never"))
            sid = make_savepoint()
            assert sid
            after_rollback(log.write("undone"))
            connection.savepoint_rollback(sid)
        assert log == committed() == ["undone"]

    def test_released_its_work_belongs_to_the_outer_block(self, log: Log) -> None:
        with rolled_back():
            with transaction.atomic():
                after_rollback(log.note("inner"))
            after_rollback(log.note("outer"))
        assert log == ["inner", "outer"]

    def test_work_keeps_the_order_of_its_events(self, log: Log) -> None:
        with rolled_back():
            after_rollback(log.note("first"))
            with rolled_back():
                after_rollback(log.note("second"))
            after_rollback(log.note("third"))
        assert log == ["first", "second", "third"]


class TestItDoesNotRun:
    def test_when_everything_is_committed(self, log: Log) -> None:
        with transaction.atomic():
            after_rollback(log.note("never"))
        with rolled_back():
            pass
        assert log == []

    def test_without_a_transaction(self, log: Log) -> None:
        after_rollback(log.note("never"))
        with rolled_back():
            pass
        assert log == []

    def test_twice(self, log: Log) -> None:
        with rolled_back(), rolled_back():
            after_rollback(log.note("once"))
        with rolled_back():
            pass
        assert log == ["once"]


class TestItFails:
    def test_the_error_is_logged_and_stops_nobody(
        self, log: Log, caplog: pytest.LogCaptureFixture
    ) -> None:
        with rolled_back():
            after_rollback(log.fail("first", ValueError))
            after_rollback(log.note("second"))
        assert log == ["first", "second"]
        (record,) = caplog.records
        assert record.exc_info is not None
        assert record.exc_info[0] is ValueError

    def test_a_database_error_harms_nobody(self, log: Log, committed: Committed) -> None:
        with rolled_back():
            after_rollback(lambda: Record.objects.create(text=NOTHING))
            after_rollback(log.write("second"))
        assert committed() == ["second"]

    def test_a_request_to_exit_is_raised_and_the_rest_waits(self, log: Log) -> None:
        with raising(KeyboardInterrupt):
            after_rollback(log.fail("first", KeyboardInterrupt))
            after_rollback(log.note("second"))
            transaction.set_rollback(True)
        assert log == ["first"]
        with transaction.atomic():
            log.append("next use")
        assert log == ["first", "next use", "second"]

    def test_work_that_never_ends_is_given_up(
        self, log: Log, caplog: pytest.LogCaptureFixture
    ) -> None:
        def again() -> None:
            log.append("again")
            with rolled_back():
                after_rollback(again)

        with rolled_back():
            after_rollback(again)
        assert len(log) == MAX_ROUNDS
        assert "gave up" in caplog.text
        with rolled_back():
            after_rollback(log.note("the next one"))
        assert log[-1] == "the next one"

    def test_before_commit_work_of_it_that_fails_is_logged(
        self, log: Log, caplog: pytest.LogCaptureFixture
    ) -> None:
        def work() -> None:
            with transaction.atomic():
                before_commit(log.fail("before"))

        with rolled_back():
            after_rollback(work)
            after_rollback(log.note("second"))
        assert log == ["before", "second"]
        assert len(caplog.records) == 1

    def test_interrupted_the_rest_keeps_its_place(self, log: Log) -> None:
        queue = partial(hooks.queue, connections["default"], Moment.AFTER_ROLLBACK)
        with raising(KeyboardInterrupt):
            queue(log.fail("stops", KeyboardInterrupt))
            queue(log.note("first of k"), key="k")
            queue(log.note("second"))
            queue(log.note("k"), key="k")
            transaction.set_rollback(True)
        with transaction.atomic():
            pass
        assert log == ["stops", "k", "second"]


@pytest.mark.parametrize("hook", [before_commit, after_commit, after_rollback])
@pytest.mark.parametrize("in_block", [True, False])
def test_what_cannot_be_called_is_refused_at_once(
    hook: Callable[[Any], None], in_block: bool, log: Log
) -> None:
    with (
        pytest.raises(TypeError, match=rf"{hook.__name__}\(\) was given None; expected"),
        transaction.atomic() if in_block else nullcontext(),
    ):
        hook(None)
