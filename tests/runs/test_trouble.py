"""Whatever is wrong with the record, the sender has what it would have had without it."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.management import call_command
from django.db import Error, IntegrityError, OperationalError, connection, transaction
from django.db.models.signals import post_save
from django.dispatch import Signal
from django.test import override_settings

from signalkit import Phase
from signalkit.runs import flushing, outgoing, storing, writing
from signalkit.runs.health import health
from signalkit.runs.models import ReceiverRun
from signalkit.runs.tables import TABLE, tables
from tests.dispatch.recording import listen
from tests.testapp.models import Record, Tag
from tests.transactions.support import not_on_sqlite, postgresql_only, raising, sqlite_only

pytestmark = pytest.mark.django_db(
    transaction=True, available_apps=["tests.testapp", "signalkit.runs"]
)

sent = Signal()


def outcomes() -> list[tuple[str, str]]:
    rows = ReceiverRun.objects.order_by("id")
    return sorted((run.receiver.removeprefix("tests."), run.outcome) for run in rows)


class Told:
    """Counts the statements of a kind, and can have them fail."""

    def __init__(self, wanted: str) -> None:
        self.wanted = wanted
        self.count = 0
        self.fails: Callable[[int], Exception | None] = lambda number: None

    def __call__(self, execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        # On PostgreSQL rows are copied.
        if sql.replace("COPY ", "INSERT INTO ", 1).startswith(self.wanted):
            self.count += 1
            if (error := self.fails(self.count)) is not None:
                raise error
        return execute(sql, params, many, context)


@contextmanager
def told(wanted: str) -> Iterator[Told]:
    seen = Told(wanted)
    with connection.execute_wrapper(seen):
        yield seen


@contextmanager
def other_connection() -> Iterator[Any]:
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            yield cursor
    finally:
        other.close()


@pytest.fixture(autouse=True)
def warm() -> None:
    connection.ensure_connection()
    assert tables.why_not(connection) is None


class TestACommitThatFails:
    def test_what_it_undid_is_rolled_back(self) -> None:
        """By a deferred constraint: the rows were written by then, and are gone."""
        if not connection.features.can_defer_constraint_checks:
            pytest.skip("there constraints are checked at once")
        listen(post_save, Tag, name="tests.inline")
        listen(post_save, Tag, name="tests.later", phase=Phase.AFTER_COMMIT, announce=True)
        with raising(IntegrityError):
            Tag.objects.create(name="a")
            with transaction.atomic():
                Tag.objects.create(name="b")
            with connection.cursor() as cursor:
                cursor.execute("INSERT INTO testapp_deferredcheck (author_id) VALUES (7)")
        assert Tag.objects.count() == 0
        assert outcomes() == [("inline", "rolled_back")] * 2 + [("later", "rolled_back")] * 2

    def test_so_is_what_before_commit_work_undid(self) -> None:
        def fail(named: dict[str, Any]) -> None:
            raise ValueError

        listen(post_save, Tag, name="tests.inline")
        listen(post_save, Tag, note=fail, name="tests.fails", phase=Phase.BEFORE_COMMIT)
        with raising(ValueError):
            Tag.objects.create(name="a")
        assert outcomes() == [("fails", "failed"), ("inline", "rolled_back")]

    def test_a_statement_of_the_record_that_ends_the_transaction(self) -> None:
        """A deadlock, on MariaDB: to go on to COMMIT would lose the rest without a word."""
        if connection.vendor != "mysql":
            pytest.skip("elsewhere Django or the server notices")
        listen(post_save, Tag, name="tests.inline")
        with told(f"INSERT INTO `{TABLE}`") as seen:
            seen.fails = lambda number: OperationalError(1213, "Deadlock found")
            with pytest.raises(OperationalError), transaction.atomic():
                Tag.objects.create(name="a")
        assert Tag.objects.count() == 0
        assert outcomes() == [("inline", "rolled_back")]


class TestOfSeveralStatements:
    """What one has written is not written again because another one failed."""

    @pytest.mark.parametrize("number", [1, 2, 3])
    def test_in_a_transaction(self, number: int) -> None:
        listen(sent, name="tests.sent")
        with told(f"INSERT INTO {connection.ops.quote_name(TABLE)}") as seen:
            seen.fails = lambda count: ValueError() if count == number else None
            with transaction.atomic():
                Tag.objects.create(name="a")
                for _ in range(2_500):
                    sent.send(sender=None)
        assert Tag.objects.count() == 1
        flushing.write_out(connection)
        assert ReceiverRun.objects.values("run").distinct().count() == 2_500
        assert ReceiverRun.objects.count() == 2_500

    @pytest.mark.parametrize("error", [ValueError, OperationalError])
    def test_without(self, error: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(storing, "is_passing", lambda c, e: isinstance(e, OperationalError))
        listen(sent, name="tests.sent")
        with transaction.atomic():
            for _ in range(2_500):
                sent.send(sender=None)
        with told(f"INSERT INTO {connection.ops.quote_name(TABLE)}") as seen:
            seen.fails = lambda count: error() if count == 2 else None
            flushing.write_out(connection)
        flushing.write_out(connection)
        assert ReceiverRun.objects.count() == 2_500
        assert not sum(health.lost.values())

    def test_the_rest_is_not_tried_where_nothing_is_taken(self) -> None:
        """A database that is read-only refuses each of them."""
        listen(sent, name="tests.sent")
        with told(f"INSERT INTO {connection.ops.quote_name(TABLE)}") as seen:
            seen.fails = lambda count: ValueError()
            for _ in range(100):
                sent.send(sender=None)
        assert 1 < seen.count < 10
        assert sum(health.lost.values()) == 100

    def test_one_that_is_refused_keeps_no_other_out(self) -> None:
        refused = "tests.refused"

        class Refuse:
            def __call__(self, execute: Any, sql: Any, params: Any, many: bool, c: Any) -> Any:
                if params and refused in str(params):
                    raise ValueError
                return execute(sql, params, many, c)

        listen(sent, name="tests.sent")
        with connection.execute_wrapper(Refuse()), transaction.atomic():
            sent.send(sender=None)
            listen(sent, name=refused)
            for _ in range(20):
                sent.send(sender=None)
        with connection.execute_wrapper(Refuse()):
            flushing.write_out(connection)
        assert ReceiverRun.objects.count() == 21
        assert sum(health.lost.values()) == 20


class TestLocks:
    @sqlite_only
    def test_of_another_process(self) -> None:
        """It is waited for but briefly, and not at each event."""
        listen(sent, name="tests.sent")
        other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
            for _ in range(99):
                sent.send(sender=None)
            started = time.perf_counter()
            for _ in range(200):
                sent.send(sender=None)
            assert time.perf_counter() - started < 0.5
            started = time.perf_counter()
            flushing.write_out(connection)
            assert time.perf_counter() - started < 0.5
            other.execute("ROLLBACK")
        finally:
            other.close()
        with connection.cursor() as cursor:
            assert cursor.execute("PRAGMA busy_timeout").fetchone()[0] == 20_000
        assert ReceiverRun.objects.count() == 299
        assert not sum(health.lost.values())

    @sqlite_only
    def test_failures_do_not_wait_for_it_each(self) -> None:
        def fail(named: dict[str, Any]) -> None:
            raise ValueError

        listen(sent, note=fail, name="tests.fails", on_error="isolate")
        other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
            started = time.perf_counter()
            for _ in range(50):
                sent.send(sender=None)
            assert time.perf_counter() - started < 0.5
            other.execute("ROLLBACK")
        finally:
            other.close()
        assert ReceiverRun.objects.count() == 50


class TestLostConnections:
    @not_on_sqlite
    @pytest.mark.parametrize("noticed", [False, True])
    def test_rows_are_written_over_the_next_one(self, noticed: bool) -> None:
        listen(sent, name="tests.sent")
        sent.send(sender=None)
        kill(connection)
        if noticed:
            with pytest.raises(Error), connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        flushing.write_out(connection)
        connection.close()
        assert outcomes() == [("sent", "succeeded")]
        assert not sum(health.lost.values())

    @not_on_sqlite
    def test_in_a_transaction_the_error_is_that_of_the_sender(self) -> None:
        listen(post_save, Tag, name="tests.inline")
        with raising(OperationalError):
            Tag.objects.create(name="a")
            kill(connection)
            Tag.objects.create(name="b")
        assert Tag.objects.count() == 0
        assert outcomes() == [("inline", "rolled_back")]

    @not_on_sqlite
    def test_right_before_its_commit(self) -> None:
        listen(post_save, Tag, name="tests.inline")
        with raising(Exception):
            Tag.objects.create(name="a")
            kill(connection)
        connection.close()
        assert Tag.objects.count() == 0
        assert ("inline", "succeeded") not in outcomes()


def kill(connection: Any) -> None:
    """Have the server cut a connection."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_backend_pid()")
        else:
            cursor.execute("SELECT CONNECTION_ID()")
        (number,) = cursor.fetchone()
    with other_connection() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [number])
        else:
            cursor.execute(f"KILL {number}")


