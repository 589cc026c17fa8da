"""How rows get into the table, and what becomes of those that do not."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence
from functools import partial
from itertools import islice

from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper

from signalkit.runs.health import health
from signalkit.runs.notes import Note
from signalkit.runs.outgoing import Place, outgoing, place_of
from signalkit.runs.passing import has_ended_transaction, is_passing
from signalkit.runs.tables import TABLE, tables
from signalkit.runs.writing import MOST_ROWS, insert
from signalkit.runs.writing.cursors import unlogged_cursor
from signalkit.transactions.entries import Moment
from signalkit.transactions.watch import observe

_LOCK_WAIT = 50
"""In milliseconds: as long SQLite waits for another process; what it cannot write then, it writes
the next time."""

_ENOUGH_REFUSALS = 5
"""So many rows one after the other are refused, and the rest is not tried."""

migrating: set[str] = set()
"""The aliases that are being migrated: a table that is not there may be made yet."""


def store_with_transaction(connection: BaseDatabaseWrapper, rows: Sequence[Note]) -> None:
    """Write rows with the transaction that is open, right before its COMMIT.

    Args:
        connection: the one with the transaction.
        rows: the rows.

    Raises:
        Exception: what has ended the transaction. Anything else is nobody's trouble.
    """
    try:
        if _refused(connection, rows):
            return
    except Exception as error:  # noqa: BLE001  # it is counted and logged; nobody else is told
        health.count(f"could not look for the table on {connection.alias!r}", len(rows), error)
        return
    _insert_all(connection, rows)


def _insert_all(connection: BaseDatabaseWrapper, rows: Sequence[Note]) -> None:
    waiting = deque(rows)
    try:
        while waiting:
            insert(connection, TABLE, list(islice(waiting, MOST_ROWS)))
            _drop(waiting, MOST_ROWS)
    except Exception as error:
        tables.forget()
        if has_ended_transaction(connection, error):
            # What is left of it must not be committed as if it were all.
            raise
        # Nothing has happened to the transaction. They may have a chance by themselves, once it is
        # certain that nothing undoes what they tell of.
        health.count("not written with their transaction, will be tried again", 0, error)
        again = partial(outgoing.add, place_of(connection), waiting)
        observe(connection).queue(Moment.AFTER_COMMIT, again)


def store(connection: BaseDatabaseWrapper, place: Place, waiting: deque[Note]) -> None:
    """Write rows by themselves; those for which it is only too early go on waiting.

    Args:
        connection: an open one, in no transaction.
        place: the database that they wait for.
        waiting: the rows, which are taken off.
    """
    try:
        with _BriefWait(connection):
            if not _refused(connection, waiting):
                _write(connection, waiting)
            elif connection.alias not in migrating:
                # Counted, once. While it is migrated, the table may be about to come.
                waiting.clear()
    except Exception as error:  # noqa: BLE001  # it is counted and logged; nobody else is told
        # What is no error of a database says nothing about the rows: somebody forbids all
        # statements for a while, say.
        if isinstance(error, DatabaseError) and not is_passing(connection, error):
            health.count(f"refused by {connection.alias!r}", len(waiting), error)
            waiting.clear()
        else:
            health.count("not written yet, will be tried again", 0, error)
    finally:
        # On a request to stop as well: they may be written at the end.
        if waiting:
            outgoing.put_back(place, waiting)


def _refused(connection: BaseDatabaseWrapper, rows: Collection[Note]) -> bool:
    """Count rows that cannot be on record here; say whether that is so.

    Raises:
        Exception: whatever the database says, or a router.
    """
    reason = tables.why_not(connection)
    if reason is not None and connection.alias not in migrating:
        health.count(reason, len(rows))
    return reason is not None


def _write(connection: BaseDatabaseWrapper, waiting: deque[Note]) -> None:
    """Write rows, and take each off what waits once that is done, or is known to be impossible.

    Raises:
        Exception: what may be over soon.
    """
    while waiting:
        rows = list(islice(waiting, MOST_ROWS))
        try:
            insert(connection, TABLE, rows)
        except Exception as error:
            if is_passing(connection, error):
                raise
            tables.forget()
            if _refused(connection, waiting):
                waiting.clear()
            else:
                _one_by_one(connection, waiting, len(rows))
        else:
            _drop(waiting, len(rows))


def _one_by_one(connection: BaseDatabaseWrapper, waiting: deque[Note], number: int) -> None:
    """Write those of the first rows that can be written, when one of them could not."""
    refused, in_a_row, last = 0, 0, None
    try:
        for _ in range(number):
            # Then it is not about the single row: the database is read-only, say.
            if in_a_row < _ENOUGH_REFUSALS:
                try:
                    insert(connection, TABLE, [waiting[0]])
                except Exception as error:
                    if is_passing(connection, error):
                        raise
                    in_a_row, last = in_a_row + 1, error
                else:
                    in_a_row = 0
            refused += in_a_row > 0
            waiting.popleft()
    finally:
        if refused:
            health.count(f"refused by {connection.alias!r}", refused, last)


def _drop(waiting: deque[Note], number: int) -> None:
    for _ in range(min(number, len(waiting))):
        waiting.popleft()


class _BriefWait:
    """Has SQLite wait for a lock but briefly: nobody is to wait for the record."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self._connection = connection
        self._before: int | None = None

    def __enter__(self) -> None:
        if self._connection.vendor == "sqlite":
            with unlogged_cursor(self._connection) as cursor:
                self._before = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
                cursor.execute(f"PRAGMA busy_timeout = {_LOCK_WAIT}")

    def __exit__(self, *error: object) -> None:
        if self._before is not None and self._connection.connection is not None:
            with unlogged_cursor(self._connection) as cursor:
                cursor.execute(f"PRAGMA busy_timeout = {self._before}")
