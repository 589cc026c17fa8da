"""When rows are written: with a transaction that writes, or else a few at a time."""

from __future__ import annotations

import atexit
import os
from collections.abc import Sequence

from django.db import DatabaseError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from signalkit.runs.health import health
from signalkit.runs.outgoing import Place, outgoing
from signalkit.runs.passing import is_passing
from signalkit.runs.pending import Pending, pending_of
from signalkit.runs.rows import Note
from signalkit.runs.statements import statements_of
from signalkit.runs.tables import TABLE, tables
from signalkit.runs.writing import insert, unlogged_cursor
from signalkit.transactions.in_tests import in_test
from signalkit.transactions.opened import in_transaction

_LOCK_WAIT = 50
"""In milliseconds: as long SQLite waits for another process; what it cannot write then, it writes
the next time."""


def record(connection: BaseDatabaseWrapper, row: Note, *, at_once: bool, quietly: bool) -> None:
    """Have a row written, without any trouble for whoever has caused it.

    Args:
        connection: the database that it is for.
        row: the row.
        at_once: whether it should not wait, where no transaction takes it along.
        quietly: whether nothing must be written from here, whatever waits.
    """
    if in_transaction(connection):
        pending(connection).add([row])
    elif (outgoing.add(place_of(connection), [row]) or at_once) and not quietly:
        write_out(connection)


def pending(connection: BaseDatabaseWrapper) -> Pending:
    """Return what rides on the transaction that is open on a connection."""
    return pending_of(connection, commit=_write_before_commit, lose=_keep_undone)


def place_of(connection: BaseDatabaseWrapper) -> Place:
    """Return what tells the database behind a connection from others."""
    return connection.alias, str(connection.settings_dict["NAME"])


def write_out(connection: BaseDatabaseWrapper) -> None:
    """Write the rows that wait for the database of a connection, as far as that can be done now.

    Only over a connection that is open already and in no transaction. It never raises.
    """
    if connection.connection is None or in_transaction(connection):
        return
    place = place_of(connection)
    rows = outgoing.take(place)
    if not rows or _refused(connection, rows):
        return
    try:
        with _BriefWait(connection):
            insert(connection, TABLE, rows)
    except Exception as error:  # noqa: BLE001  # it is counted and logged; nobody else is told
        if is_passing(connection, error):
            outgoing.put_back(place, rows)
            health.count("not written yet, will be tried again", 0, error)
        else:
            tables.forget()
            _one_by_one(connection, rows, error)


def flush(using: str | None = None) -> None:
    """Write everything that waits in this process, opening connections where there are none.

    Args:
        using: the database alias; all of them when None.
    """
    for alias, name in outgoing.places():
        if alias not in connections or using not in (None, alias):
            continue
        connection = connections[alias]
        if name != place_of(connection)[1]:
            continue
        try:
            connection.ensure_connection()
        except Exception as error:  # noqa: BLE001  # it is counted and logged
            rows = outgoing.take((alias, name))
            health.count(f"no connection to {alias!r} at the end", len(rows), error)
            continue
        write_out(connection)


def flush_at_exit() -> None:
    """Write what waits for the databases that this process has worked with.

    For no other: what a test process noted while no test database was there must not reach the one
    that the settings name.
    """
    for place in outgoing.places():
        if place not in _opened:
            outgoing.take(place)
    flush()


def opened(connection: BaseDatabaseWrapper) -> None:
    """Take note that this process works with the database of a connection."""
    _opened.add(place_of(connection))


_opened: set[Place] = set()


def before_reading(using: str) -> None:
    """Write the runs that wait to be recorded on a database.

    In a ``TestCase``, where no transaction commits, those of the test as well.

    Args:
        using: the alias that is about to be read.
    """
    connection = connections[using]
    # Whoever reads opens it in any case.
    connection.ensure_connection()
    if in_test(connection) and not connection.needs_rollback:
        rows = outgoing.take(place_of(connection))
        if rows and not _refused(connection, rows):
            _insert_all(connection, rows)
        pending(connection).flush()
    else:
        write_out(connection)


def before_closing(connection: BaseDatabaseWrapper) -> None:
    """Write what waits while the connection is still there."""
    if outgoing.places():
        write_out(connection)


def install() -> None:
    """Write what is left when the process ends, and only in the process that has it."""
    atexit.register(flush_at_exit)
    os.register_at_fork(after_in_child=outgoing.forget)


def _write_before_commit(connection: BaseDatabaseWrapper, rows: Sequence[Note]) -> None:
    if not (statements_of(connection).has_written or in_test(connection)):
        # It has only read, and is not made to write: that takes locks, or is refused.
        outgoing.add(place_of(connection), rows)
    elif not _refused(connection, rows):
        _insert_all(connection, rows)


def _insert_all(connection: BaseDatabaseWrapper, rows: Sequence[Note]) -> None:
    try:
        insert(connection, TABLE, rows)
    except Exception as error:  # noqa: BLE001  # it is counted and logged; nobody else is told
        # Nothing has happened to the transaction. They may have a chance by themselves.
        tables.forget()
        health.count("not written with their transaction, will be tried again", 0, error)
        outgoing.add(place_of(connection), rows)


def _keep_undone(connection: BaseDatabaseWrapper, rows: Sequence[Note]) -> None:
    if in_transaction(connection):
        # In a test, or where whatever follows a rollback is given a transaction.
        pending(connection).add(rows)
    else:
        outgoing.add(place_of(connection), rows)
        write_out(connection)


def _refused(connection: BaseDatabaseWrapper, rows: Sequence[Note]) -> bool:
    """Count rows that cannot be on record here; say whether that is so."""
    try:
        reason = tables.why_not(connection)
    except DatabaseError as error:
        health.count(f"could not look for the table on {connection.alias!r}", len(rows), error)
        return True
    if reason is not None:
        health.count(reason, len(rows))
    return reason is not None


def _one_by_one(connection: BaseDatabaseWrapper, rows: Sequence[Note], error: Exception) -> None:
    """Write the rows that can be written, when one of several could not."""
    if _refused(connection, rows):
        return
    failed = 0
    for row in rows:
        try:
            insert(connection, TABLE, [row])
        except Exception as again:  # noqa: BLE001  # it is counted and logged below
            failed, error = failed + 1, again
    if failed:
        health.count(f"refused by {connection.alias!r}", failed, error)


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
