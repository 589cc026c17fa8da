"""Connections: closed, lost, reopened, pooled, shared out to threads, and left alone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from unittest import mock

import pytest
from django.core.exceptions import SynchronousOnlyOperation
from django.db import DatabaseError, connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.test.utils import CaptureQueriesContext

from signalkit.transactions import after_commit, after_rollback, before_commit, hooks
from signalkit.transactions.entries import Moment
from signalkit.transactions.observer import Observer
from signalkit.transactions.watch import install, observe
from tests.transactions.conftest import Committed
from tests.transactions.support import (
    Boom,
    Log,
    not_on_sqlite,
    postgresql_only,
    raising,
    real_commits,
    rolled_back,
    write,
)

pytestmark = real_commits
Second = Callable[[str], BaseDatabaseWrapper]


def kill(victim: BaseDatabaseWrapper, killer: BaseDatabaseWrapper) -> None:
    """Have the server end a connection's session."""
    with victim.cursor() as cursor:
        if victim.vendor == "postgresql":
            cursor.execute("SELECT pg_backend_pid()")
        else:
            cursor.execute("SELECT CONNECTION_ID()")
        (session,) = cursor.fetchone()
    with killer.cursor() as cursor:
        if victim.vendor == "postgresql":
            # Waits until the session has ended.
            cursor.execute("SELECT pg_terminate_backend(%s, 10000)", [session])
        else:
            cursor.execute(f"KILL {session:d}")


class TestClosedInATransaction:
    def test_nothing_runs_but_after_rollback_work_at_the_next_use(
        self, log: Log, committed: Committed
    ) -> None:
        with transaction.atomic():
            write("lost")
            before_commit(log.note("before"))
            after_commit(log.note("after"))
            transaction.on_commit(log.note("foreign"))
            after_rollback(log.write("undone"))
            connection.close()
            after_rollback(log.write("queued after it"))
            before_commit(log.note("before"))
            after_commit(log.note("after"))
        assert log == []
        write("next use")
        assert log == ["undone", "queued after it"]
        assert committed() == ["undone", "queued after it", "next use"]

    def test_not_even_when_an_earlier_commit_left_django_wanting_to_call(self, log: Log) -> None:
        with pytest.raises(Boom), transaction.atomic():
            transaction.on_commit(log.fail("foreign"))
        with transaction.atomic():
            connection.close()
            after_commit(log.note("after"))
        connection.ensure_connection()
        assert log == ["foreign"]

    def test_outside_a_transaction_nothing_happens(self, log: Log) -> None:
        with transaction.atomic():
            after_commit(log.note("after"))
        connection.close()
        connection.ensure_connection()
        assert log == ["after"]


