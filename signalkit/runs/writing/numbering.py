"""Rows for SQLite: parameters by their place, as its driver wants them.

In Django's words they would be searched for ``%s``, which takes as long as to write them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from signalkit.runs.notes import Note
from signalkit.runs.rows import rows_of
from signalkit.runs.writing.moments import text_of_moments
from signalkit.runs.writing.plainly import into, parameters_of, placeholders


def insert_numbering(
    connection: BaseDatabaseWrapper, cursor: Any, table: str, notes: Sequence[Note]
) -> None:
    """Write rows with one INSERT.

    Args:
        connection: where to.
        cursor: one of its, unlogged.
        table: the name of the table.
        notes: what the rows are made of; at least one.
    """
    parameters = parameters_of(rows_of(notes, text_of_moments(connection)))
    driver: Any = connection
    own = driver.connection.cursor(driver.Database.Cursor)
    with connection.make_cursor(own) as cursor:
        cursor.execute(into(connection, table) + placeholders("?", len(notes)), parameters)
