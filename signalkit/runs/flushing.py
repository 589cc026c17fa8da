"""When rows are written: with a transaction that writes, or else a few at a time."""

from __future__ import annotations

import atexit
import os
from collections import deque
from collections.abc import Sequence

from django.core.exceptions import SynchronousOnlyOperation
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from signalkit import conf
from signalkit.runs.health import health
from signalkit.runs.notes import Note
from signalkit.runs.outgoing import Place, outgoing, place_of
from signalkit.runs.pending import Pending, pending_of
from signalkit.runs.statements import statements_of
from signalkit.runs.storing import store, store_with_transaction
from signalkit.runs.tables import tables
from signalkit.transactions.in_tests import in_test
from signalkit.transactions.opened import in_transaction

_READERS_WAIT = 0.25
"""In seconds: as long a reader waits for what other threads are writing."""

_CURSOR = "cursor"


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
            store(connection, place, waiting)


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
    store_with_transaction(connection, rows)
    return True


def _keep_undone(connection: BaseDatabaseWrapper, rows: Sequence[Note]) -> None:
    if in_transaction(connection):
        # In a test, or where whatever follows a rollback is given a transaction.
        pending(connection).add(rows)
    else:
        outgoing.add(place_of(connection), rows)
        write_out(connection)
