"""Inside the transaction that a TestCase holds around a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar
from unittest import mock

import pytest
from django.db import DatabaseError, connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import TestCase

from signalkit.exceptions import TransactionAborted
from signalkit.testing import EndlessCommit, NothingToCommit, run_on_commit
from signalkit.transactions import after_commit, after_rollback, before_commit, hooks
from signalkit.transactions.entries import Moment
from signalkit.transactions.hooks import observer_for
from tests.testapp.models import Record
from tests.transactions.support import (
    NOTHING,
    Boom,
    Log,
    make_savepoint,
    real_commits,
    rolled_back,
    write,
)


def texts(using: str = "default") -> list[str]:
    return list(Record.objects.using(using).order_by("id").values_list("text", flat=True))


class InTest(TestCase):
    """A test with a log."""

    databases = {"default", "other"}

    def setUp(self) -> None:
        self.log = Log()

    def queue(self, moment: str, func: Callable[[], object], **options: Any) -> None:
        hooks.queue(connections["default"], Moment(moment), func, **options)


class TestCapturedCallbacks(InTest):
    def test_after_commit_is_counted_and_executed_as_on_commit_is(self) -> None:
        with self.captureOnCommitCallbacks(execute=True) as callbacks, transaction.atomic():
            transaction.on_commit(self.log.note("foreign"))
            after_commit(self.log.note("after"))
            with rolled_back():
                after_commit(self.log.note("undone"))
        assert len(callbacks) == 2
        assert self.log == ["foreign", "after"]

    def test_without_execute_nothing_runs_until_it_is_called(self) -> None:
        with self.captureOnCommitCallbacks() as callbacks:
            after_commit(self.log.note("after"))
        assert self.log == []
        (callback,) = callbacks
        callback()
        callback()
        assert self.log == ["after", "after"]

    def test_of_one_key_beside_savepoints_made_by_hand_it_runs_once(self) -> None:
        with self.captureOnCommitCallbacks(execute=True), transaction.atomic():
            after_commit(self.log.note("after"))
            self.queue("before_commit", self.log.note("first"), key="k")
            make_savepoint()
            self.queue("before_commit", self.log.note("last"), key="k")
        assert self.log == ["last", "after"]

    def test_what_was_replaced_or_undone_takes_no_room(self) -> None:
        with transaction.atomic():
            self.queue("before_commit", self.log.note("first"), key="k")
            for _ in range(10):
                with transaction.atomic():
                    self.queue("before_commit", self.log.note("another"), key="k")
                with rolled_back():
                    self.queue("before_commit", self.log.note("undone"))
            assert len(connection.run_on_commit) == 1
            kept = observer_for("default")._waiting._of_block
            assert sum(map(len, kept.values())) == 1

    def test_what_one_costs_does_not_grow_with_their_number(self) -> None:
        class Counting(list[Any]):
            looks = 0

            def __getitem__(self, index: Any) -> Any:
                found = super().__getitem__(index)
                self.looks += len(found) if isinstance(index, slice) else 1
                return found

            def __iter__(self) -> Iterator[Any]:
                self.looks += len(self)
                return super().__iter__()

        waiting = observer_for("default")._waiting
        for hook in (after_commit, before_commit):
            entries = waiting.entries = Counting(waiting.entries)
            with self.captureOnCommitCallbacks(execute=True) as callbacks:
                for _ in range(200):
                    with transaction.atomic():
                        hook(self.log.note("ran"))
            assert len(callbacks) == 200
            assert entries.looks < 200 * 50
        entries = waiting.entries = Counting(waiting.entries)
        with self.captureOnCommitCallbacks(execute=True) as callbacks:
            for _ in range(200):
                with transaction.atomic():
                    before_commit(self.log.note("ran"))
                    after_commit(self.log.note("ran"))
        assert len(callbacks) == 400
        assert entries.looks < 400 * 50
        assert self.log == ["ran"] * 800

    def test_on_its_alias(self) -> None:
        with self.captureOnCommitCallbacks(using="other", execute=True) as callbacks:
            after_commit(self.log.note("default"))
            after_commit(self.log.note("other"), using="other")
        assert len(callbacks) == 1
        assert self.log == ["other"]

    def test_an_error_is_raised_as_djangos_would_be(self) -> None:
        with pytest.raises(Boom), self.captureOnCommitCallbacks(execute=True):
            after_commit(self.log.fail("after"))

    def test_before_commit_work_of_the_block_runs_first(self) -> None:
        with self.captureOnCommitCallbacks(execute=True), transaction.atomic():
            after_commit(lambda: self.log.append(f"after sees {texts()}"))
            before_commit(self.log.write("before"))
        assert self.log == ["before", "after sees ['before']"]

    def test_and_what_it_queues_itself(self) -> None:
        def work() -> None:
            before_commit(self.log.note("more"))
            after_commit(self.log.note("after work"))

        with self.captureOnCommitCallbacks(execute=True), transaction.atomic():
            after_commit(self.log.note("after"))
            before_commit(work)
        assert self.log == ["more", "after", "after work"]

    def test_but_not_that_of_another_block(self) -> None:
        with self.captureOnCommitCallbacks(execute=True):
            with transaction.atomic():
                after_commit(self.log.note("after"))
            with transaction.atomic():
                before_commit(self.log.note("before"))
        assert self.log == ["after", "before"]

    def test_before_commit_work_alone_is_a_callback_as_well(self) -> None:
        with self.captureOnCommitCallbacks(execute=True) as callbacks:
            before_commit(self.log.note("before"))
        assert len(callbacks) == 1
        assert self.log == ["before"]

    def test_before_commit_work_that_fails(self) -> None:
        def block() -> None:
            with self.captureOnCommitCallbacks(execute=True), transaction.atomic():
                before_commit(self.log.write("before"))
                before_commit(self.log.fail("fails"))
                after_commit(self.log.note("after"))

        with pytest.raises(Boom):
            block()
        assert self.log == ["before", "fails"]

    def test_an_error_that_before_commit_work_caught(self) -> None:
        def swallow() -> None:
            with pytest.raises(DatabaseError):
                Record.objects.create(text=NOTHING)

        with pytest.raises(TransactionAborted), self.captureOnCommitCallbacks(execute=True):
            before_commit(swallow)
        assert texts() == []

    def test_one_key_is_one_callback(self) -> None:
        with self.captureOnCommitCallbacks(execute=True) as callbacks:
            for block in range(2):
                with transaction.atomic():
                    self.queue("after_commit", self.log.note(f"{block} first"), key="k")
                    with transaction.atomic():
                        self.queue("after_commit", self.log.note(f"{block} second"), key="k")
        assert len(callbacks) == 2
        assert self.log == ["0 second", "1 second"]

    def test_of_one_key_in_an_open_block_the_last_runs(self) -> None:
        with transaction.atomic():
            self.queue("after_commit", self.log.note("first"), key="k")
            with transaction.atomic(), self.captureOnCommitCallbacks(execute=True):
                self.queue("after_commit", self.log.note("second"), key="k")
            with self.captureOnCommitCallbacks() as callbacks:
                pass
        assert callbacks == []
        assert self.log == ["second"]

    def test_of_one_key_beside_an_open_savepoint_the_last_runs(self) -> None:
        with transaction.atomic(), self.captureOnCommitCallbacks(execute=True):
            self.queue("after_commit", self.log.note("first"), key="k")
            make_savepoint()
            self.queue("after_commit", self.log.note("second"), key="k")
        assert self.log == ["second"]

    def test_between_blocks_every_event_is_a_transaction_of_its_own(self) -> None:
        with self.captureOnCommitCallbacks(execute=True) as callbacks:
            self.queue("after_commit", self.log.note("first"), key="k")
            self.queue("after_commit", self.log.note("second"), key="k")
        assert len(callbacks) == 2
        assert self.log == ["first", "second"]

    def test_a_block_without_a_savepoint_stands_for_a_transaction_too(self) -> None:
        with (
            self.captureOnCommitCallbacks(execute=True) as callbacks,
            transaction.atomic(savepoint=False),
        ):
            self.queue("after_commit", self.log.note("first"), key="k")
            self.queue("after_commit", self.log.note("second"), key="k")
        assert len(callbacks) == 1
        assert self.log == ["second"]

    def test_djangos_own_way_of_calling_them_all(self) -> None:
        with transaction.atomic():
            after_commit(self.log.note("after"))
            before_commit(self.log.note("before"))
            transaction.on_commit(self.log.note("foreign"))
        with mock.patch.object(BaseDatabaseWrapper, "validate_no_atomic_block"):
            connections["default"].run_and_clear_commit_hooks()
        assert self.log == ["before", "after", "foreign"]

    def test_what_it_is_called(self) -> None:
        with self.captureOnCommitCallbacks() as callbacks:
            after_commit(texts)
        assert repr(callbacks[0]) == "<after_commit: texts>"


class TestRollback(InTest):
    def test_the_outermost_block_of_the_test_stands_for_the_transaction(self) -> None:
        with rolled_back():
            write("lost")
            with rolled_back():
                after_rollback(self.log.write("inner"))
            after_rollback(self.log.write("outer"))
            assert self.log == []
        assert self.log == texts() == ["inner", "outer"]

    def test_a_savepoint_that_was_rolled_back_in_it(self) -> None:
        with transaction.atomic():
            with rolled_back():
                after_rollback(self.log.write("undone"))
            assert self.log == []
        assert self.log == texts() == ["undone"]

    def test_nothing_in_it_takes_the_test_for_a_transaction(self) -> None:
        def work() -> None:
            with transaction.atomic(durable=True):
                write("durable")

        with rolled_back():
            after_rollback(work)
        assert texts() == ["durable"]

    def test_a_database_error_in_it_leaves_the_test_alone(self) -> None:
        with rolled_back():
            after_rollback(lambda: Record.objects.create(text=NOTHING))
        assert texts() == []

    def test_in_a_block_without_a_savepoint_it_waits_for_the_next(self) -> None:
        with transaction.atomic(savepoint=False), rolled_back():
            after_rollback(self.log.note("undone"))
        assert self.log == []
        with transaction.atomic():
            self.log.append("next")
        assert self.log == ["undone", "next"]

    def test_dropped_work_is_told(self) -> None:
        with rolled_back():
            self.queue("after_commit", self.log.note("after"), dropped=self.log.note("dropped"))
        assert self.log == ["dropped"]


class TestCleanup(TestCase):
    """The rollback that ends a test, or a class of tests, is none for us."""

    databases = {"default", "other"}
    log: ClassVar = Log()

    @classmethod
    def setUpTestData(cls) -> None:
        after_rollback(cls.log.note("of the class"))

    @classmethod
    def tearDownClass(cls) -> None:
        super().tearDownClass()
        assert cls.log == []

    def test_first(self) -> None:
        after_rollback(self.log.note("between blocks"))
        with transaction.atomic():
            after_rollback(self.log.note("in a block"))
        with transaction.atomic(savepoint=False), rolled_back():
            after_rollback(self.log.note("left over"))
        after_commit(self.log.note("after"))
        before_commit(self.log.note("before"))

    def test_second(self) -> None:
        make_savepoint()
        assert self.log == []


class TestRunOnCommit(InTest):
    def test_it_acts_out_a_commit(self) -> None:
        with transaction.atomic():
            transaction.on_commit(self.log.note("foreign"))
            after_commit(self.log.note("after"))
            before_commit(self.log.write("before"))
            with rolled_back():
                after_commit(self.log.note("undone"))
        run_on_commit()
        assert self.log == ["before", "foreign", "after"]
        assert texts() == ["before"]
        assert connection.in_atomic_block

    def test_each_thing_once(self) -> None:
        transaction.on_commit(self.log.note("foreign"))
        after_commit(self.log.note("after"))
        run_on_commit()
        run_on_commit()
        with self.captureOnCommitCallbacks(execute=True) as callbacks:
            pass
        assert callbacks == []
        assert self.log == ["foreign", "after"]

    def test_until_nothing_new_is_queued(self) -> None:
        def work() -> None:
            self.log.append("work")
            before_commit(self.log.note("before"))
            transaction.on_commit(lambda: after_commit(self.log.note("last")))

        after_commit(work)
        run_on_commit()
        assert self.log == ["work", "before", "last"]

    def test_callbacks_that_queue_each_other_without_end(self) -> None:
        def again() -> None:
            transaction.on_commit(again)

        again()
        with pytest.raises(EndlessCommit):
            run_on_commit()

    def test_a_foreign_callback_that_fails_drops_none_of_ours(self) -> None:
        transaction.on_commit(self.log.fail("foreign"))
        after_commit(self.log.note("after"))
        transaction.on_commit(self.log.note("dropped, as Django does"))
        with pytest.raises(Boom, match="foreign"):
            run_on_commit()
        assert self.log == ["foreign", "after"]

    def test_a_robust_one_that_fails_stops_nobody(self) -> None:
        transaction.on_commit(self.log.fail("foreign"), robust=True)
        transaction.on_commit(self.log.note("foreign as well"))
        run_on_commit()
        assert self.log == ["foreign", "foreign as well"]

    def test_several_of_ours_that_fail_are_raised_together(self) -> None:
        after_commit(self.log.fail("first"))
        after_commit(self.log.fail("second"))
        with pytest.raises(ExceptionGroup):
            run_on_commit()
        assert self.log == ["first", "second"]

    def test_before_commit_work_that_fails(self) -> None:
        before_commit(self.log.write("before"))
        before_commit(self.log.fail("fails"))
        after_commit(self.log.note("after"))
        with pytest.raises(Boom):
            run_on_commit()
        assert self.log == ["before", "fails"]
        assert texts() == []

    def test_after_rollback_work_that_still_waits_is_not_its_affair(self) -> None:
        with transaction.atomic():
            after_rollback(self.log.note("never"))
        run_on_commit()
        assert self.log == []

    def test_on_its_alias(self) -> None:
        after_commit(self.log.note("default"))
        after_commit(self.log.note("other"), using="other")
        run_on_commit("other")
        assert self.log == ["other"]

    def test_one_key_once(self) -> None:
        with transaction.atomic():
            self.queue("after_commit", self.log.note("first"), key="k")
            self.queue("after_commit", self.log.note("second"), key="k")
        run_on_commit()
        assert self.log == ["second"]

    def test_not_inside_a_block_of_the_test(self) -> None:
        with transaction.atomic(), pytest.raises(NothingToCommit, match="atomic"):
            run_on_commit()


class TestAfterRollbackWorkThatQueues(InTest):
    def test_it_is_committed_as_if_the_test_had_queued_it(self) -> None:
        def work() -> None:
            after_commit(self.log.note("after"))
            before_commit(self.log.note("before"))

        with rolled_back():
            after_rollback(work)
        with transaction.atomic():
            pass
        run_on_commit()
        assert self.log == ["before", "after"]


class TestWithWorkOfItsClass(TestCase):
    """Whichever of them comes first, each finds the same."""

    databases = {"default", "other"}
    class_log: ClassVar[Log] = Log()

    @classmethod
    def setUpTestData(cls) -> None:
        cls.class_log = Log()
        before_commit(cls.class_log.note("before"))
        transaction.on_commit(cls.class_log.note("foreign"))
        with transaction.atomic():
            after_commit(cls.class_log.note("after"))
            before_commit(cls.class_log.note("before, in a block"))
        with transaction.atomic(using="other"):
            after_commit(cls.class_log.note("run there"), using="other")
        run_on_commit("other")

    def check(self) -> None:
        log = Log()
        with transaction.atomic():
            before_commit(log.note("before"))
            transaction.on_commit(log.note("foreign"))
            after_commit(log.note("after"))
        after_commit(log.note("outside a block"))
        run_on_commit()
        assert log == ["before", "foreign", "after", "outside a block"]
        assert self.class_log == ["run there"]

    def test_first(self) -> None:
        self.check()

    def test_second(self) -> None:
        self.check()


@real_commits
def test_run_on_commit_has_nothing_to_act_out_where_commits_are_real() -> None:
    with pytest.raises(NothingToCommit, match="No TestCase"):
        run_on_commit()
    with transaction.atomic(), pytest.raises(NothingToCommit, match="No TestCase"):
        run_on_commit()


@real_commits
def test_callbacks_called_by_hand_before_a_real_commit(log: Log) -> None:
    with transaction.atomic():
        with TestCase.captureOnCommitCallbacks(execute=True) as callbacks:
            after_commit(log.note("after"))
        assert len(callbacks) == 1
    # As Django's own: once by the helper, once by the commit.
    assert log == ["after", "after"]


class TestPytestDjango:
    @pytest.mark.django_db
    def test_its_fixture_captures(
        self, log: Log, django_capture_on_commit_callbacks: Callable[..., Any]
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True) as callbacks, transaction.atomic():
            after_commit(log.note("after"))
            before_commit(log.note("before"))
        assert len(callbacks) == 2
        assert log == ["before", "after"]

    def test_run_on_commit(self, db: None, log: Log) -> None:
        after_commit(log.note("after"))
        before_commit(log.write("before"))
        run_on_commit()
        assert log == ["before", "after"]
        assert texts() == ["before"]

    def test_a_rollback(self, db: None, log: Log) -> None:
        with rolled_back():
            after_rollback(log.write("undone"))
        assert log == texts() == ["undone"]

    cleaned_up: ClassVar = Log()

    @pytest.mark.parametrize("turn", [1, 2])
    def test_its_cleanup_is_no_rollback(self, db: None, turn: int) -> None:
        after_rollback(self.cleaned_up.note("never"))
        assert self.cleaned_up == []
