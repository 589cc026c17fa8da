"""How Django ends a transaction, watched on each connection.

This is the one module that knows. Django offers ``on_commit`` and nothing else, so the methods
that end a transaction are wrapped on the connection object, once: they live as long as the
object does, reconnects included.

What must stay true:

* A connection on which nothing is queued behaves as if this module did not exist.
* Before-commit work runs inside the transaction, with ``in_atomic_block`` true. If it raises,
  whatever it raises, the transaction is rolled back and the exception reaches whoever commits.
* After-commit work is an entry in Django's own ``run_on_commit``, so that Django's ordering,
  savepoint rules and test helpers apply to it. Only in manual mode (``set_autocommit(False)``),
  where Django refuses ``on_commit``, is it kept here.
* What was undone is dealt with once the connection is usable again: never inside ``rollback()``,
  where it is not.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Hashable
from typing import Any

from django.db import Error, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.transaction import Atomic

from signalkit.exceptions import BeforeCommitLoop, TransactionAborted
from signalkit.transactions.entries import Entry, Moment, last_of_each_key

logger = logging.getLogger("signalkit.transactions")

MAX_ROUNDS = 100
"""How often before-commit work may queue more before-commit work in one transaction."""

_ATTRIBUTE = "signalkit_observer"

# libpq's PQTRANS_INERROR, the same number in psycopg and psycopg2.
_POSTGRESQL_IN_ERROR = 3


class Observer:
    """Watches one connection; made by :func:`observe`."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self.connection = connection
        self._alias = connection.alias
        self._before: list[Entry] = []
        # After-commit work queued in manual mode; otherwise it lives in run_on_commit.
        self._after: list[Entry] = []
        self._on_rollback: list[Entry] = []
        # What a rollback undid and what is to be done about it once the connection is usable.
        self._undone: deque[Callable[[], object]] = deque()
        self._latest: dict[Hashable, Entry] = {}
        # False promises that nothing waits, so that the wrapped methods can step aside at once.
        self._busy = False
        self._settling = False
        self._manual = not connection.autocommit and not (
            connection.in_atomic_block and connection.commit_on_exit
        )
        # The DB-API connection that connection_created announced. While it differs from
        # connection.connection, Django is in the middle of connect().
        self._announced = connection.connection
        self._draining = False
        self._errors: list[Exception] = []
        self._django = {name: getattr(connection, name) for name in _WRAPPED}
        for name in _WRAPPED:
            setattr(connection, name, getattr(self, name))

    # Queueing ---------------------------------------------------------------------------------

    def before_commit(
        self,
        func: Callable[[], object],
        *,
        key: Hashable | None = None,
        dropped: Callable[[], object] | None = None,
    ) -> None:
        """Run ``func`` as the last thing inside the open transaction; at once without one."""
        if not self._in_transaction():
            func()
        elif not self._absorbed(
            key, entry := self._entry(Moment.BEFORE_COMMIT, func, key, dropped)
        ):
            # A test's transaction never commits; there, its callbacks are what stands for COMMIT.
            if self._in_test():
                self.connection.on_commit(entry)
            else:
                self._before.append(entry)

    def after_commit(
        self,
        func: Callable[[], object],
        *,
        key: Hashable | None = None,
        dropped: Callable[[], object] | None = None,
    ) -> None:
        """Run ``func`` once the open transaction is committed; at once without one."""
        if not self._in_transaction():
            func()
        elif not self._absorbed(key, entry := self._entry(Moment.AFTER_COMMIT, func, key, dropped)):
            if self._manual:
                self._after.append(entry)
            else:
                self.connection.on_commit(entry)

    def after_rollback(self, func: Callable[[], object], *, key: Hashable | None = None) -> None:
        """Run ``func`` if what is open now is rolled back; never without a transaction."""
        if self._in_transaction():
            entry = self._entry(Moment.AFTER_ROLLBACK, func, key, None)
            if not self._absorbed(key, entry):
                self._on_rollback.append(entry)

    def _entry(
        self,
        moment: Moment,
        func: Callable[[], object],
        key: Hashable | None,
        dropped: Callable[[], object] | None,
    ) -> Entry:
        self._busy = True
        return Entry(
            moment,
            func,
            self._run_as_commit_callback,
            savepoints=tuple(sid for sid in self.connection.savepoint_ids if sid),
            in_test=self._in_test(),
            block=self._test_block(),
            key=None if key is None else (moment, key),
            dropped=dropped,
        )

    def _absorbed(self, key: Hashable | None, entry: Entry) -> bool:
        if key is None:
            return False
        latest = self._latest.get(entry.key)
        if latest is not None and latest.absorb(entry):
            return True
        self._latest[entry.key] = entry
        return False

    def _in_transaction(self) -> bool:
        return self.connection.in_atomic_block or not self.connection.get_autocommit()

    # Inside a test's transaction --------------------------------------------------------------

    def _in_test(self) -> bool:
        blocks = self.connection.atomic_blocks
        return bool(blocks) and getattr(blocks[0], "_from_testcase", False)

    def _only_test_blocks(self) -> bool:
        return self._in_test() and all(
            getattr(block, "_from_testcase", False) for block in self.connection.atomic_blocks
        )

    def _test_block(self) -> str | None:
        """Return the savepoint of the outermost block that the test itself opened."""
        if not self._in_test():
            return None
        # The outermost of the test's blocks is the transaction and has no savepoint.
        blocks, savepoints = self.connection.atomic_blocks[1:], self.connection.savepoint_ids
        for block, sid in zip(blocks, savepoints, strict=False):
            if not getattr(block, "_from_testcase", False):
                return sid
        return None

    # Commit -----------------------------------------------------------------------------------

    def commit(self) -> None:
        if not self._busy:
            self._django["commit"]()
            return
        self._run_before_commit()
        self._django["commit"]()
        self._committed()

    def _run_before_commit(self) -> None:
        """Run what is due before COMMIT; on any failure roll back and raise."""
        connection = self.connection
        block = Atomic(connection.alias, savepoint=True, durable=False)
        commit_on_exit, was_lost = connection.commit_on_exit, connection.needs_rollback
        # Without these, atomic() and on_commit() inside the work would take the connection for
        # one in manual mode, and durable blocks would not notice that they are nested.
        connection.in_atomic_block = True
        connection.commit_on_exit = True
        connection.atomic_blocks.append(block)
        try:
            try:
                if self._manual:
                    self._run_undone()
                self._run_rounds()
                self._refuse_lost_transaction(was_lost)
            finally:
                connection.atomic_blocks.remove(block)
                connection.commit_on_exit = commit_on_exit
                connection.in_atomic_block = False
        except BaseException:
            self._abandon()
            raise

    def _run_rounds(self) -> None:
        for _ in range(MAX_ROUNDS):
            batch, self._before = self._before, []
            if not batch:
                return
            for entry in last_of_each_key(batch):
                entry.done = True
                entry.func()
        raise BeforeCommitLoop(
            f"Before-commit work on {self.connection.alias!r} still queued more of itself after "
            f"{MAX_ROUNDS} rounds: {', '.join(sorted({_label(e.func) for e in self._before}))}. "
            "Make it stop once nothing changes, or queue it with once_per_transaction."
        )

    def _refuse_lost_transaction(self, was_lost: bool) -> None:
        connection = self.connection
        if connection.needs_rollback and not was_lost:
            raise TransactionAborted(
                f"Work before the COMMIT on {connection.alias!r} caught a database error without a "
                "savepoint around the statement, so the transaction cannot be committed. Put the "
                "statement in transaction.atomic()."
            ) from getattr(connection, "rollback_exc", None)
        if _is_aborted(connection):
            raise TransactionAborted(
                f"The transaction on {connection.alias!r} had failed before its COMMIT: a database "
                "error was caught without a savepoint around the statement. PostgreSQL would have "
                "rolled back without a word. Put the statement in transaction.atomic()."
            )

    def _abandon(self) -> None:
        connection = self.connection
        connection.needs_rollback = False
        try:
            connection.rollback()
        except Error:
            connection.close()

    def _committed(self) -> None:
        after, self._after = self._after, []
        self._on_rollback.clear()
        self._latest.clear()
        self._busy = bool(self._undone) or bool(self._ours())
        if after:
            self._drain(last_of_each_key(after), lambda: None)

    def run_and_clear_commit_hooks(self) -> None:
        ours = self._ours()
        if not ours:
            self._django["run_and_clear_commit_hooks"]()
            return
        kept = last_of_each_key(ours)
        for entry in ours:
            entry.done = True
        for entry in kept:
            entry.done = False
        self._drain(kept, self._django["run_and_clear_commit_hooks"])

    def _drain(self, entries: list[Entry], django: Callable[[], object]) -> None:
        """Let Django run its callbacks, then whatever of ours a failing one made it drop."""
        draining, self._draining = self._draining, True
        errors, self._errors = self._errors, []
        try:
            try:
                django()
            finally:
                for entry in entries:
                    entry()
        except BaseException:
            for error in self._errors:
                logger.error("Error in after-commit work on %r.", self._alias, exc_info=error)
            raise
        finally:
            self._draining, self._errors, raised = draining, errors, self._errors
        if len(raised) == 1:
            raise raised[0]
        if raised:
            raise ExceptionGroup("Several after-commit receivers failed", raised)

    def _run_as_commit_callback(self, entry: Entry) -> None:
        if self._draining:
            self._run_once(entry)
        else:
            self._run_in_test(entry)

    def _run_once(self, entry: Entry) -> None:
        if entry.done:
            return
        entry.done = True
        try:
            entry.func()
        except Exception as error:  # noqa: BLE001  (raised again once everybody has had a turn)
            self._errors.append(error)

    def _run_in_test(self, entry: Entry) -> None:
        """Run an entry that a test helper called by hand: there was no COMMIT."""
        pending = self._ours()
        later = pending[pending.index(entry) + 1 :] if entry in pending else []
        if entry.key is not None and any(other.key == entry.key for other in later):
            return
        if entry.moment is Moment.BEFORE_COMMIT:
            if not entry.done:
                entry.done = True
                entry.func()
            return
        if entry.block is not None:
            for other in pending:
                if other.moment is Moment.BEFORE_COMMIT and other.block == entry.block:
                    other()
        entry.func()

    def _ours(self) -> list[Entry]:
        return [func for _, func, _ in self.connection.run_on_commit if type(func) is Entry]

    # Rollback ---------------------------------------------------------------------------------

    def rollback(self) -> None:
        ours = self._ours() if self._busy else []
        self._django["rollback"]()
        if self._busy:
            self._undo_all(ours)

    def close(self) -> None:
        ours = self._ours() if self._busy else []
        in_transaction = self.connection.in_atomic_block or not self.connection.autocommit
        self._django["close"]()
        if self._busy and in_transaction:
            self._undo_all(ours)

    def savepoint_rollback(self, sid: str) -> None:
        ours = self._ours() if self._busy else []
        self._django["savepoint_rollback"](sid)
        if self._busy:
            waiting = [*self._before, *ours, *self._after, *self._on_rollback]
            undone = [entry for entry in waiting if sid in entry.savepoints]
            for kept in (self._before, self._after, self._on_rollback):
                kept[:] = [entry for entry in kept if sid not in entry.savepoints]
            # The entry before the undone one is its key's latest again: found at the end.
            self._latest.clear()
            self._undo([entry for entry in undone if not entry.undone_by_test(sid)])

    def savepoint_commit(self, sid: str) -> None:
        self._django["savepoint_commit"](sid)
        # In a test, the block that the test opened stands for the transaction.
        if self._undone and self._only_test_blocks():
            self._run_undone()

    def _undo_all(self, ours: list[Entry]) -> None:
        entries = [*self._before, *ours, *self._after, *self._on_rollback]
        self._before, self._after, self._on_rollback = [], [], []
        self._latest.clear()
        # The transaction around a test is rolled back to clean up: nobody's work was undone.
        self._undo([entry for entry in entries if not entry.in_test])
        self._busy = bool(self._undone)

    def _undo(self, entries: list[Entry]) -> None:
        rolled_back = [entry for entry in entries if entry.moment is Moment.AFTER_ROLLBACK]
        wanted = set(map(id, last_of_each_key(rolled_back)))
        for entry in entries:
            if entry.done:
                continue
            if entry.moment is not Moment.AFTER_ROLLBACK:
                if entry.dropped is not None:
                    self._undone.append(entry.dropped)
            elif id(entry) in wanted:
                self._undone.append(entry.func)

    def _run_undone(self) -> None:
        """Deal with what was undone. Nobody can be told of an error any more: log it."""
        if self._settling:
            return
        self._settling = True
        try:
            while self._undone:
                func = self._undone.popleft()
                try:
                    func()
                except Exception:
                    logger.exception("Error in after-rollback work on %r.", self._alias)
        finally:
            self._settling = False

    # Autocommit and connecting ----------------------------------------------------------------

    def set_autocommit(
        self,
        autocommit: bool,
        force_begin_transaction_with_broken_autocommit: bool = False,
    ) -> None:
        if autocommit and self._busy and self._manual and self._is_announced():
            self._leave_manual_mode(force_begin_transaction_with_broken_autocommit)
            return
        try:
            self._django["set_autocommit"](
                autocommit, force_begin_transaction_with_broken_autocommit
            )
        finally:
            # Read from the connection: a failing commit callback raises after the switch.
            if self.connection.autocommit is autocommit:
                # atomic() begins with the flag; without it, somebody manages commits by hand.
                self._manual = not (autocommit or force_begin_transaction_with_broken_autocommit)
            self._settle()

    def _leave_manual_mode(self, force: bool) -> None:
        """Turn autocommit on where that commits, without any call of ``commit()``."""
        # psycopg refuses to switch inside a transaction, so there nothing is left to commit.
        switching_commits = self.connection.vendor != "postgresql"
        if switching_commits:
            self._run_before_commit()
        self._django["set_autocommit"](True, force)
        self._manual = False
        if not switching_commits:
            self._run_rounds()
        try:
            self._committed()
        finally:
            self._settle()

    def reconnected(self) -> None:
        """Take note that Django has finished opening a new DB-API connection."""
        self._announced = self.connection.connection
        self._settle()

    def _is_announced(self) -> bool:
        return self.connection.connection is self._announced

    def _settle(self) -> None:
        if (
            self._undone
            and self.connection.autocommit
            and not self.connection.in_atomic_block
            and self._is_announced()
        ):
            self._run_undone()
            self._busy = False


