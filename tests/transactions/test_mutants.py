"""The state machine can fail: it finds what is wrong with an observer broken on purpose."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import atomic
from hypothesis import HealthCheck, Phase, settings
from hypothesis.errors import Flaky
from hypothesis.stateful import run_state_machine_as_test

from signalkit.transactions import after_commit, inside, observer, running
from signalkit.transactions.entries import Entry, Work, call
from signalkit.transactions.observer import Observer
from signalkit.transactions.owed import Owed
from signalkit.transactions.running import run_rounds
from signalkit.transactions.waiting import Waiting
from tests.transactions.machine.machine import Transactions
from tests.transactions.machine.work import Interrupt
from tests.transactions.support import Log, real_commits

Patch = pytest.MonkeyPatch


def forget_savepoints(patch: Patch) -> None:
    patch.setattr(Waiting, "rolled_back_to", lambda self, sid: [])


def forget_the_outer_savepoint(patch: Patch) -> None:
    released = Waiting.released

    def broken(self: Waiting, sid: str) -> list[Entry]:
        for entry in self.entries:
            entry.level = 0
        return released(self, sid)

    patch.setattr(Waiting, "released", broken)


def keep_the_first_of_a_key(patch: Patch) -> None:
    patch.setattr(Entry, "take_over", lambda self, later: setattr(later, "over", True))


def leave_in_atomic_block_as_it_is(patch: Patch) -> None:
    def broken(connection: BaseDatabaseWrapper, waiting: Waiting, *, manual: bool) -> None:
        block = atomic(using=connection.alias, savepoint=False)
        block.__enter__()
        run_rounds(connection.alias, waiting, waiting.before_commit)

    patch.setattr(observer, "run_inside", broken)


def run_before_commit_work_after_it(patch: Patch) -> None:
    note_commit = Observer._note_commit

    def broken(self: Observer) -> None:
        due = self._waiting.before_commit
        run_rounds(self._alias, self._waiting, due)
        note_commit(self)

    patch.setattr(Observer, "_run_before_commit", lambda self: None)
    patch.setattr(Observer, "_note_commit", broken)


def run_one_round(patch: Patch) -> None:
    def broken(alias: str, waiting: Waiting, due: Callable[[], list[Entry]]) -> None:
        for entry in due():
            entry.over = True
            entry.func()

    patch.setattr(inside, "run_rounds", broken)


def forget_base_exceptions(patch: Patch) -> None:
    def broken(self: Observer) -> None:
        try:
            inside.run_inside(self.connection, self._waiting, manual=self._manual)
        except Exception:
            self.connection.rollback()
            raise

    patch.setattr(Observer, "_run_before_commit", broken)


def commit_what_a_caught_error_has_spoilt(patch: Patch) -> None:
    patch.setattr(inside, "refuse_lost_transaction", lambda *args, **options: None)


def stop_after_a_foreign_failure(patch: Patch) -> None:
    run_all = running.run_all

    def broken(alias: str, entries: list[Entry], django: Any, run: Any) -> None:
        def call_django() -> None:
            try:
                django()
            except Exception:
                for entry in entries:
                    entry.over = True
                raise

        run_all(alias, entries, call_django, run)

    patch.setattr(observer, "run_all", broken)


def stop_after_a_failure_of_ours(patch: Patch) -> None:
    run_all = running.run_all

    def broken(alias: str, entries: list[Entry], django: Any, run: Any) -> None:
        failed: list[Exception] = []

        def run_unless_one_has_failed(work: Work) -> None:
            if not failed:
                try:
                    (run or call)(work)
                except Exception as error:
                    failed.append(error)
                    raise

        run_all(alias, entries, django, run_unless_one_has_failed)

    patch.setattr(observer, "run_all", broken)


def go_on_after_a_request_to_stop(patch: Patch) -> None:
    run_all = running.run_all

    def broken(alias: str, entries: list[Entry], django: Any, run: Any) -> None:
        def run_through(work: Work) -> None:
            with suppress(Interrupt):
                (run or call)(work)

        run_all(alias, entries, django, run_through)

    patch.setattr(observer, "run_all", broken)


def forget_what_a_request_to_stop_left(patch: Patch) -> None:
    patch.setattr(Owed, "add_late", lambda self, entries: None)


def forget_what_was_undone(patch: Patch) -> None:
    patch.setattr(Owed, "add_undone", lambda self, entries: None)


def deal_with_it_in_the_order_of_undoing(patch: Patch) -> None:
    add_undone = Owed.add_undone

    def broken(self: Owed, entries: Iterable[Entry]) -> None:
        entries = list(entries)
        for entry in entries:
            entry.number = entry.place = 0
        add_undone(self, entries)

    patch.setattr(Owed, "add_undone", broken)


def switch_autocommit_on_as_if_nothing_waited(patch: Patch) -> None:
    patch.setattr(Observer, "_leave_manual_mode", lambda self, django: django())


def take_manual_mode_for_the_other(patch: Patch) -> None:
    patch.setattr(observer, "is_manual", lambda connection: False)


def leave_uncommitted_what_is_run_in_manual_mode(patch: Patch) -> None:
    patch.setattr(Observer, "_run_and_commit", lambda self, work: work())


QUICKLY_FOUND = (
    forget_savepoints,
    keep_the_first_of_a_key,
    leave_in_atomic_block_as_it_is,
    run_before_commit_work_after_it,
    forget_what_was_undone,
    take_manual_mode_for_the_other,
)
OTHERS = (
    forget_the_outer_savepoint,
    run_one_round,
    forget_base_exceptions,
    commit_what_a_caught_error_has_spoilt,
    stop_after_a_foreign_failure,
    stop_after_a_failure_of_ours,
    go_on_after_a_request_to_stop,
    forget_what_a_request_to_stop_left,
    deal_with_it_in_the_order_of_undoing,
    switch_autocommit_on_as_if_nothing_waited,
    leave_uncommitted_what_is_run_in_manual_mode,
)
with_the_others = pytest.mark.skipif(
    not {"SIGNALKIT_MUTANTS", "CI"} & os.environ.keys(),
    reason="half a minute more: set SIGNALKIT_MUTANTS",
)


@real_commits
@pytest.mark.skipif(connection.vendor != "sqlite", reason="one database suffices, the quickest")
@pytest.mark.parametrize(
    "mutant", [*QUICKLY_FOUND, *(pytest.param(other, marks=with_the_others) for other in OTHERS)]
)
def test_a_broken_observer_is_found_out(
    mutant: Callable[[Patch], Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.CRITICAL, logger="signalkit.transactions")
    with monkeypatch.context() as patch:
        mutant(patch)
        # What it finds may depend on what an example before it has spoilt: found, all the same.
        with pytest.raises((AssertionError, Flaky, BaseExceptionGroup)):
            run_state_machine_as_test(
                Transactions,
                settings=settings(
                    max_examples=600,
                    stateful_step_count=5,
                    database=None,
                    derandomize=True,
                    phases=[Phase.generate],
                    report_multiple_bugs=False,
                    suppress_health_check=list(HealthCheck),
                ),
            )


ABOUT_FAILURES = (
    stop_after_a_foreign_failure,
    stop_after_a_failure_of_ours,
    go_on_after_a_request_to_stop,
    forget_what_a_request_to_stop_left,
)


@real_commits
@pytest.mark.parametrize("mutant", ABOUT_FAILURES)
def test_where_nothing_fails_it_does_what_it_did(
    mutant: Callable[[Patch], Any], monkeypatch: pytest.MonkeyPatch, log: Log
) -> None:
    """So that it is found out for what is broken, and not because it does nothing at all."""
    with monkeypatch.context() as patch:
        mutant(patch)
        with atomic():
            transaction.on_commit(log.note("foreign"))
            after_commit(log.note("first"))
            after_commit(log.note("second"))
    assert log == ["foreign", "first", "second"]
