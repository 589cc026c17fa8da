"""After-commit work: Django's on_commit, in which one failing callback drops nobody of ours."""

from __future__ import annotations

import asyncio
import gc
import logging
import weakref
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import pytest
from django.db import IntegrityError, OperationalError, connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from signalkit.transactions import after_commit, after_rollback, before_commit, hooks
from signalkit.transactions.entries import Moment
from tests.testapp.models import DeferredCheck
from tests.transactions.conftest import Committed
from tests.transactions.support import (
    Boom,
    Interrupt,
    Log,
    make_savepoint,
    postgresql_only,
    raising,
    real_commits,
    rolled_back,
    write,
)

pytestmark = real_commits


class TestItRunsAfterTheCommit:
    def test_of_the_outermost_block(self, log: Log, committed: Committed) -> None:
        with transaction.atomic():
            with transaction.atomic():
                write("row")
                after_commit(lambda: log.append(f"sees {committed()}"))
            log.append("body")
        assert log == ["body", "sees ['row']"]

    def test_as_one_of_djangos_callbacks(self, log: Log) -> None:
        with transaction.atomic():
            transaction.on_commit(log.note("first"))
            after_commit(log.note("second"))
            transaction.on_commit(log.note("third"))
            assert len(connection.run_on_commit) == 3
        assert log == ["first", "second", "third"]

    def test_at_once_without_a_transaction(self, log: Log) -> None:
        after_commit(log.note("at once"))
        assert log == ["at once"]

    def test_on_the_alias_it_was_queued_for(self, log: Log) -> None:
        with transaction.atomic():
            with transaction.atomic(using="other"):
                after_commit(log.note("other"), using="other")
                after_commit(log.note("default"))
            assert log == ["other"]
        assert log == ["other", "default"]

    def test_not_when_its_savepoint_was_rolled_back(self, log: Log) -> None:
        with transaction.atomic():
            with rolled_back():
                after_commit(log.note("undone"))
            after_commit(log.note("kept"))
        assert log == ["kept"]

    def test_what_it_writes_stays(self, log: Log, committed: Committed) -> None:
        with transaction.atomic():
            after_commit(log.write("row"))
        assert committed() == ["row"]

    def test_what_it_queues_runs_as_well(self, log: Log) -> None:
        def work() -> None:
            log.append("work")
            after_commit(log.note("at once"))
            with transaction.atomic():
                before_commit(log.note("before"))
                after_commit(log.note("after"))

        with transaction.atomic():
            after_commit(work)
            after_commit(log.note("last"))
        assert log == ["work", "at once", "before", "after", "last"]


class TestSomebodyElsesCallbackFails:
    def test_ours_run_and_it_is_raised(self, log: Log) -> None:
        with raising(Boom, "foreign"):
            transaction.on_commit(log.note("first"))
            after_commit(log.note("ours"))
            transaction.on_commit(log.fail("foreign"))
            after_commit(log.note("ours as well"))
            transaction.on_commit(log.note("dropped, as Django does"))
        assert log == ["first", "ours", "foreign", "ours as well"]
        assert connection.get_autocommit()

    def test_a_robust_one_stops_nobody(self, log: Log) -> None:
        with transaction.atomic():
            transaction.on_commit(log.fail("foreign"), robust=True)
            after_commit(log.note("ours"))
            transaction.on_commit(log.note("foreign as well"))
        assert log == ["foreign", "ours", "foreign as well"]

    def test_an_error_of_ours_beside_it_is_logged(
        self, log: Log, caplog: pytest.LogCaptureFixture
    ) -> None:
        with raising(Boom, "foreign"):
            transaction.on_commit(log.fail("foreign"))
            after_commit(log.fail("ours", ValueError))
        assert log == ["foreign", "ours"]
        (record,) = caplog.records
        assert record.exc_info is not None
        assert record.exc_info[0] is ValueError

    def test_ours_run_once(self, log: Log) -> None:
        with raising(Boom):
            after_commit(log.note("ours"))
            transaction.on_commit(log.fail("foreign"))
        with transaction.atomic():
            pass
        assert log == ["ours", "foreign"]


