"""Rows with all their values as parameters: for databases that nothing better is known of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from signalkit.runs.notes import Note
from signalkit.runs.rows import COLUMNS, Row, rows_of
from signalkit.runs.writing.moments import zone_of


def insert_plainly(
    connection: BaseDatabaseWrapper, cursor: Any, table: str, notes: Sequence[Note]
) -> None:
    """Write rows with one INSERT in Django's words.

    Args:
        connection: where to.
        cursor: one of its, unlogged.
        table: the name of the table.
        notes: what the rows are made of; at least one.
    """
    rows = rows_of(notes, _moments(connection))
    marks = placeholders("%s", len(notes))
    cursor.execute(into(connection, table) + marks, parameters_of(rows))


def parameters_of(rows: Iterable[Row]) -> list[Any]:
    """Return all values of some rows, one after the other."""
    parameters: list[Any] = []
    for run, kind, cause in rows:
        parameters += run
        parameters += kind
        parameters += cause
    return parameters


def into(connection: BaseDatabaseWrapper, table: str) -> str:
    """Return how the statement begins: up to the first row."""
    quote = connection.ops.quote_name
    columns = ", ".join(map(quote, COLUMNS))
    return f"INSERT INTO {quote(table)} ({columns}) VALUES "  # noqa: S608  # our own names


def placeholders(mark: str, rows: int) -> str:
    """Return the rows of the statement, with a mark for each value."""
    row = f"({', '.join([mark] * len(COLUMNS))})"
    return ", ".join([row] * rows)


def _moments(connection: BaseDatabaseWrapper) -> Callable[[float], Any]:
    zone = zone_of(connection)

    def moment(seconds: float) -> Any:
        stored = datetime.fromtimestamp(seconds, zone)
        if not connection.features.supports_timezones:
            stored = stored.replace(tzinfo=None)
        return connection.ops.adapt_datetimefield_value(stored)

    return moment