@not_on_sqlite
class TestLost:
    def test_in_a_transaction(self, log: Log, committed: Committed, second: Second) -> None:
        with raising(DatabaseError):
            write("lost")
            before_commit(log.note("before"))
            after_commit(log.note("after"))
            after_rollback(log.write("undone"))
            kill(connections["default"], second("default"))
            write("notices")
        assert log == committed() == ["undone"]
        assert connection.get_autocommit()

    def test_before_its_commit(self, log: Log, committed: Committed, second: Second) -> None:
        with raising(DatabaseError):
            write("lost")
            after_commit(log.note("after"))
            after_rollback(log.write("undone"))
            kill(connections["default"], second("default"))
        assert log == committed() == ["undone"]

    def test_in_before_commit_work(self, log: Log, committed: Committed, second: Second) -> None:
        with raising(DatabaseError):
            write("lost")
            before_commit(lambda: kill(connections["default"], second("default")))
            after_commit(log.note("after"))
            after_rollback(log.write("undone"))
        assert log == committed() == ["undone"]

    def test_in_before_commit_work_that_notices(
        self, log: Log, committed: Committed, second: Second
    ) -> None:
        def work() -> None:
            kill(connections["default"], second("default"))
            write("notices")

        with raising(DatabaseError):
            write("lost")
            before_commit(work)
            after_rollback(log.write("undone"))
        assert log == committed() == ["undone"]

    def test_right_after_its_commit(
        self, log: Log, committed: Committed, second: Second, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = connections["default"]
        real.ensure_connection()
        commit = real.commit

        def commit_and_lose_the_server() -> None:
            commit()
            kill(real, second("default"))

        with monkeypatch.context() as patch:
            patch.setattr(real, "commit", commit_and_lose_the_server)
            # MariaDB is asked to turn autocommit on, and is not there; psycopg asks nobody, and
            # the work itself finds out.
            with raising(DatabaseError):
                write("row")
                after_commit(log.note("after"))
                after_commit(lambda: real.cursor().execute("SELECT 1"))
        real.close()
        real.ensure_connection()
        assert log == ["after"]
        assert committed() == ["row"]


@pytest.mark.skipif(connection.vendor != "mysql", reason="elsewhere the switch asks no server")
def test_lost_right_after_the_commit_that_turning_autocommit_on_is(
    log: Log, committed: Committed, second: Second, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = connections["default"]
    transaction.set_autocommit(False)
    commit = real._commit  # type: ignore[attr-defined]  # the stubs leave it out

    def commit_and_lose_the_server() -> None:
        commit()
        kill(real, second("default"))

    write("row")
    after_commit(log.write("after"))
    with monkeypatch.context() as patch:
        patch.setattr(real, "_commit", commit_and_lose_the_server)
        with pytest.raises(DatabaseError):
            transaction.set_autocommit(True)
    assert log == []
    real.close()
    real.ensure_connection()
    assert committed() == ["row", "after"]


class TestReopened:
    def test_it_is_wrapped_once(self, log: Log) -> None:
        real = connections["default"]
        wrapped = {name: real.__dict__[name] for name in ("commit", "rollback", "close")}
        for _ in range(3):
            real.close()
            real.ensure_connection()
        assert {name: real.__dict__[name] for name in wrapped} == wrapped
        with transaction.atomic():
            before_commit(log.note("before"))
            after_commit(log.note("after"))
        assert log == ["before", "after"]

    def test_a_persistent_connection_serves_transaction_after_transaction(
        self, log: Log, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", None)
        monkeypatch.setitem(connection.settings_dict, "CONN_HEALTH_CHECKS", True)
        connection.close()
        connection.ensure_connection()
        session = connection.connection
        for number in range(3):
            with transaction.atomic():
                before_commit(log.note(f"before {number}"))
                after_commit(log.note(f"after {number}"))
            connection.close_if_unusable_or_obsolete()
        assert log == [f"{word} {number}" for number in range(3) for word in ("before", "after")]
        assert connection.connection is session

    def test_what_opens_a_connection_may_use_it(self, log: Log, committed: Committed) -> None:
        with rolled_back():
            after_rollback(log.write("undone"))
            connection.close()
        assert log == []
        with transaction.atomic():
            log.append("in a transaction")
        assert log == ["undone", "in a transaction"]
        assert committed() == ["undone"]

    def test_what_is_left_waits_until_all_have_prepared_the_connection(
        self, log: Log, committed: Committed
    ) -> None:
        def prepare(**kwargs: Any) -> None:
            log.append("prepared")

        with rolled_back():
            after_rollback(log.write("undone"))
            connection.close()
        connection_created.connect(prepare, weak=False)
        try:
            connection.ensure_connection()
        finally:
            connection_created.disconnect(prepare)
        assert log == ["prepared", "undone"]
        assert committed() == ["undone"]

    def test_a_connection_that_cannot_be_opened_keeps_it(
        self, log: Log, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = connections["default"]
        with rolled_back():
            after_rollback(log.note("undone"))
            connection.close()

        def refuse(*args: object) -> None:
            raise Boom

        for name in ("get_new_connection", "init_connection_state"):
            with monkeypatch.context() as patch:
                patch.setattr(real, name, refuse)
                with pytest.raises(Boom):
                    real.ensure_connection()
            real.close()
        assert log == []
        real.ensure_connection()
        assert log == ["undone"]

    def test_one_that_could_not_be_prepared_is_seen_all_the_same(
        self, log: Log, committed: Committed, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Django goes on to use it."""
        real = connections["default"]
        with rolled_back():
            after_rollback(log.note("undone"))
            connection.close()

        def refuse(**kwargs: object) -> None:
            raise Boom

        connection_created.connect(refuse)
        try:
            with pytest.raises(Boom):
                real.ensure_connection()
        finally:
            connection_created.disconnect(refuse)
        assert log == []
        with transaction.atomic():
            write("row")
            before_commit(log.write("before"))
            after_commit(log.note("after"))
        assert log == ["before", "after", "undone"]
        transaction.set_autocommit(False)
        after_commit(log.note("by hand"))
        transaction.set_autocommit(True)
        assert log[3:] == ["by hand"]
        assert committed() == ["row", "before"]

    def test_nothing_runs_while_it_is_prepared_where_autocommit_is_off(
        self, log: Log, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def prepare_first(**kwargs: Any) -> None:
            connection.cursor().execute("SELECT 1")
            connection.commit()
            log.append("first")

        def prepare_last(**kwargs: Any) -> None:
            log.append("last")

        with rolled_back():
            after_rollback(log.note("undone"))
            connection.close()
        monkeypatch.setitem(connection.settings_dict, "AUTOCOMMIT", False)
        connection_created.connect(prepare_first)
        connection_created.connect(prepare_last)
        try:
            connection.ensure_connection()
            assert log == ["first", "last"]
            # One of them may have begun something: what is owed is not committed with that.
            connection.rollback()
            assert log == ["first", "last", "undone"]
        finally:
            connection_created.disconnect(prepare_first)
            connection_created.disconnect(prepare_last)
            connection.close()

    def test_what_waits_is_lost_when_it_is_opened_again_in_the_middle(
        self, log: Log, committed: Committed
    ) -> None:
        transaction.set_autocommit(False)
        write("lost")
        after_commit(log.note("after"))
        after_rollback(log.write("undone"))
        connection.connection.close()
        connection.connect()
        assert log == committed() == ["undone"]
        assert connection.get_autocommit()


@postgresql_only
class TestPooled:
    def test_a_pool_of_psycopg(
        self, log: Log, committed: Committed, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pytest.importorskip("psycopg_pool")
        real = connections["default"]
        real.close()
        monkeypatch.setitem(
            real.settings_dict, "OPTIONS", {**real.settings_dict["OPTIONS"], "pool": True}
        )
        try:
            for number in range(3):
                with transaction.atomic():
                    before_commit(log.write(f"before {number}"))
                    after_commit(log.note(f"after {number}"))
                with rolled_back():
                    after_rollback(log.write(f"undone {number}"))
                with transaction.atomic():
                    after_rollback(log.write(f"closed {number}"))
                    real.close()
                real.close()
                real.ensure_connection()
            words = ("before", "after", "undone", "closed")
            assert log == [f"{word} {number}" for number in range(3) for word in words]
            assert committed() == [text for text in log if "after" not in text]
        finally:
            real.close()
            real.close_pool()  # type: ignore[attr-defined]  # PostgreSQL's alone


class TestThreads:
    def test_each_has_connections_of_its_own(self, log: Log, committed: Committed) -> None:
        barrier = threading.Barrier(2, timeout=20)
        logs = {alias: Log() for alias in ("default", "other")}

        def work(alias: str) -> None:
            try:
                with transaction.atomic(using=alias):
                    before_commit(logs[alias].write("before", alias), using=alias)
                    after_commit(logs[alias].note("after"), using=alias)
                    after_rollback(logs[alias].note("never"), using=alias)
                    # Both transactions are open, with work in both.
                    barrier.wait()
            finally:
                connections.close_all()

        threads = [threading.Thread(target=work, args=(alias,)) for alias in logs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert logs == {alias: ["before", "after"] for alias in logs}
        assert committed("default") == committed("other") == ["before"]

    def test_work_of_a_connection_stays_with_its_thread(self, log: Log) -> None:
        def work() -> None:
            try:
                with transaction.atomic():
                    after_commit(log.note("thread"))
            finally:
                connections.close_all()

        with rolled_back():
            after_commit(log.note("never"))
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
            assert log == ["thread"]
        assert log == ["thread"]

    def test_a_method_put_on_the_connection_before_it_was_opened_is_called(self, log: Log) -> None:
        def work() -> None:
            try:
                real = connections["default"]
                commit = real.commit

                def count_and_commit() -> None:
                    log.append("commit")
                    commit()

                setattr(real, "commit", count_and_commit)  # noqa: B010  # mypy has it so
                with transaction.atomic():
                    before_commit(log.note("before"))
                    after_commit(log.note("after"))
            finally:
                connections.close_all()

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert log == ["before", "commit", "after"]

    def test_connections_that_are_open_already_are_watched_as_well(self) -> None:
        observers: list[Observer] = []

        def work() -> None:
            try:
                real = connections["default"]
                real.ensure_connection()
                assert "signalkit_observer" not in vars(real)
                install()
                observers.append(vars(real)["signalkit_observer"])
            finally:
                connections.close_all()

        connection_created.disconnect(dispatch_uid="signalkit.transactions")
        try:
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
        finally:
            install()
        assert len(observers) == 1

    def test_another_threads_commit_is_refused_before_our_work(self, log: Log) -> None:
        real = connections["default"]
        errors: list[DatabaseError] = []

        def commit() -> None:
            try:
                real.commit()
            except DatabaseError as error:
                errors.append(error)

        with transaction.atomic():
            before_commit(log.note("before"))
            thread = threading.Thread(target=commit)
            thread.start()
            thread.join()
            assert log == []
        assert "thread" in str(errors[0])
        assert log == ["before"]


def is_busy(observer: Observer) -> bool:
    """Read it through a call, because mypy would remember an attribute."""
    return observer._busy


class TestNeverOpened:
    @pytest.mark.parametrize("queue", [before_commit, after_commit, after_rollback])
    def test_without_a_transaction_none_is_opened(
        self, log: Log, queue: Callable[[Callable[[], object]], None]
    ) -> None:
        connections["default"].close()
        queue(log.note("at once"))
        assert connections["default"].connection is None
        assert log == ([] if queue is after_rollback else ["at once"])

    def test_nor_in_a_coroutine_where_that_is_not_allowed(self, log: Log) -> None:
        async def send() -> None:
            hooks.queue(connections["default"], Moment.AFTER_COMMIT, log.note("at once"))

        asyncio.run(send())
        assert log == ["at once"]

    @pytest.mark.parametrize("hook", [before_commit, after_commit, after_rollback])
    def test_a_hook_is_refused_in_a_coroutine(
        self, hook: Callable[[Callable[[], object]], None], log: Log
    ) -> None:
        """Whose transaction it would wait for is anybody's guess, as with Django's on_commit()."""

        async def send() -> None:
            hook(log.note("at once"))

        with pytest.raises(SynchronousOnlyOperation, match="a coroutine has none"):
            asyncio.run(send())
        assert log == []

    def test_nor_there_where_autocommit_is_off_in_the_settings(
        self, log: Log, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = connections["default"]
        real.close()
        monkeypatch.setitem(real.settings_dict, "AUTOCOMMIT", False)

        async def send() -> None:
            hooks.queue(connections["default"], Moment.AFTER_COMMIT, log.note("at once"))

        asyncio.run(send())
        assert log == ["at once"]
        assert real.connection is None

    @pytest.mark.parametrize("moment", list(Moment))
    def test_nor_is_anything_put_on_it(self, log: Log, moment: Moment) -> None:
        """A test that may use no database puts something of its own in the place of connect()."""
        unopened = connections["default"].copy()
        before = dict(vars(unopened))
        hooks.queue(unopened, moment, log.note("at once"), dropped=log.note("dropped"))
        assert vars(unopened) == before
        assert log == ([] if moment is Moment.AFTER_ROLLBACK else ["at once"])


class TestUnused:
    def test_the_wrapped_methods_step_aside_at_once(self) -> None:
        real = connections["default"]
        real.ensure_connection()
        observer = observe(real)
        # What takes part in nothing can lack everything that it would take part with.
        state = dict(vars(observer))
        for name in ("_waiting", "_committed", "_owed", "_transactions"):
            delattr(observer, name)
        try:
            with transaction.atomic():
                with transaction.atomic():
                    write("row")
                with rolled_back():
                    write("row")
                transaction.on_commit(lambda: None)
            with rolled_back():
                write("row")
            real.close()
        finally:
            vars(observer).update(state)

    def test_it_costs_no_query(self, log: Log) -> None:
        with CaptureQueriesContext(connections["default"]) as plain, transaction.atomic():
            write("row")
        with CaptureQueriesContext(connections["default"]) as ours, transaction.atomic():
            write("row")
            before_commit(log.note("before"))
            after_commit(log.note("after"))
        assert len(ours) == len(plain)

    def test_it_is_idle_again_after_each_transaction(self, log: Log) -> None:
        observer = observe(connections["default"])
        with transaction.atomic():
            before_commit(log.note("before"))
            after_commit(log.note("after"))
            with rolled_back():
                after_rollback(log.note("undone"))
            assert is_busy(observer)
        assert not is_busy(observer)
        with rolled_back():
            before_commit(log.note("before"))
        assert not is_busy(observer)

    def test_a_method_patched_on_the_class_later_is_called(self) -> None:
        real = connections["default"]
        real.ensure_connection()
        original = type(real).commit
        with (
            mock.patch.object(type(real), "commit", autospec=True, side_effect=original) as patched,
            transaction.atomic(),
        ):
            write("row")
        assert patched.call_count == 1

    def test_a_patch_of_the_proxy_leaves_it_in_place(self, log: Log) -> None:
        with mock.patch.object(connection, "commit"):
            pass
        with transaction.atomic():
            before_commit(log.note("before"))
            after_commit(log.note("after"))
        assert log == ["before", "after"]

    def test_a_refused_switch_ends_nothing(self, log: Log, committed: Committed) -> None:
        with transaction.atomic():
            before_commit(log.write("before"))
            after_commit(log.note("after"))
            with pytest.raises(transaction.TransactionManagementError):
                transaction.set_autocommit(True)
        with rolled_back():
            after_rollback(log.note("undone"))
            with pytest.raises(transaction.TransactionManagementError):
                transaction.set_autocommit(True)
        assert log == ["before", "after", "undone"]
        assert committed() == ["before"]

    @postgresql_only
    def test_nor_one_that_the_driver_refuses(
        self, log: Log, committed: Committed, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = connections["default"]

        def cut_short() -> None:
            raise Boom

        with monkeypatch.context() as patch, raising(Exception, "INTRANS"):
            write("lost")
            before_commit(log.note("before"))
            after_rollback(log.note("undone"))
            patch.setattr(real, "_commit", cut_short)
        real.close()
        real.ensure_connection()
        assert log == ["before", "undone"]
        assert committed() == []

    @pytest.mark.parametrize("ends_well", [True, False])
    def test_one_in_the_middle_of_a_transaction_is_noticed(
        self, ends_well: bool, log: Log, caplog: pytest.LogCaptureFixture
    ) -> None:
        with suppress(Boom), transaction.atomic():
            before_commit(log.note("never"))
            after_commit(log.note("after"))
            after_rollback(log.note("nor this"))
            for name in ("commit", "rollback"):
                with mock.patch.object(connection, name):
                    pass
            if not ends_well:
                raise Boom
        assert log == (["after"] if ends_well else [])
        (record,) = caplog.records
        assert "has ended unseen" in record.getMessage()
        with transaction.atomic():
            before_commit(log.note("seen"))
        with rolled_back():
            after_rollback(log.note("seen too"))
        assert log[-2:] == ["seen", "seen too"]
