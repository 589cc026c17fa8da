"""Rows that ride on the transaction that is open, with its savepoints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from functools import partial
from operator import attrgetter
from threading import get_ident
from typing import TypeAlias

from django.db.backends.base.base import BaseDatabaseWrapper

from signalkit.runs.notes import Note, as_undone
from signalkit.transactions.entries import Entry, Moment, Work
from signalkit.transactions.watch import observe

_ATTRIBUTE = "signalkit_pending_runs"
_KEY = "signalkit.runs"

MOST = 10_000
"""As many rows wait for one COMMIT at most; more are written before it."""

Commit: TypeAlias = Callable[[BaseDatabaseWrapper, Sequence[Note]], bool]
"""Takes rows right before COMMIT; says whether a rollback undoes what it has done with them."""

Lose: TypeAlias = Callable[[BaseDatabaseWrapper, Sequence[Note]], object]
"""Takes what becomes of rows that were undone."""


class _Batch:
    """Rows that are undone together."""

    __slots__ = ("loss", "rows", "savepoint", "within", "written")

    def __init__(self, savepoint: str | None) -> None:
        self.savepoint = savepoint
        self.rows: list[Note] = []
        # In the transaction, which may still fail: at its COMMIT, too.
        self.written: list[Note] = []
        # Waits for the rollback of those that are written, where that may come before theirs.
        self.within: Entry | None = None
        # Waits for the rollback with them.
        self.loss: Entry | None = None

    @property
    def is_undone(self) -> bool:
        return self.loss is not None and self.loss.undone


class Pending:
    """The rows of one connection's open transaction."""

    def __init__(self, connection: BaseDatabaseWrapper, commit: Commit, lose: Lose) -> None:
        """Begin with none.

        Args:
            connection: the connection.
            commit: takes the rows right before COMMIT.
            lose: takes what becomes of rows that were undone, once the connection is usable.
        """
        self._connection = connection
        self._observer = observe(connection)
        self._commit = commit
        self._lose = lose
        self._batches: list[_Batch] = []
        self._transaction = self._observer.transaction
        self._count = 0
        # To which rows are added as long as nothing has changed.
        self._open: list[Note] = []
        self._undoing = -1
        self._alias = connection.alias
        self._thread = 0

    def takes(self, alias: str, row: Note) -> bool:
        """Have a row written with the transaction that is open, if that is the one as before.

        Args:
            alias: the database that it is for.
            row: the row.

        Returns:
            whether it has been taken; if not, :meth:`add` finds out what has changed.
        """
        observer = self._observer
        if (
            self._undoing != observer.undoing
            or self._transaction != observer.transaction
            or self._alias != alias
            or self._thread != get_ident()
            or self._count >= MOST - 1
        ):
            return False
        self._open.append(row)
        self._count += 1
        return True

    def add(self, rows: Sequence[Note]) -> None:
        """Have rows written with the transaction that is open."""
        observer = self._observer
        if self._transaction != observer.transaction:
            # Another one, of whose rows none is left.
            self._batches.clear()
            self._transaction, self._count = observer.transaction, 0
        savepoint = observer.innermost_savepoint
        batch = self._batches[-1] if self._batches else None
        if batch is None or batch.is_undone or batch.savepoint != savepoint:
            batch = _Batch(savepoint)
            self._batches.append(batch)
            self._queue(Moment.LAST, self._commit_all, key=_KEY)
            batch.loss = self._queue(Moment.AFTER_ROLLBACK, partial(self._undone, batch))
        batch.rows += rows
        self._count += len(rows)
        if self._count >= MOST and savepoint is None:
            self._count = 0
            self._relieve(self._batches)
        elif len(batch.rows) >= MOST:
            # The others might be undone with these, if they were written within this savepoint.
            self._count -= len(batch.rows)
            self._relieve([batch])
        self._open, self._undoing, self._thread = batch.rows, observer.undoing, get_ident()
        LATEST.set(self)

    def _relieve(self, batches: list[_Batch]) -> None:
        """Hand over so many rows that they are not kept for the case of a rollback."""
        self._hand_over([batch for batch in batches if not batch.is_undone])
        for batch in batches:
            batch.written = []

    def _queue(self, moment: Moment, work: Work, key: str | None = None) -> Entry:
        entry = self._observer.queue(moment, work, key=key)
        # Without a record the transaction would end as Django has it end; so it does with one.
        entry.passive = True
        return entry

    def flush(self) -> None:
        """Hand over all rows that nothing has undone so far."""
        if self._transaction != self._observer.transaction:
            return
        # Those that are undone are dealt with once the connection is usable.
        batches = [batch for batch in self._batches if not batch.is_undone]
        for batch in batches:
            if batch.within is not None and batch.within.undone:
                # Read within a savepoint, as each test is one within its class.
                batch.rows, batch.written, batch.within = batch.written + batch.rows, [], None
        self._count = 0
        self._hand_over(batches)

    def _hand_over(self, batches: list[_Batch]) -> None:
        self._shut()
        rows = [row for batch in batches for row in batch.rows]
        if not rows:
            return
        rows.sort(key=attrgetter("started"))
        rides = self._commit(self._connection, rows)
        savepoint, within = self._observer.innermost_savepoint, None
        for batch in batches:
            if rides and batch.rows:
                batch.written += batch.rows
                if savepoint not in (None, batch.savepoint) and batch.within is None:
                    within = within or self._queue(Moment.AFTER_ROLLBACK, _nothing)
                    batch.within = within
            batch.rows = []

    def _shut(self) -> None:
        """Have the next row added to another list."""
        self._open, self._undoing = [], -1

    def _commit_all(self) -> None:
        self.flush()
        # Each has had its turn. What comes now has to wait for another.
        self._batches.clear()
        self._shut()

    def _undone(self, batch: _Batch) -> None:
        if batch in self._batches:
            self._batches.remove(batch)
        undone = map(as_undone, [*batch.written, *batch.rows])
        rows = [row for row in undone if row is not None]
        batch.written = batch.rows = []
        if rows:
            self._lose(self._connection, rows)


LATEST: ContextVar[Pending | None] = ContextVar("signalkit_latest_runs", default=None)
"""What was last added to here. To look up the connection, and whether it is in a transaction, takes
as long as all else that is done for a run."""


def _nothing() -> None:
    pass


def pending_of(connection: BaseDatabaseWrapper, commit: Commit, lose: Lose) -> Pending:
    """Return the rows that ride on the transactions of a connection."""
    pending: Pending | None = connection.__dict__.get(_ATTRIBUTE)
    if pending is None:
        pending = Pending(connection, commit, lose)
        setattr(connection, _ATTRIBUTE, pending)
    return pending
