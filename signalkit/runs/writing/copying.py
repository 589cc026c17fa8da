"""Rows for PostgreSQL over psycopg: a COPY.

To make literals of so many values takes psycopg several times as long, and the server to read them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from signalkit.runs.notes import Note
from signalkit.runs.rows import COLUMNS, rows_of
from signalkit.runs.writing.moments import text_of_moments

_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
"""https://www.postgresql.org/docs/current/sql-copy.html, "Text Format"."""

_NULL = r"\N"


def copy_rows(
    connection: BaseDatabaseWrapper, cursor: Any, table: str, notes: Sequence[Note]
) -> None:
    """Have PostgreSQL take rows as a stream, seen by whoever stands around statements.

    Args:
        connection: where to.
        cursor: one of its, unlogged.
        table: the name of the table.
        notes: what the rows are made of; at least one.
    """

    def execute(sql: str, stream: str, many: bool, context: Any) -> None:
        with connection.wrap_database_errors, cursor.copy(sql) as copy:
            copy.write(stream)

    # As Django's cursors do for execute().
    executor: Callable[..., None] = execute
    for wrapper in reversed(connection.execute_wrappers):
        executor = partial(wrapper, executor)
    quote = connection.ops.quote_name
    sql = f"COPY {quote(table)} ({', '.join(map(quote, COLUMNS))}) FROM STDIN"
    executor(sql, _stream(connection, notes), True, {"connection": connection, "cursor": cursor})


def _stream(connection: BaseDatabaseWrapper, notes: Sequence[Note]) -> str:
    rows = rows_of(notes, text_of_moments(connection))
    parts: dict[tuple[str, ...], str] = {}

    def text(values: tuple[str, ...]) -> str:
        known = parts.get(values)
        if known is None:
            known = parts[values] = "\t".join([value.translate(_ESCAPES) for value in values])
        return known

    return "".join(
        f"{number}\t{_number(parent)}\t{attempt}\t{started}\t{_number(duration)}\t"
        f"{_number(queries)}\t{text(tuple(told))}\t{text(kind)}\t{text(cause)}\n"
        for (number, parent, attempt, started, duration, queries, *told), kind, cause in rows
    )


def _number(value: int | None) -> str:
    return _NULL if value is None else str(value)
