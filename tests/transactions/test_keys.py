"""A key: once per transaction, and the last that was not undone."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, transaction

from signalkit.transactions.hooks import observer_for
from tests.transactions.support import Log, make_savepoint, real_commits, rolled_back

pytestmark = real_commits
Queue = Callable[..., None]
MOMENTS = pytest.mark.parametrize("moment", ["before_commit", "after_commit"])


@MOMENTS
class TestOncePerTransaction:
    def test_the_last_runs(self, moment: str, log: Log, queue: Queue) -> None:
        with transaction.atomic():
            queue(moment, log.note("first"), key="k")
            queue(moment, log.note("second"), key="k")
        assert log == ["second"]

    def test_in_the_place_of_the_first(self, moment: str, log: Log, queue: Queue) -> None:
        with transaction.atomic():
            queue(moment, log.note("first"), key="k")
            queue(moment, log.note("beside"))
            with transaction.atomic():
                queue(moment, log.note("second"), key="k")
        assert log == ["second", "beside"]

    def test_each_key_for_itself(self, moment: str, log: Log, queue: Queue) -> None:
        with transaction.atomic():
            queue(moment, log.note("k"), key="k")
            queue(moment, log.note("l"), key="l")
        assert log == ["k", "l"]

    def test_each_transaction_for_itself(self, moment: str, log: Log, queue: Queue) -> None:
        for number in range(2):
            with transaction.atomic():
                queue(moment, log.note(str(number)), key="k")
        assert log == ["0", "1"]

    def test_each_alias_for_itself(self, moment: str, log: Log, queue: Queue) -> None:
        with transaction.atomic(), transaction.atomic(using="other"):
            queue(moment, log.note("default"), key="k")
            queue(moment, log.note("other"), key="k", using="other")
        assert log == ["other", "default"]

    def test_the_last_that_survived_its_savepoint(
        self, moment: str, log: Log, queue: Queue
    ) -> None:
        with transaction.atomic():
            queue(moment, log.note("first"), key="k")
            with transaction.atomic():
                queue(moment, log.note("second"), key="k")
            with rolled_back():
                queue(moment, log.note("third"), key="k")
                with transaction.atomic():
                    queue(moment, log.note("fourth"), key="k")
        assert log == ["second"]

    def test_the_first_again_when_all_others_are_undone(
        self, moment: str, log: Log, queue: Queue
    ) -> None:
        with transaction.atomic():
            queue(moment, log.note("first"), key="k")
            with rolled_back():
                queue(moment, log.note("second"), key="k")
        assert log == ["first"]

    def test_the_last_beside_savepoints_made_by_hand(
        self, moment: str, log: Log, queue: Queue
    ) -> None:
        with transaction.atomic():
            queue(moment, log.note("first"), key="k")
            sid = make_savepoint()
            assert sid
            queue(moment, log.note("second"), key="k")
            connection.savepoint_rollback(sid)
            make_savepoint()
            queue(moment, log.note("third"), key="k")
        assert log == ["third"]

    def test_in_the_place_of_the_first_beside_savepoints_made_by_hand(
        self, moment: str, log: Log, queue: Queue
    ) -> None:
        with transaction.atomic():
            queue(moment, log.note("first"), key="k")
            make_savepoint()
            queue(moment, log.note("beside"))
            transaction.on_commit(log.note("foreign"))
            queue(moment, log.note("last"), key="k")
        assert log[:2] == ["last", "beside"]

    def test_any_number_of_events_takes_the_room_of_one(
        self, moment: str, log: Log, queue: Queue
    ) -> None:
        with transaction.atomic():
            observer = observer_for("default")
            for number in range(50_000):
                queue(moment, lambda number=number: log.append(str(number)), key="k")
            for number in range(200):
                with transaction.atomic():
                    queue(moment, log.note(f"block {number}"), key="k")
            assert len(observer._waiting.entries) == 1
            assert len(connection.run_on_commit) <= 1
        assert log == ["block 199"]

    def test_it_is_told_once_that_it_was_dropped(self, moment: str, log: Log, queue: Queue) -> None:
        with rolled_back():
            queue(moment, log.note("first"), key="k", dropped=log.note("first dropped"))
            with transaction.atomic():
                queue(moment, log.note("second"), key="k", dropped=log.note("second dropped"))
        assert log == ["second dropped"]

    def test_nobody_is_told_of_what_was_committed(
        self, moment: str, log: Log, queue: Queue
    ) -> None:
        with transaction.atomic():
            queue(moment, log.note("first"), key="k", dropped=log.note("dropped"))
            queue(moment, log.note("second"), key="k", dropped=log.note("dropped"))
        assert log == ["second"]


class TestAfterARollback:
    def test_once_for_all_that_was_undone(self, log: Log, queue: Queue) -> None:
        with rolled_back():
            queue("after_rollback", log.note("first"), key="k")
            with rolled_back():
                queue("after_rollback", log.note("second"), key="k")
        assert log == ["second"]

    def test_the_last_of_all_in_the_place_of_the_first(self, log: Log, queue: Queue) -> None:
        with rolled_back():
            queue("after_rollback", log.note("first"), key="k")
            queue("after_rollback", log.note("beside"))
            with rolled_back():
                queue("after_rollback", log.note("second"), key="k")
            queue("after_rollback", log.note("third"), key="k")
        assert log == ["third", "beside"]

    def test_in_the_place_of_the_first_beside_savepoints_made_by_hand(
        self, log: Log, queue: Queue
    ) -> None:
        with rolled_back():
            queue("after_rollback", log.note("first"), key="k")
            sid = make_savepoint()
            queue("after_rollback", log.note("beside"))
            transaction.savepoint_rollback(sid)
            queue("after_rollback", log.note("second"), key="k")
        assert log == ["second", "beside"]

    def test_not_for_what_was_committed(self, log: Log, queue: Queue) -> None:
        with transaction.atomic():
            queue("after_rollback", log.note("first"), key="k")
            with rolled_back():
                queue("after_rollback", log.note("second"), key="k")
        assert log == ["second"]


def test_before_commit_work_may_queue_its_own_key_again(log: Log, queue: Queue) -> None:
    with transaction.atomic():
        queue(
            "before_commit",
            lambda: queue("before_commit", log.note("again"), key="k"),
            key="k",
        )
    assert log == ["again"]


def test_before_commit_work_takes_the_place_of_what_still_waits(log: Log, queue: Queue) -> None:
    def work() -> None:
        with rolled_back():
            queue("before_commit", log.note("undone"), key="k")
        queue("before_commit", log.note("last"), key="k")

    with transaction.atomic():
        make_savepoint()
        queue("before_commit", work)
        make_savepoint()
        queue("before_commit", log.note("first"), key="k")
        make_savepoint()
        queue("before_commit", log.note("beside"))
    assert log == ["last", "beside"]


class Counting(list[Any]):
    """A list that counts how often one of its items is looked at."""

    looks = 0

    def __getitem__(self, index: Any) -> Any:
        self.looks += 1
        return super().__getitem__(index)

    def __iter__(self) -> Iterator[Any]:
        self.looks += len(self)
        return super().__iter__()


@MOMENTS
@pytest.mark.parametrize("is_beside", [True, False])
def test_what_a_savepoint_costs_does_not_grow_with_what_else_waits(
    moment: str, is_beside: bool, log: Log, queue: Queue
) -> None:
    beside = ["beside"] if is_beside else []
    with transaction.atomic():
        queue(moment, log.note("first"), key="k")
        for _ in range(1_000):
            transaction.on_commit(log.note("foreign"))
        for name in beside:
            queue("after_commit", log.note(name))
        queue("after_commit", log.note("own"), key="own")
        callbacks = connection.run_on_commit = Counting(connection.run_on_commit)
        for number in range(100):
            with transaction.atomic():
                queue("after_commit", log.note(f"own {number}"), key="own")
                queue(moment, log.note(f"block {number}"), key="k")
        assert callbacks is connection.run_on_commit
        assert callbacks.looks < 1_000
        connection.run_on_commit = [*callbacks]
    assert log == ["block 99", *["foreign"] * 1_000, *beside, "own 99"]


def test_what_was_undone_takes_no_room(log: Log, queue: Queue) -> None:
    with transaction.atomic():
        for _ in range(100):
            with rolled_back():
                queue("after_commit", log.note("after"))
                queue("before_commit", log.note("before"))
        observer = observer_for("default")
        assert not observer._owed
        assert not observer._waiting
    assert log == []


@pytest.mark.parametrize("key", ["k", None])
@MOMENTS
def test_what_was_undone_is_held_by_nobody(
    moment: str, key: str | None, log: Log, queue: Queue
) -> None:
    held: list[weakref.ref[Log]] = []

    def leave(name: str) -> Callable[[], None]:
        rows = Log()
        held.append(weakref.ref(rows))
        return rows.note(name)

    with transaction.atomic():
        queue(moment, log.note("stays"))
        for number in range(10):
            with rolled_back():
                queue(moment, leave(str(number)), key=key)
        assert [ref() for ref in held] == [None] * 10
    assert log == ["stays"]