class TestRouters:
    class Broken:
        def allow_migrate(self, *args: Any, **hints: Any) -> bool:
            raise LookupError("a router")

    @pytest.mark.parametrize("atomic", [False, True])
    def test_one_that_fails(self, atomic: bool) -> None:
        listen(post_save, Tag, name="tests.inline")
        tables.forget()
        with override_settings(DATABASE_ROUTERS=[self.Broken()]):
            if atomic:
                with transaction.atomic():
                    Tag.objects.create(name="a")
            else:
                Tag.objects.create(name="a")
            connection.close()
        assert Tag.objects.count() == 1
        # It may be right the next time: what can wait does.
        assert sum(health.lost.values()) == atomic
        assert ReceiverRun.objects.count() == (not atomic)


class TestTheTable:
    def test_to_fail_in_looking_for_it_fails_no_transaction(self) -> None:
        """PostgreSQL would take nothing more in that transaction."""

        def fail(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
            looks = any(each in sql.upper() for each in ("PG_CLASS", "SQLITE_MASTER", "TABLES"))
            return execute("SELECT * FROM no_such" if looks else sql, params, many, context)

        listen(post_save, Tag, name="tests.inline")
        tables.forget()
        with connection.execute_wrapper(fail), transaction.atomic():
            Tag.objects.create(name="a")
        assert Tag.objects.count() == 1
        assert sum(health.lost.values()) == 1


class TestReadOnly:
    @postgresql_only
    def test_a_session(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET default_transaction_read_only = on")
        self.read()

    @sqlite_only
    def test_a_database(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA query_only = 1")
        self.read()

    def read(self) -> None:
        listen(sent, name="tests.sent")
        try:
            for _ in range(60):
                sent.send(sender=None)
            for _ in range(60):
                with transaction.atomic():
                    list(Tag.objects.all())
                    sent.send(sender=None)
            flushing.write_out(connection)
        finally:
            connection.close()
        assert sum(health.lost.values()) == 120
        assert ReceiverRun.objects.count() == 0


class TestCoroutines:
    def test_nothing_is_lost_where_django_forbids_the_database(self) -> None:
        """The connection of the thread is open, and a coroutine must not use it."""
        listen(sent, name="tests.sent")

        def fail(named: dict[str, Any]) -> None:
            raise ValueError

        async def main() -> None:
            for _ in range(150):
                sent.send(sender=None)

        connection.ensure_connection()
        asyncio.run(main())
        assert not sum(health.lost.values())
        assert ReceiverRun.objects.count() == 150


class TestStatements:
    def test_the_records_own_are_nobodys(self) -> None:
        """A failure is written at once, while the receiver around it is at work."""

        def fail(named: dict[str, Any]) -> None:
            raise ValueError

        def cause(named: dict[str, Any]) -> None:
            sent.send(sender=None)

        listen(sent, note=fail, name="tests.inner", on_error="isolate")
        listen(post_save, Record, note=cause, name="tests.outer")
        Record.objects.create(text="a")
        assert ReceiverRun.objects.get(receiver="tests.outer").queries == 0


class TestEmptied:
    def test_what_waits_goes_with_the_tables(self) -> None:
        """As between two tests of a ``TransactionTestCase``, whose connection is closed next."""
        listen(sent, name="tests.sent")
        sent.send(sender=None)
        call_command("flush", interactive=False, verbosity=0)
        connection.close()
        assert outcomes() == []


def test_the_modules_are_those_that_are_told_about() -> None:
    assert outgoing.ENOUGH == 100
    assert outgoing.LONGEST_WAIT == 1.0
    assert writing.MOST_ROWS == 1_000
