"""The INSERT: one statement for any number of rows, and none of the application's.

On PostgreSQL it is a COPY, where the driver is psycopg: to make literals of so many values takes
psycopg several times as long, and the server to read them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo
from functools import partial
from itertools import chain
from typing import Any

from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper

from signalkit.dispatch.running import RUNNING
from signalkit.runs.rows import COLUMNS, Note, Row, rows_of

MOST_ROWS = 1_000
"""In one statement: 24,000 parameters, less than any supported database takes."""

_ROW = f"({', '.join(['%s'] * len(COLUMNS))})"
_SAVEPOINT = "signalkit_runs"


def insert(connection: BaseDatabaseWrapper, table: str, notes: Sequence[Note]) -> None:
    """Write rows, in the transaction that is open or else in one of their own.

    Args:
        connection: where to.
        table: the name of the table.
        notes: of the runs; at least one.

    Raises:
        Exception: whatever the database says. A transaction that was open is as it was before.
    """
    moment = partial(_moment, connection, _zone(connection))
    with unlogged_cursor(connection) as cursor, unharmed(connection, cursor):
        for start in range(0, len(notes), MOST_ROWS):
            rows = list(rows_of(notes[start : start + MOST_ROWS], moment))
            if _copies(connection):
                _copy(connection, cursor, table, rows)
            else:
                parameters = list(chain.from_iterable(rows))
                cursor.execute(_statement(connection, table, len(rows)), parameters)


def _copies(connection: BaseDatabaseWrapper) -> bool:
    driver = getattr(connection, "Database", None)
    return getattr(driver, "__name__", "") == "psycopg"


def _copy(connection: BaseDatabaseWrapper, cursor: Any, table: str, rows: Sequence[Row]) -> None:
    """Have PostgreSQL take rows as a stream, seen by whoever stands around statements."""

    def execute(sql: str, rows: Sequence[Row], many: bool, context: Any) -> None:
        with connection.wrap_database_errors, cursor.copy(sql) as stream:
            for row in rows:
                stream.write_row(row)

    # As Django's cursors do for execute().
    executor: Callable[..., None] = execute
    for wrapper in reversed(connection.execute_wrappers):
        executor = partial(wrapper, executor)
    quote = connection.ops.quote_name
    sql = f"COPY {quote(table)} ({', '.join(map(quote, COLUMNS))}) FROM STDIN"
    executor(sql, rows, True, {"connection": connection, "cursor": cursor})


def _zone(connection: BaseDatabaseWrapper) -> tzinfo | None:
    if not settings.USE_TZ:
        return None
    return UTC if connection.features.supports_timezones else connection.timezone


def _moment(connection: BaseDatabaseWrapper, zone: tzinfo | None, seconds: float) -> Any:
    """Return what a ``DateTimeField`` stores.

    The way through an aware datetime takes several times as long where it is stored as a naive
    one.
    """
    moment = datetime.fromtimestamp(seconds, zone)
    if not connection.features.supports_timezones:
        moment = moment.replace(tzinfo=None)
    return connection.ops.adapt_datetimefield_value(moment)


@contextmanager
def unlogged_cursor(connection: BaseDatabaseWrapper) -> Iterator[Any]:
    """Have a cursor whose statements Django does not list among the application's.

    So ``assertNumQueries`` counts what it counted before runs were recorded, and a receiver is not
    said to have sent them. Whoever looks with ``execute_wrapper()`` sees them.

    It is made from one of Django's, which looks after threads, coroutines, the errors of the
    driver, and tests that may use no database.
    """
    running = RUNNING.get()
    RUNNING.set(None)
    try:
        with connection.cursor() as cursor:
            yield connection.make_cursor(cursor.cursor)
    finally:
        RUNNING.set(running)


@contextmanager
def unharmed(connection: BaseDatabaseWrapper, cursor: Any) -> Iterator[None]:
    """Keep what fails from failing the transaction, which PostgreSQL does."""
    if connection.vendor != "postgresql" or connection.get_autocommit():
        yield
        return
    cursor.execute(f"SAVEPOINT {_SAVEPOINT}")
    try:
        yield
    except BaseException:
        cursor.execute(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}")
        raise
    finally:
        cursor.execute(f"RELEASE SAVEPOINT {_SAVEPOINT}")


def _statement(connection: BaseDatabaseWrapper, table: str, rows: int) -> str:
    quote = connection.ops.quote_name
    columns = ", ".join(map(quote, COLUMNS))
    values = ", ".join([_ROW] * rows)
    return f"INSERT INTO {quote(table)} ({columns}) VALUES {values}"  # noqa: S608  # our own names