class TestOursFails:
    def test_nobody_is_stopped_and_it_is_raised(self, log: Log, committed: Committed) -> None:
        with raising(Boom, "first"):
            write("row")
            after_commit(log.fail("first"))
            after_commit(log.note("second"))
            transaction.on_commit(log.note("foreign"))
        assert log == ["first", "second", "foreign"]
        assert committed() == ["row"]

    def test_several_are_raised_together(self, log: Log) -> None:
        with raising(ExceptionGroup, "'default'") as caught:
            after_commit(log.fail("first"))
            after_commit(log.fail("second", ValueError))
        assert isinstance(caught.value, ExceptionGroup)
        assert [str(error) for error in caught.value.exceptions] == ["first", "second"]

    def test_what_it_had_at_hand_is_let_go(
        self, log: Log, caplog: pytest.LogCaptureFixture
    ) -> None:
        # A record of the log would hold it.
        caplog.set_level(logging.CRITICAL, logger="signalkit.transactions")

        class Held:
            pass

        held: list[weakref.ref[Held]] = []

        def work(error: type[BaseException] = Boom) -> None:
            at_hand = Held()
            held.append(weakref.ref(at_hand))
            raise error

        gc.disable()
        try:
            for number in (1, 2):
                with pytest.raises((Boom, ExceptionGroup)), transaction.atomic():  # noqa: PT012  # it fails
                    for _ in range(number):
                        after_commit(work)
                    transaction.on_commit(log.note("foreign"))
            with suppress(Boom), transaction.atomic():
                after_commit(log.note("ours"))
                transaction.on_commit(work)
            with pytest.raises(asyncio.CancelledError), transaction.atomic():  # noqa: PT012  # so this
                after_rollback(partial(work, asyncio.CancelledError))
                transaction.set_rollback(True)
            assert [ref() for ref in held] == [None] * 5
        finally:
            gc.enable()


@pytest.mark.parametrize("failure", [Interrupt, GeneratorExit, asyncio.CancelledError])
class TestWhatIsNoException:
    """It stops nobody either: what is committed may have no other occasion."""

    def test_in_ours(self, failure: type[BaseException], log: Log, committed: Committed) -> None:
        with raising(failure, "ours"):
            after_commit(log.note("first"))
            after_commit(log.fail("ours", failure))
            transaction.on_commit(log.note("foreign"))
            after_commit(log.write("last"))
        assert log == ["first", "ours", "foreign", "last"]
        assert committed() == ["last"]

    def test_in_somebody_elses_callback(self, failure: type[BaseException], log: Log) -> None:
        with raising(failure, "foreign"):
            transaction.on_commit(log.fail("foreign", failure))
            transaction.on_commit(log.note("dropped, as Django does"))
            after_commit(log.note("last"))
        assert log == ["foreign", "last"]

    def test_it_comes_before_an_error(
        self, failure: type[BaseException], log: Log, caplog: pytest.LogCaptureFixture
    ) -> None:
        with raising(failure, "second"):
            transaction.on_commit(log.fail("foreign"))
            after_commit(log.fail("first", ValueError))
            after_commit(log.fail("second", failure))
            after_commit(log.fail("third", failure))
            after_commit(log.note("last"))
        assert log == ["foreign", "first", "second", "third", "last"]
        logged = [record.exc_info and record.exc_info[0] for record in caplog.records]
        assert logged == [Boom, ValueError, failure]

    def test_after_a_rollback(
        self, failure: type[BaseException], log: Log, caplog: pytest.LogCaptureFixture
    ) -> None:
        with raising(failure, "second"):
            after_rollback(log.fail("first"))
            after_rollback(log.fail("second", failure))
            after_rollback(log.note("last"))
            transaction.set_rollback(True)
        assert log == ["first", "second", "last"]
        assert len(caplog.records) == 2


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
class TestARequestToStop:
    """Nobody can be shielded from it, and nothing is lost by it while the process lives."""

    def test_in_ours(self, stop: type[BaseException], log: Log, committed: Committed) -> None:
        with raising(stop, "ours"):
            after_commit(log.note("first"))
            transaction.on_commit(log.note("foreign"))
            after_commit(log.fail("ours", stop))
            transaction.on_commit(log.note("dropped, as Django does"))
            after_commit(log.write("last"))
        assert log == ["first", "foreign", "ours"]
        assert connection.get_autocommit()
        with transaction.atomic():
            log.append("next use")
        assert log == ["first", "foreign", "ours", "next use", "last"]
        assert committed() == ["last"]

    def test_in_somebody_elses_callback(self, stop: type[BaseException], log: Log) -> None:
        with raising(stop, "foreign"):
            after_commit(log.note("first"))
            transaction.on_commit(log.fail("foreign", stop))
            after_commit(log.note("last"))
        assert log == ["first", "foreign"]
        with rolled_back():
            pass
        assert log == ["first", "foreign", "last"]

    def test_an_error_before_it_is_logged(
        self, stop: type[BaseException], log: Log, caplog: pytest.LogCaptureFixture
    ) -> None:
        with raising(stop, "second"):
            after_commit(log.fail("first"))
            after_commit(log.fail("second", stop))
        (record,) = caplog.records
        assert record.exc_info is not None
        assert record.exc_info[0] is Boom

    def test_after_somebody_elses_failure(
        self, stop: type[BaseException], log: Log, caplog: pytest.LogCaptureFixture
    ) -> None:
        with raising(stop, "ours"):
            transaction.on_commit(log.fail("foreign"))
            after_commit(log.fail("ours", stop))
            after_commit(log.note("last"))
        assert log == ["foreign", "ours"]
        (record,) = caplog.records
        assert record.exc_info is not None
        assert record.exc_info[0] is Boom

    def test_what_had_no_turn_keeps_its_order(self, stop: type[BaseException], log: Log) -> None:
        with raising(stop):
            queue = partial(hooks.queue, connections["default"], Moment.AFTER_COMMIT)
            after_commit(log.fail("stops", stop))
            queue(log.note("first of k"), key="k")
            after_commit(log.note("second"))
            make_savepoint()
            queue(log.note("k"), key="k")
        with transaction.atomic():
            pass
        assert log == ["stops", "k", "second"]

    def test_its_error_is_logged_then(
        self, stop: type[BaseException], log: Log, caplog: pytest.LogCaptureFixture
    ) -> None:
        with raising(stop):
            after_commit(log.fail("stops", stop))
            after_commit(log.fail("fails"))
        assert caplog.records == []
        with transaction.atomic():
            pass
        assert log == ["stops", "fails"]
        assert len(caplog.records) == 1


