"""How Django ends a transaction, watched on each connection.

This package is the one that knows. Django offers ``on_commit`` and nothing else, so the methods
that begin and end a transaction are stood before, on each connection.

What must stay true:

* A connection on which nothing is queued behaves as if this module did not exist.
* Before-commit work runs inside the transaction, with ``in_atomic_block`` true. If it raises,
  whatever it raises, the transaction is rolled back and the exception reaches whoever commits.
* After-commit work is an entry in Django's own ``run_on_commit``, so that Django's ordering and
  test helpers apply to it. Only in manual mode (``set_autocommit(False)``), where Django refuses
  ``on_commit``, is it kept here alone.
* What was undone is dealt with once the connection is usable again: never inside ``rollback()``
  in an atomic block, where it is not.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable
from contextlib import suppress
from functools import partial

from django.db import Error
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import atomic

from signalkit.transactions import in_tests
from signalkit.transactions.callbacks import ours_among, take_out
from signalkit.transactions.entries import Entry, Moment, Work, call, describe
from signalkit.transactions.failures import STOPS
from signalkit.transactions.inside import run_inside
from signalkit.transactions.interception import Interception
from signalkit.transactions.manual import is_manual
from signalkit.transactions.owed import Owed
from signalkit.transactions.running import run_all
from signalkit.transactions.server import can_turn_autocommit_on, why_lost
from signalkit.transactions.waiting import Waiting

logger = logging.getLogger("signalkit.transactions")

STOOD_BEFORE = (
    "connect",
    "commit",
    "rollback",
    "savepoint",
    "savepoint_rollback",
    "savepoint_commit",
    "set_autocommit",
    "close",
    "run_and_clear_commit_hooks",
)


_CALLBACKS = (Moment.BEFORE_COMMIT, Moment.AFTER_COMMIT)
"""What is among Django's callbacks in a ``TestCase``."""


