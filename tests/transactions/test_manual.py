"""Manual mode: autocommit is off, and somebody commits and rolls back by hand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from signalkit.exceptions import TransactionAborted
from signalkit.transactions import after_commit, after_rollback, before_commit
from tests.testapp.models import Record
from tests.transactions.conftest import Committed
from tests.transactions.support import (
    NOTHING,
    Boom,
    Interrupt,
    Log,
    not_on_postgresql,
    postgresql_only,
    real_commits,
    rolled_back,
    write,
)

pytestmark = real_commits


@pytest.fixture
def manual() -> Iterator[None]:
    """Turn autocommit off for the test."""
    transaction.set_autocommit(False)
    yield
    if not transaction.get_autocommit():
        transaction.rollback()
        transaction.set_autocommit(True)


@pytest.mark.usefixtures("manual")
class TestCommit:
    def test_work_waits_for_it(self, log: Log, committed: Committed) -> None:
        write("row")
        before_commit(log.write("before"))
        after_commit(lambda: log.append(f"after sees {committed()}"))
        after_rollback(log.note("never"))
        assert log == []
        transaction.commit()
        assert log == ["before", "after sees ['row', 'before']"]
        assert not transaction.get_autocommit()

    def test_before_commit_work_is_in_an_atomic_block(self, log: Log, committed: Committed) -> None:
        def work() -> None:
            assert connection.in_atomic_block
            with rolled_back():
                write("undone")
            with transaction.atomic():
                write("kept")
            transaction.on_commit(log.note("foreign"))
            with pytest.raises(RuntimeError), transaction.atomic(durable=True):
                pass  # pragma: no cover  # the block is refused

        before_commit(work)
        transaction.commit()
        assert committed() == ["kept"]
        assert log == []
        # Django calls its own callbacks only here.
        transaction.set_autocommit(True)
        assert log == ["foreign"]

    @not_on_postgresql
    def test_on_commit_in_before_commit_work_waits_for_the_switch_that_commits(
        self, log: Log, committed: Committed
    ) -> None:
        def work() -> None:
            transaction.on_commit(log.note("foreign"))

        write("row")
        before_commit(work)
        transaction.set_autocommit(True)
        assert committed() == ["row"]
        assert log == ["foreign"]

    @pytest.mark.parametrize("error", [Boom, DatabaseError, Interrupt])
    def test_before_commit_work_that_fails_rolls_back(
        self, error: type[BaseException], log: Log, committed: Committed
    ) -> None:
        write("row")
        before_commit(lambda: write("with it"))
        before_commit(log.fail("before", error))
        after_commit(log.note("after"))
        after_rollback(log.write("undone"))
        with pytest.raises(error):
            transaction.commit()
        assert log == ["before", "undone"]
        assert committed() == ["undone"]

    def test_before_commit_work_that_fails_takes_its_first_write_with_it(
        self, log: Log, committed: Committed
    ) -> None:
        def work() -> None:
            with transaction.atomic():
                write("row")
            raise Boom

        before_commit(work)
        with pytest.raises(Boom):
            transaction.commit()
        assert committed() == []

    def test_a_transaction_that_is_lost_already(self, log: Log, committed: Committed) -> None:
        write("row")
        with rolled_back(savepoint=False):
            write("row")
            after_commit(log.note("after"))
        with pytest.raises(TransactionAborted):
            transaction.commit()
        assert log == committed() == []

    def test_what_after_commit_work_writes_stays(self, log: Log, committed: Committed) -> None:
        after_commit(log.write("after"))
        after_commit(log.fail("fails"))
        after_commit(log.write("after as well"))
        with pytest.raises(Boom, match="fails"):
            transaction.commit()
        transaction.rollback()
        assert committed() == ["after", "after as well"]

    def test_after_commit_work_may_queue_more(self, log: Log, committed: Committed) -> None:
        def work() -> None:
            write("row")
            before_commit(log.write("before"))
            after_commit(log.note("after"))

        after_commit(work)
        transaction.commit()
        assert log == ["before", "after"]
        assert committed() == ["row", "before"]

    def test_after_a_commit_the_next_transaction_begins_anew(self, log: Log) -> None:
        after_commit(log.note("first"))
        transaction.commit()
        after_commit(log.note("second"))
        transaction.rollback()
        transaction.commit()
        assert log == ["first"]


@pytest.mark.usefixtures("manual")
class TestRollback:
    def test_after_rollback_work_runs_and_stays(self, log: Log, committed: Committed) -> None:
        write("row")
        before_commit(log.note("before"))
        after_commit(log.note("after"))
        after_rollback(log.write("undone"))
        after_rollback(lambda: Record.objects.create(text=NOTHING))
        after_rollback(log.write("undone as well"))
        transaction.rollback()
        assert log == committed() == ["undone", "undone as well"]
        transaction.rollback()
        assert committed() == ["undone", "undone as well"]

    def test_of_a_savepoint_waits_for_the_commit(self, log: Log, committed: Committed) -> None:
        write("row")
        with transaction.atomic():
            write("outer")
            with rolled_back():
                after_rollback(log.write("undone"))
        assert log == []
        transaction.commit()
        assert committed() == ["row", "outer", "undone"]

    def test_closing_is_one(self, log: Log, committed: Committed) -> None:
        write("row")
        before_commit(log.note("before"))
        after_rollback(log.write("undone"))
        connection.close()
        assert log == []
        connection.ensure_connection()
        assert log == committed() == ["undone"]


@pytest.mark.usefixtures("manual")
class TestBlocks:
    def test_work_queued_in_one_waits_for_the_commit_by_hand(
        self, log: Log, committed: Committed
    ) -> None:
        write("row")
        with transaction.atomic():
            before_commit(log.write("before"))
            after_commit(log.note("after"))
        assert log == []
        transaction.commit()
        assert log == ["before", "after"]
        assert committed() == ["row", "before"]

    def test_work_is_undone_with_one(self, log: Log) -> None:
        write("row")
        with rolled_back():
            before_commit(log.note("before"))
            after_commit(log.note("after"))
        transaction.commit()
        assert log == []

    def test_autocommit_cannot_be_turned_on_in_one(self, log: Log) -> None:
        write("row")
        with transaction.atomic():
            before_commit(log.note("before"))
            with pytest.raises(transaction.TransactionManagementError):
                transaction.set_autocommit(True)
            assert log == []
        transaction.commit()
        assert log == ["before"]


@pytest.mark.usefixtures("manual")
class TestAutocommitIsTurnedOn:
    @not_on_postgresql
    def test_which_commits(self, log: Log, committed: Committed) -> None:
        write("row")
        before_commit(log.write("before"))
        after_commit(lambda: log.append(f"after sees {committed()}"))
        after_rollback(log.note("never"))
        transaction.set_autocommit(True)
        assert log == ["before", "after sees ['row', 'before']"]
        assert transaction.get_autocommit()

    @not_on_postgresql
    def test_and_before_commit_work_fails(self, log: Log, committed: Committed) -> None:
        write("row")
        before_commit(log.fail("before"))
        after_rollback(log.write("undone"))
        with pytest.raises(Boom):
            transaction.set_autocommit(True)
        assert log == ["before", "undone"]
        assert committed() == ["undone"]
        assert not transaction.get_autocommit()

    @not_on_postgresql
    def test_and_after_commit_work_fails(self, log: Log, committed: Committed) -> None:
        write("row")
        after_commit(log.fail("after"))
        after_commit(log.note("after as well"))
        with pytest.raises(Boom):
            transaction.set_autocommit(True)
        assert log == ["after", "after as well"]
        assert committed() == ["row"]
        assert transaction.get_autocommit()

    @postgresql_only
    def test_which_psycopg_refuses(self, log: Log, committed: Committed) -> None:
        write("row")
        before_commit(log.note("before"))
        after_commit(log.note("after"))
        with pytest.raises(DatabaseError, match="INTRANS"):
            transaction.set_autocommit(True)
        assert log == []
        transaction.commit()
        assert log == ["before", "after"]
        assert committed() == ["row"]

    def test_after_a_commit_or_before_the_first_statement(
        self, log: Log, committed: Committed
    ) -> None:
        before_commit(log.write("before"))
        after_commit(log.note("after"))
        transaction.set_autocommit(True)
        assert log == ["before", "after"]
        assert committed() == ["before"]

    @pytest.mark.skipif(
        connection.vendor != "sqlite", reason="elsewhere it is refused, or not deferred"
    )
    def test_and_the_commit_fails(self, log: Log, committed: Committed) -> None:
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO testapp_deferredcheck (author_id) VALUES (4711)")
        after_commit(log.note("after"))
        after_rollback(log.note("undone"))
        with pytest.raises(IntegrityError):
            transaction.set_autocommit(True)
        assert log == []
        transaction.rollback()
        assert log == ["undone"]


class TestAutocommitIsOffInTheSettings:
    def test_work_waits_for_the_commit(
        self, log: Log, committed: Committed, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(connection.settings_dict, "AUTOCOMMIT", False)
        connection.close()
        try:
            write("row")
            before_commit(log.write("before"))
            after_commit(log.note("after"))
            transaction.commit()
            assert log == ["before", "after"]
            assert committed() == ["row", "before"]
            after_rollback(log.write("undone"))
            connection.close()
            connection.ensure_connection()
            assert committed() == ["row", "before"]
            transaction.rollback()
            assert committed() == ["row", "before", "undone"]
            assert not transaction.get_autocommit()
        finally:
            monkeypatch.undo()
            connection.close()


@pytest.mark.parametrize("error", [Boom, KeyboardInterrupt])
def test_a_connection_that_is_lost_after_the_commit_can_be_used_again(
    error: type[BaseException], log: Log, committed: Committed
) -> None:
    def lose() -> None:
        log.append("lose")
        # Behind Django's back, as a server that goes away.
        connection.connection.close()
        raise error

    transaction.set_autocommit(False)
    write("row")
    after_commit(lose)
    after_commit(log.write("after"))
    with pytest.raises((Boom, KeyboardInterrupt)) as raised:
        transaction.commit()
    assert isinstance(raised.value, error)
    assert not connection.in_atomic_block
    connection.close()
    with transaction.atomic():
        write("next")
    assert log == ["lose", "after"]
    assert sorted(committed()) == ["after", "next", "row"]
