"""Rows that ride on the transaction that is open, with its savepoints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from operator import attrgetter
from typing import TypeAlias

from django.db.backends.base.base import BaseDatabaseWrapper

from signalkit.runs.rows import Note, as_undone
from signalkit.transactions.entries import Entry, Moment
from signalkit.transactions.watch import observe

_ATTRIBUTE = "signalkit_pending_runs"

MOST = 10_000
"""As many rows wait for one COMMIT at most; more are written before it."""

Write: TypeAlias = Callable[[BaseDatabaseWrapper, Sequence[Note]], object]
"""What becomes of rows in the end."""


class _Batch:
    """Rows that are undone together."""

    __slots__ = ("entry", "rows", "savepoint")

    def __init__(self, savepoint: str | None) -> None:
        self.savepoint = savepoint
        self.rows: list[Note] = []
        # Waits for the COMMIT with them.
        self.entry: Entry | None = None

    @property
    def is_undone(self) -> bool:
        return self.entry is not None and self.entry.undone


class Pending:
    """The rows of one connection's open transaction."""

    def __init__(self, connection: BaseDatabaseWrapper, commit: Write, lose: Write) -> None:
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
            undone = partial(self._undone, batch)
            batch.entry = observer.queue(Moment.LAST, self._commit_all, dropped=undone)
        batch.rows += rows
        self._count += len(rows)
        # Within a savepoint they might be undone with others that are younger.
        if self._count >= MOST and savepoint is None:
            self.flush()

    def flush(self) -> None:
        """Hand over all rows that nothing has undone so far."""
        if self._transaction != self._observer.transaction:
            return
        # Those that are undone are dealt with once the connection is usable.
        batches = [batch for batch in self._batches if not batch.is_undone]
        rows = [row for batch in batches for row in batch.rows]
        for batch in batches:
            batch.rows = []
        self._count = 0
        if rows:
            rows.sort(key=attrgetter("started"))
            self._commit(self._connection, rows)

    def _commit_all(self) -> None:
        self.flush()
        # Each has had its turn. What comes now has to wait for another.
        self._batches.clear()

    def _undone(self, batch: _Batch) -> None:
        if batch in self._batches:
            self._batches.remove(batch)
        rows = [row for row in map(as_undone, batch.rows) if row is not None]
        batch.rows = []
        if rows:
            self._lose(self._connection, rows)


def pending_of(connection: BaseDatabaseWrapper, commit: Write, lose: Write) -> Pending:
    """Return the rows that ride on the transactions of a connection."""
    pending: Pending | None = connection.__dict__.get(_ATTRIBUTE)
    if pending is None:
        pending = Pending(connection, commit, lose)
        setattr(connection, _ATTRIBUTE, pending)
    return pending