@pytest.mark.parametrize("is_watched", [True, False])
def test_what_is_late_is_not_replaced_by_what_was_undone(is_watched: bool, log: Log) -> None:
    queue = partial(hooks.queue, connections["default"], Moment.AFTER_COMMIT)
    dropped = log.note("dropped") if is_watched else None
    with raising(KeyboardInterrupt):
        after_commit(log.fail("stops", KeyboardInterrupt))
        queue(log.note("committed"), key="k", dropped=dropped)
        with rolled_back():
            queue(log.note("undone"), key="k", dropped=dropped)
    with transaction.atomic():
        pass
    assert log == ["stops", "committed", *(["dropped"] if is_watched else [])]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_a_request_to_stop_after_a_commit_by_hand(
    stop: type[BaseException], log: Log, committed: Committed
) -> None:
    transaction.set_autocommit(False)
    after_commit(log.fail("stops", stop))
    after_commit(log.write("last"))
    with pytest.raises(stop):
        transaction.commit()
    assert log == ["stops"]
    transaction.commit()
    assert log == ["stops", "last"]
    assert committed() == ["last"]
    transaction.set_autocommit(True)


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_a_request_to_stop_by_hand_is_heeded_before_what_is_owed(
    stop: type[BaseException], log: Log
) -> None:
    transaction.set_autocommit(False)
    write("row")
    after_commit(log.fail("stops", stop))
    with rolled_back():
        after_rollback(log.note("undone"))
    with pytest.raises(stop):
        transaction.commit()
    log.append("stopped")
    transaction.commit()
    transaction.set_autocommit(True)
    assert log == ["stops", "stopped", "undone"]


class TestTheCommitFails:
    @pytest.mark.skipif(
        not connection.features.can_defer_constraint_checks, reason="constraints are not deferred"
    )
    def test_by_a_constraint_that_is_checked_there(self, log: Log, committed: Committed) -> None:
        with raising(IntegrityError):
            DeferredCheck.objects.create(author_id=4711)
            before_commit(log.write("before"))
            after_commit(log.note("after"))
            transaction.on_commit(log.note("foreign"))
            after_rollback(log.write("undone"))
        assert log == ["before", "undone"]
        assert committed() == ["undone"]
        assert connection.get_autocommit()

    @postgresql_only
    def test_by_a_serialization_failure(
        self, log: Log, committed: Committed, second: Callable[[str], BaseDatabaseWrapper]
    ) -> None:
        rival = second("default")

        def read_and_write(connection: BaseDatabaseWrapper) -> None:
            with connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM testapp_record")
                cursor.execute("INSERT INTO testapp_record (text) VALUES ('row')")

        with raising(OperationalError, "serialize"):
            connection.cursor().execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
            before_commit(log.note("before"))
            after_commit(log.note("after"))
            after_rollback(log.note("undone"))
            rival.set_autocommit(False)
            rival.cursor().execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
            read_and_write(connection)
            read_and_write(rival)
            rival.commit()
            rival.set_autocommit(True)
            assert log == []
        assert log == ["before", "undone"]
        assert committed() == ["row"]


class TestTheConnectionIsLostRightAfterTheCommit:
    def test_ours_run_at_the_next_use(
        self, log: Log, committed: Committed, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connection = connections["default"]
        commit = connection.commit

        def commit_and_lose_the_connection() -> None:
            commit()
            connection.close()

        with monkeypatch.context() as patch:
            patch.setattr(connection, "commit", commit_and_lose_the_connection)
            with transaction.atomic():
                write("row")
                transaction.on_commit(log.note("dropped, as Django does"))
                after_commit(log.write("after"))
                after_rollback(log.note("undone"))
        assert committed() == ["row", "after"]
        assert log == ["after"]