_WRAPPED = (
    "commit",
    "rollback",
    "savepoint_rollback",
    "savepoint_commit",
    "set_autocommit",
    "close",
    "run_and_clear_commit_hooks",
)


def _is_aborted(connection: BaseDatabaseWrapper) -> bool:
    """Say whether the server has given up the transaction and would answer COMMIT by ROLLBACK."""
    if connection.vendor != "postgresql" or connection.connection is None:
        return False
    return bool(connection.connection.info.transaction_status == _POSTGRESQL_IN_ERROR)


def _label(func: Callable[[], object]) -> str:
    return getattr(func, "__qualname__", None) or str(func)


def observe(connection: BaseDatabaseWrapper) -> Observer:
    """Return the observer of a connection, putting one on it the first time."""
    observer: Observer | None = connection.__dict__.get(_ATTRIBUTE)
    if observer is None:
        observer = Observer(connection)
        setattr(connection, _ATTRIBUTE, observer)
    return observer


def _connection_opened(*, connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    observe(connection).reconnected()


def install() -> None:
    """Watch every connection that is opened from now on, and those that are open already."""
    connection_created.connect(
        _connection_opened, weak=False, dispatch_uid="signalkit.transactions"
    )
    for connection in connections.all(initialized_only=True):
        if connection.connection is not None:
            observe(connection)