class Observer:
    """Watches one connection; made by :func:`signalkit.transactions.watch.observe`."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self.connection = connection
        self._alias = connection.alias
        # The open transaction's; in manual mode what follows COMMIT is kept nowhere else.
        self._waiting = Waiting()
        # Committed, and still to be called by Django, which does so once autocommit is restored.
        self._committed: list[Entry] = []
        # Undone, and to be dealt with once the connection is usable.
        self._owed = Owed(self._alias)
        # False promises that all three are empty, so that the wrapped methods step aside at once.
        self._busy = False
        # Whether commits are managed by hand. Asked at COMMIT it would be too late: there an atomic
        # block has already put its own marks away.
        self._manual = is_manual(connection)
        self._committing = False
        self.transaction = 0
        """Differs between any two transactions of this connection."""

        self.undoing = 0
        """As long as it is the same, what is queued in one transaction is undone together: nothing
        was undone, and no other savepoint has become the innermost."""

        self.closing: Callable[[BaseDatabaseWrapper], object] | None = None
        """Called with the connection before it is closed; must not raise."""

        self._queued = 0
        self._transactions = 0
        # What a test helper does that calls an entry without a COMMIT.
        self._called_by_hand = partial(in_tests.run_by_hand, connection, self._waiting)
        # While Django opens a DB-API connection, and its receivers prepare that.
        self._connecting = False
        self._interception = Interception(connection, STOOD_BEFORE, self)
        self._interception.place()
        self._django = self._interception.original

    # Queueing ---------------------------------------------------------------------------------

    def queue(
        self,
        moment: Moment,
        func: Work,
        *,
        key: Hashable | None = None,
        dropped: Work | None = None,
    ) -> Entry:
        """Have work wait for a moment of the open transaction.

        Args:
            moment: what it waits for.
            func: the work.
            key: of what is queued for one moment with one key in one transaction, the last that
                was not undone runs, in the place of the first.
            dropped: called instead of the work if a rollback undid it.

        Returns:
            what waits; of an earlier one with the same key, which does its work, nothing is known.
        """
        connection = self.connection
        # Without a call: this is done for every event.
        if not (self._waiting.entries or self._committing):
            self._interception.place()
            self._manual = is_manual(connection)
        in_test = in_tests.in_test(connection)
        block = in_tests.stand_in(connection) if in_test else None
        # Between two blocks of a test, every event is a transaction of its own.
        unique = key is None or (in_test and block is None)
        entry = Entry(
            moment,
            func,
            called=self._called_by_hand,
            key=None if unique else (self._transactions, block, key),
            dropped=dropped,
            test_blocks=in_tests.count_test_blocks(connection) if in_test else 0,
            block=block,
        )
        self._queued += 1
        entry.number = entry.place = self._queued
        self._busy = True
        django_calls_it = in_test or (moment is Moment.AFTER_COMMIT and not self._manual)
        if self._waiting.add(entry) and django_calls_it and moment in _CALLBACKS:
            entry.is_callback = True
            connection.on_commit(entry)
        return entry

    @property
    def innermost_savepoint(self) -> str | None:
        """The innermost savepoint that was made since work began to wait; None without any."""
        return self._waiting.innermost_savepoint

    # Commit -----------------------------------------------------------------------------------

    def commit(self) -> None:
        """Stand before Django's ``commit()``."""
        if not self._busy or self.connection.autocommit:
            self._django.commit(self.connection)
            self.transaction += 1
            return
        is_lost = False
        if self._waiting:
            # What Django asks first: nothing must run for a commit that is refused.
            self.connection.validate_thread_sharing()
            self.connection.validate_no_atomic_block()
            is_lost = self._waiting.is_passive and self._is_lost()
            if not is_lost:
                self._run_before_commit()
        self._django.commit(self.connection)
        self.transaction += 1
        if is_lost:
            self._note_loss()
            if self._manual:
                self._settle_in_manual_mode()
        else:
            self._note_commit()

    def _is_lost(self) -> bool:
        return why_lost(self.connection, begins_late=self._manual) is not None

    def _run_before_commit(self) -> None:
        """Run what is due before COMMIT; on any failure roll back and raise."""
        self._committing = True
        try:
            run_inside(self.connection, self._waiting, manual=self._manual)
        except BaseException:
            self._roll_back(self.connection.rollback)
            raise
        finally:
            self._committing = False

    def _roll_back(self, rollback: Callable[[], object]) -> None:
        """Roll back because of an error, which nothing that goes wrong in here may replace."""
        try:
            rollback()
        except Error:
            # The connection is lost. Whoever comes next opens another one.
            with suppress(Error):
                self.connection.close()

    def _note_commit(self) -> None:
        """Sort what waited by what the commit means for it."""
        self._committed += self._waiting.committed()
        self._transactions += 1
        if not self._manual:
            # Django goes on to restore autocommit, and calls run_and_clear_commit_hooks() there.
            return
        try:
            # Nobody else would commit what it writes.
            self._run_committed(run=self._run_and_commit)
        except STOPS:
            raise
        except BaseException:
            self._settle_in_manual_mode()
            raise
        self._settle_in_manual_mode()

    def run_and_clear_commit_hooks(self) -> None:
        """Stand before Django's method of this name, which calls the ``on_commit`` callbacks."""
        if not self._busy:
            self._django.run_and_clear_commit_hooks(self.connection)
            return
        self._notice_unseen_end()
        if in_tests.in_test(self.connection):
            # A test has made Django call them without a COMMIT.
            waiting = self._waiting
            in_tests.run_before_commit(self.connection, waiting, waiting.before_commit())
            self._committed += ours_among(self.connection.run_on_commit)
        self._run_committed(partial(self._django.run_and_clear_commit_hooks, self.connection))

    def _run_committed(
        self,
        django: Callable[[], object] = lambda: None,
        run: Callable[[Work], object] | None = None,
    ) -> None:
        """Run what has been committed; see :func:`run_all`."""
        committed, self._committed = self._committed, []
        try:
            run_all(self._alias, committed, django, run)
        except STOPS:
            # What has had no turn has one when a transaction next ends here.
            self._owed.add_late(committed)
            self._busy = True
            raise

    def act_out_commit(self) -> bool:
        """In a test, do once what a COMMIT would do; say whether there was anything to do."""
        return in_tests.act_out_commit(self.connection, self._waiting)

    # Rollback ---------------------------------------------------------------------------------

    def rollback(self) -> None:
        """Stand before Django's ``rollback()``."""
        self._django.rollback(self.connection)
        self.transaction += 1
        if self._busy:
            self._note_loss()
            if self._manual:
                self._settle_in_manual_mode()

    def close(self) -> None:
        """Stand before Django's ``close()``, which closes an open transaction without a word."""
        if self.closing is not None and self.connection.connection is not None:
            # As Django does: another thread's connection is not to be touched.
            self.connection.validate_thread_sharing()
            self.closing(self.connection)
        self._django.close(self.connection)
        # SQLite keeps a database in memory open.
        if self._busy and (
            self.connection.connection is None or self.connection.closed_in_transaction
        ):
            self._note_loss()

    def savepoint(self) -> str | None:
        """Stand before Django's ``savepoint()``."""
        if self._busy:
            self._settle_in_test()
        sid: str | None = self._django.savepoint(self.connection)
        if self._busy and sid is not None:
            self.undoing += 1
            self._waiting.savepoint_made(sid)
        return sid

    def savepoint_rollback(self, sid: str) -> None:
        """Stand before Django's ``savepoint_rollback()``."""
        self._django.savepoint_rollback(self.connection, sid)
        if self._busy and self._knows_savepoints():
            self.undoing += 1
            undone = self._waiting.rolled_back_to(sid)
            take_out(self.connection, undone)
            self._note_undone(undone)

    def savepoint_commit(self, sid: str) -> None:
        """Stand before Django's ``savepoint_commit()``."""
        self._django.savepoint_commit(self.connection, sid)
        if self._busy and self._knows_savepoints():
            self.undoing += 1
            take_out(self.connection, self._waiting.released(sid))
            self._settle_in_test()

    def _knows_savepoints(self) -> bool:
        # Where it does not, Django makes nothing of the three calls: SQLite in manual mode.
        return bool(self.connection._savepoint_allowed())  # type: ignore[attr-defined]  # the stubs leave it out

    def _note_loss(self) -> None:
        """Take note that the whole transaction is lost."""
        self.undoing += 1
        self._note_undone(self._waiting.clear())
        self._transactions += 1
        self._rest()

    def _notice_unseen_end(self) -> None:
        """In autocommit nothing can wait: what does was left by an end that nothing stood before.

        Whoever patches ``django.db.connection.commit`` and undoes that takes ours away, too. What
        waited for the commit is still among Django's callbacks, if there was one.
        """
        connection = self.connection
        if not self._waiting or not connection.autocommit or connection.in_atomic_block:
            return
        lost = [entry for entry in self._waiting.clear() if not (entry.over or entry.is_callback)]
        self._transactions += 1
        self._interception.place()
        if lost:
            logger.error(
                "A transaction on %r has ended unseen: commit() or rollback() of its connection "
                "had been replaced, or was cut short. Never run: %s.",
                self._alias,
                ", ".join(sorted({describe(entry.func) for entry in lost})),
                extra={"alias": self._alias},
            )

    def _note_undone(self, entries: list[Entry]) -> None:
        self._owed.add_undone(entries)
        for entry in entries:
            entry.undone = not entry.over
            entry.over = True
        self._owed.forgive_tests(in_tests.count_test_blocks(self.connection))

    # What follows, once the connection is usable ----------------------------------------------

    def set_autocommit(
        self,
        autocommit: bool,
        force_begin_transaction_with_broken_autocommit: bool = False,
    ) -> None:
        """Stand before Django's ``set_autocommit()``, with which every transaction ends."""
        force = force_begin_transaction_with_broken_autocommit
        if not self._busy:
            self.transaction += 1
            self._django.set_autocommit(self.connection, autocommit, force)
            # An atomic block asks for the transaction, and does not leave it to the driver.
            self._manual = not (autocommit or force)
            return
        django = partial(self._django.set_autocommit, self.connection, autocommit, force)
        try:
            if autocommit and self._manual and self._waiting and self._may_turn_autocommit_on():
                self._leave_manual_mode(django)
            else:
                self.transaction += 1
                django()
                self._notice_unseen_end()
            self._manual = not (autocommit or force)
        except STOPS:
            raise
        except BaseException:
            self._settle()
            raise
        self._settle()

    def _may_turn_autocommit_on(self) -> bool:
        return (
            not self._connecting
            and not self.connection.in_atomic_block
            and can_turn_autocommit_on(self.connection)
        )

    def _leave_manual_mode(self, django: Callable[[], object]) -> None:
        """Turn autocommit on, which commits what is open without any call of ``commit()``."""
        self._run_before_commit()
        self._django.commit(self.connection)
        self.transaction += 1
        self._manual = False
        self._note_commit()
        # This calls Django's callbacks, and ours among what was committed.
        django()

    def connect(self) -> None:
        """Stand before Django's ``connect()``, which forgets what the connection was in."""
        if self._busy:
            self._note_loss()
            # Lost after COMMIT, before autocommit was restored.
            committed, self._committed = self._committed, []
            self._owed.add_late(committed)
        self._connecting = True
        try:
            self._django.connect(self.connection)
        finally:
            self._connecting = False
        # Not before all receivers of connection_created have prepared it, too. Where autocommit is
        # off, one of them may have begun something that is not ours to commit.
        if self._busy:
            self._settle()

    def _run_and_commit(self, work: Work) -> None:
        """In manual mode, where nothing is open, do a piece of work and commit what it wrote."""
        try:
            with atomic(using=self._alias):
                work()
            self.connection.commit()
        except BaseException as error:
            self._roll_back(partial(self._django.rollback, self.connection))
            self._note_loss()
            # A request to stop is heeded at once: what is owed has its turn another time.
            if not isinstance(error, STOPS):
                self._settle_in_manual_mode()
            raise

    def _settle(self) -> None:
        connection = self.connection
        if connection.autocommit and not connection.in_atomic_block and not self._connecting:
            self._pay(call)

    def _settle_in_manual_mode(self) -> None:
        """Settle where nothing is open: right after COMMIT, ROLLBACK or connecting."""
        if not self.connection.autocommit and not self._connecting:
            self._pay(self._run_and_commit)

    def _settle_in_test(self) -> None:
        connection = self.connection
        if self._owed and in_tests.between_blocks(connection) and not connection.needs_rollback:
            self._pay(partial(in_tests.run_like_a_test, self._alias))

    def _pay(self, run: Callable[[Work], object]) -> None:
        try:
            self._owed.pay(run)
        finally:
            # A request to stop may have left some of it.
            self._rest()

    def _rest(self) -> None:
        self._busy = bool(self._waiting or self._committed or self._owed)
