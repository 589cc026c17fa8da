"""Before-commit work is the last thing inside the transaction, and part of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from signalkit.exceptions import BeforeCommitLoop, TransactionAborted
from signalkit.transactions import after_commit, after_rollback, before_commit
from signalkit.transactions.running import MAX_ROUNDS
from tests.testapp.models import Record
from tests.transactions.conftest import Committed
from tests.transactions.support import (
    NOTHING,
    Boom,
    Interrupt,
    Log,
    make_savepoint,
    postgresql_only,
    raising,
    real_commits,
    rolled_back,
    sqlite_only,
    write,
)

pytestmark = real_commits


class TestItRunsInside:
    def test_at_the_end_of_the_outermost_block(self, log: Log, committed: Committed) -> None:
        with transaction.atomic():
            with transaction.atomic():
                before_commit(log.write("before"))
            log.append("body")
            assert committed() == []
        assert log == ["body", "before"]
        assert committed() == ["before"]

    def test_in_atomic_block_is_true(self, log: Log) -> None:
        states: list[tuple[bool, bool]] = []
        with transaction.atomic():
            before_commit(
                lambda: states.append((connection.in_atomic_block, connection.get_autocommit()))
            )
        assert states == [(True, False)]
        assert not connection.in_atomic_block
        assert connection.get_autocommit()

    def test_atomic_makes_a_savepoint(self, committed: Committed) -> None:
        def work() -> None:
            write("kept")
            with rolled_back():
                write("undone")

        with transaction.atomic():
            before_commit(work)
        assert committed() == ["kept"]

    def test_on_commit_waits_for_the_commit(self, log: Log, committed: Committed) -> None:
        def callback() -> None:
            log.append(f"callback sees {committed()}")

        def work() -> None:
            write("row")
            transaction.on_commit(callback)

        with transaction.atomic():
            before_commit(work)
        assert log == ["callback sees ['row']"]

    def test_a_durable_block_is_refused(self) -> None:
        def work() -> None:
            with pytest.raises(RuntimeError, match="durable"), transaction.atomic(durable=True):
                pass  # pragma: no cover  # the block is refused

        with transaction.atomic():
            before_commit(work)

    def test_commit_and_rollback_by_hand_are_refused(self) -> None:
        def work() -> None:
            with pytest.raises(transaction.TransactionManagementError):
                transaction.commit()
            with pytest.raises(transaction.TransactionManagementError):
                transaction.rollback()

        with transaction.atomic():
            before_commit(work)

    def test_at_once_without_a_transaction(self, log: Log, committed: Committed) -> None:
        before_commit(log.write("at once"))
        assert log == committed() == ["at once"]

    def test_in_a_durable_block(self, committed: Committed, log: Log) -> None:
        with transaction.atomic(durable=True):
            before_commit(log.write("before"))
        assert committed() == ["before"]

    def test_not_for_a_commit_that_django_refuses(self, log: Log, committed: Committed) -> None:
        with transaction.atomic():
            before_commit(log.write("before"))
            with pytest.raises(transaction.TransactionManagementError):
                transaction.commit()
            assert log == []
            assert connection.in_atomic_block
        assert committed() == ["before"]

    def test_each_alias_for_itself(self, log: Log, committed: Committed) -> None:
        with transaction.atomic():
            before_commit(log.write("default"))
            with transaction.atomic(using="other"):
                before_commit(log.write("other", "other"), using="other")
            assert log == ["other"]
            assert committed("other") == ["other"]
        assert log == ["other", "default"]
        assert committed() == ["default"]


class TestItIsRepeated:
    def test_until_nothing_new_is_queued(self, log: Log, committed: Committed) -> None:
        def work(left: int) -> None:
            write(str(left))
            if left:
                before_commit(lambda: work(left - 1))

        with transaction.atomic():
            before_commit(lambda: work(2))
            before_commit(log.write("beside"))
        assert committed() == ["2", "beside", "1", "0"]

    def test_to_the_bound(self, committed: Committed) -> None:
        def work(left: int) -> None:
            write("row")
            if left > 1:
                before_commit(lambda: work(left - 1))

        with transaction.atomic():
            before_commit(lambda: work(MAX_ROUNDS))
        assert len(committed()) == MAX_ROUNDS

    def test_and_not_beyond(self, committed: Committed) -> None:
        def chase_its_tail() -> None:
            write("row")
            before_commit(partial(chase_its_tail))

        with raising(BeforeCommitLoop, "chase_its_tail"):
            before_commit(partial(chase_its_tail))
        assert committed() == []
        assert connection.get_autocommit()


class TestItFails:
    @pytest.mark.parametrize(
        "error", [Boom, DatabaseError, IntegrityError, Interrupt, KeyboardInterrupt, SystemExit]
    )
    def test_whatever_it_raises_rolls_back_and_is_raised(
        self, error: type[BaseException], log: Log, committed: Committed
    ) -> None:
        with raising(error):
            write("row")
            before_commit(log.write("first"))
            before_commit(log.fail("second", error))
            before_commit(log.write("third"))
            transaction.on_commit(log.note("callback"))
            after_commit(log.note("after"))
            after_rollback(log.write("undone"))
        assert log == ["first", "second", "undone"]
        assert committed() == ["undone"]
        assert connection.get_autocommit()
        assert not connection.in_atomic_block

    def test_the_connection_goes_on(self, log: Log, committed: Committed) -> None:
        with raising(Boom):
            before_commit(log.fail("before"))
        with transaction.atomic():
            before_commit(log.write("again"))
        assert committed() == ["again"]

    def test_a_database_error_that_it_caught(self, log: Log, committed: Committed) -> None:
        def swallow() -> None:
            with pytest.raises(IntegrityError):
                Record.objects.create(text=NOTHING)

        with raising(TransactionAborted) as caught:
            write("row")
            before_commit(swallow)
            transaction.on_commit(log.note("callback"))
            after_commit(log.note("after"))
            after_rollback(log.write("undone"))
        assert isinstance(caught.value.__cause__, IntegrityError)
        assert log == committed() == ["undone"]

    @postgresql_only
    def test_a_database_error_that_it_caught_from_a_cursor(
        self, log: Log, committed: Committed
    ) -> None:
        def swallow() -> None:
            with connection.cursor() as cursor, pytest.raises(DatabaseError):
                cursor.execute("SELECT nothing_of_this_name")

        with raising(TransactionAborted):
            write("row")
            before_commit(swallow)
            transaction.on_commit(log.note("callback"))
            after_commit(log.note("after"))
        assert log == committed() == []

    def test_a_database_error_in_a_savepoint_harms_nobody(
        self, log: Log, committed: Committed
    ) -> None:
        def careful() -> None:
            with pytest.raises(IntegrityError), transaction.atomic():
                Record.objects.create(text=NOTHING)

        with transaction.atomic():
            write("row")
            before_commit(careful)
            transaction.on_commit(log.note("callback"))
        assert committed() == ["row"]
        assert log == ["callback"]

    def test_a_connection_that_it_closed(self, log: Log, committed: Committed) -> None:
        with raising(TransactionAborted, "closed"):
            write("row")
            before_commit(connection.close)
            transaction.on_commit(log.note("callback"))
            after_commit(log.note("after"))
            after_rollback(log.write("undone"))
        write("next")
        assert log == ["undone"]
        assert committed() == ["undone", "next"]


class TestATransactionThatIsLostAlready:
    @postgresql_only
    def test_a_failed_one_is_rolled_back_and_raised(self, log: Log, committed: Committed) -> None:
        with raising(TransactionAborted, "before its COMMIT"):
            write("row")
            before_commit(log.note("before"))
            after_commit(log.note("after"))
            transaction.on_commit(log.note("callback"))
            with connection.cursor() as cursor, pytest.raises(DatabaseError):
                cursor.execute("SELECT nothing_of_this_name")
        assert log == committed() == []
        assert connection.get_autocommit()

    @postgresql_only
    def test_with_nothing_of_ours_it_is_djangos_affair(
        self, log: Log, committed: Committed
    ) -> None:
        with transaction.atomic():
            write("row")
            transaction.on_commit(log.note("callback"))
            with connection.cursor() as cursor, pytest.raises(DatabaseError):
                cursor.execute("SELECT nothing_of_this_name")
        assert log == ["callback"]
        assert committed() == []

    @sqlite_only
    def test_one_that_an_error_has_ended_is_raised(self, log: Log, committed: Committed) -> None:
        with raising(TransactionAborted, "before its COMMIT"):
            write("row")
            after_commit(log.note("after"))
            with connection.cursor() as cursor, pytest.raises(IntegrityError):
                cursor.execute("INSERT OR ROLLBACK INTO testapp_record (text) VALUES (NULL)")
        assert log == committed() == []

    def test_a_block_that_rolls_back_runs_none(self, log: Log) -> None:
        with transaction.atomic():
            before_commit(log.note("before"))
            transaction.set_rollback(True)
        assert log == []


class TestItIsUndone:
    def test_with_its_savepoint(self, log: Log) -> None:
        with transaction.atomic():
            before_commit(log.note("outer"))
            with rolled_back():
                before_commit(log.note("inner"))
        assert log == ["outer"]

    def test_with_a_savepoint_around_a_block_that_went_well(self, log: Log) -> None:
        with transaction.atomic(), rolled_back(), transaction.atomic():
            before_commit(log.note("inner"))
        assert log == []

    def test_with_a_savepoint_made_by_hand(self, log: Log, committed: Committed) -> None:
        with transaction.atomic():
            before_commit(log.write("outer"))
            sid = make_savepoint()
            assert sid
            with transaction.atomic():
                write("inner")
                before_commit(log.write("before"))
                after_commit(log.note("after"))
            connection.savepoint_rollback(sid)
            before_commit(log.write("later"))
        assert log == committed() == ["outer", "later"]

    def test_by_work_that_runs_before_it(self, log: Log, committed: Committed) -> None:
        with transaction.atomic():
            before_commit(lambda: connection.savepoint_rollback(sid))
            sid = make_savepoint()
            before_commit(log.write("undone"))
        assert log == committed() == []

    def test_by_an_error_in_a_block_without_a_savepoint(self, log: Log) -> None:
        with transaction.atomic(), rolled_back(savepoint=False):
            before_commit(log.note("before"))
        assert log == []

    def test_what_a_failing_hook_left_is_told_that_it_was_dropped(
        self, log: Log, queue: Callable[..., None]
    ) -> None:
        with raising(Boom):
            queue("before_commit", log.note("first"), dropped=log.note("first dropped"))
            queue("before_commit", log.fail("second"), dropped=log.note("second dropped"))
            queue("before_commit", log.note("third"), dropped=log.note("third dropped"))
            queue("after_commit", log.note("after"), dropped=log.note("after dropped"))
        assert log == ["first", "second", "third dropped", "after dropped"]
