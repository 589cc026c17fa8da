"""How rows get into the table: one statement for any number, and none of the application's.

Each database is given them in the way that costs least there; see the modules.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from django.db.backends.base.base import BaseDatabaseWrapper

from signalkit.runs.notes import Note
from signalkit.runs.writing.copying import copy_rows
from signalkit.runs.writing.cursors import unharmed, unlogged_cursor
from signalkit.runs.writing.naming import insert_naming
from signalkit.runs.writing.numbering import insert_numbering
from signalkit.runs.writing.plainly import insert_plainly

MOST_ROWS = 1_000
"""In one statement: 24,000 parameters, less than any supported database takes."""

Write: TypeAlias = Callable[[BaseDatabaseWrapper, Any, str, Sequence[Note]], None]
"""Takes a connection, an unlogged cursor of it, the name of the table, and what the rows are made
of."""

_BY_DRIVER: dict[str, Write] = {
    "psycopg": copy_rows,
    "MySQLdb": insert_naming,
    "sqlite3.dbapi2": insert_numbering,
}


def insert(connection: BaseDatabaseWrapper, table: str, notes: Sequence[Note]) -> None:
    """Write rows, in the transaction that is open or else in one of their own.

    Args:
        connection: where to.
        table: the name of the table.
        notes: of the runs; at least one.

    Raises:
        Exception: whatever the database says. A transaction that was open is as it was before.
    """
    write = _way_of(connection)
    with unlogged_cursor(connection) as cursor, unharmed(connection, cursor):
        for start in range(0, len(notes), MOST_ROWS):
            write(connection, cursor, table, notes[start : start + MOST_ROWS])


def _way_of(connection: BaseDatabaseWrapper) -> Write:
    driver = getattr(getattr(connection, "Database", None), "__name__", "")
    return _BY_DRIVER.get(driver, insert_plainly)
