"""When rows are written: with a transaction that writes, or else a few at a time."""

from __future__ import annotations

import atexit
import os
from collections import deque
from collections.abc import Collection, Sequence
from functools import partial
from itertools import islice

from django.core.exceptions import SynchronousOnlyOperation
from django.db import DatabaseError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from signalkit import conf
from signalkit.runs.health import health
from signalkit.runs.notes import Note
from signalkit.runs.outgoing import Place, outgoing, place_of
from signalkit.runs.passing import has_ended_transaction, is_passing
from signalkit.runs.pending import Pending, pending_of
from signalkit.runs.statements import statements_of
from signalkit.runs.tables import TABLE, tables
from signalkit.runs.writing import MOST_ROWS, insert
from signalkit.runs.writing.cursors import unlogged_cursor
from signalkit.transactions.entries import Moment
from signalkit.transactions.in_tests import in_test
from signalkit.transactions.opened import in_transaction
from signalkit.transactions.watch import observe

_LOCK_WAIT = 50
"""In milliseconds: as long SQLite waits for another process; what it cannot write then, it writes
the next time."""

_READERS_WAIT = 0.25
"""In seconds: as long a reader waits for what other threads are writing."""

_CURSOR = "cursor"

_ENOUGH_REFUSALS = 5
"""So many rows one after the other are refused, and the rest is not tried."""

migrating: set[str] = set()
"""The aliases that are being migrated: a table that is not there may be made yet."""


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
    elif hasattr(connection.__dict__.get(_CURSOR), "wrapped"):
        # A test that may use no database has put something around it. What it caused would be on
        # record in another test.
        return
    elif outgoing.add(place_of(connection), [row], urgent=at_once) and not quietly:
        write_out(connection)


def pending(connection: BaseDatabaseWrapper) -> Pending:
    """Return what rides on the transaction that is open on a connection."""
    return pending_of(connection, commit=_write_before_commit, lose=_keep_undone)


def write_out(connection: BaseDatabaseWrapper, *, when_due: bool = False) -> None:
    """Write the rows that wait for the database of a connection, as far as that can be done now.

    Only over a connection that is open already, which none of a coroutine is, and in no
    transaction; a database that the settings have for the record alone is opened. It never raises.

    Args:
        connection: the connection.
        when_due: whether to leave it where an attempt has failed a moment ago, which may have taken
            time.
    """
    place = place_of(connection)
    if not _is_open(connection, place) or in_transaction(connection):
        return
    with outgoing.under_way():
        waiting = deque(outgoing.take(place, when_due=when_due))
        if waiting:
            _write_or_keep(connection, place, waiting)


def _write_or_keep(connection: BaseDatabaseWrapper, place: Place, waiting: deque[Note]) -> None:
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


def _is_open(connection: BaseDatabaseWrapper, place: Place) -> bool:
    """Say whether a connection is open; open it where nobody else would ever do so."""
    if connection.connection is not None:
        return True
    if connection.alias != conf.config().RUNS.DATABASE or place not in outgoing.places():
        return False
    try:
        connection.ensure_connection()
    except Exception as error:  # noqa: BLE001  # it is counted and logged; nobody else is told
        # Not at each run: it may take long to be refused.
        outgoing.put_back(place, ())
        health.count(f"no connection to {connection.alias!r}, will be tried again", 0, error)
        return False
    return True


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
        was_open = connection.connection is not None
        try:
            connection.ensure_connection()
        except Exception as error:  # noqa: BLE001  # it is counted and logged
            rows = outgoing.take((alias, name))
            health.count(f"no connection to {alias!r} at the end", len(rows), error)
            continue
        write_out(connection)
        if not was_open:
            connection.close()


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
    try:
        # Whoever reads opens it in any case.
        connection.ensure_connection()
    except SynchronousOnlyOperation:
        # A queryset is made in a coroutine, and read elsewhere.
        return
    if in_test(connection) and not connection.needs_rollback:
        waiting = pending(connection)
        if rows := outgoing.take(place_of(connection)):
            # Of a coroutine or thread: to the test they belong all the same.
            waiting.add(rows)
        waiting.flush()
    else:
        write_out(connection)
        # A request that has just ended may be writing what it did, in a thread of its own.
        outgoing.wait(_READERS_WAIT)


def emptied(using: str) -> None:
    """Keep nothing for a database whose tables were emptied, as after a ``TransactionTestCase``.

    Args:
        using: its alias.
    """
    outgoing.take(place_of(connections[using]))


def before_closing(connection: BaseDatabaseWrapper) -> None:
    """Write what waits while the connection is still there."""
    if outgoing.places():
        write_out(connection, when_due=True)


def install() -> None:
    """Write what is left when the process ends, and only in the process that has it."""
    atexit.register(flush_at_exit)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_forget_the_parents)


def _forget_the_parents() -> None:
    outgoing.forget()
    # Another thread of the parent may hold their locks, and is not there to release them.
    health.reset()
    tables.renew()


def _write_before_commit(connection: BaseDatabaseWrapper, rows: Sequence[Note]) -> bool:
    """Write rows with the transaction that is open; say whether they are undone with it."""
    if not (statements_of(connection).has_written or in_test(connection)):
        # It has only read, and is not made to write: that takes locks, or is refused.
        outgoing.add(place_of(connection), rows)
        return False
    try:
        if _refused(connection, rows):
            return True
    except Exception as error:  # noqa: BLE001  # it is counted and logged; nobody else is told
        health.count(f"could not look for the table on {connection.alias!r}", len(rows), error)
        return True
    _insert_all(connection, rows)
    return True


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


def _keep_undone(connection: BaseDatabaseWrapper, rows: Sequence[Note]) -> None:
    if in_transaction(connection):
        # In a test, or where whatever follows a rollback is given a transaction.
        pending(connection).add(rows)
    else:
        outgoing.add(place_of(connection), rows)
        write_out(connection)


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
