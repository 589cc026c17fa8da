"""Rows for MySQL and MariaDB: each text is given once, however many rows have it.

Their driver makes literals of all parameters, and most texts of a row are those of the one before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from signalkit.runs.notes import Note
from signalkit.runs.rows import rows_of
from signalkit.runs.writing.moments import text_of_moments
from signalkit.runs.writing.plainly import into


def insert_naming(
    connection: BaseDatabaseWrapper, cursor: Any, table: str, notes: Sequence[Note]
) -> None:
    """Write rows with one INSERT.

    Args:
        connection: where to.
        cursor: one of its, unlogged.
        table: the name of the table.
        notes: what the rows are made of; at least one.
    """
    rows, texts = rows_of(notes, text_of_moments(connection)), _Texts()
    # Numbers and moments are digits: no literal need be made of them.
    values = [
        f"({number}, {_number(parent)}, {attempt}, '{started}', {_number(duration)}, "
        f"{_number(queries)}, {texts.of(told)}, {texts.of(kind)}, {texts.of(cause)})"
        for (number, parent, attempt, started, duration, queries, *told), kind, cause in rows
    ]
    cursor.execute(into(connection, table) + ", ".join(values), texts.given)


def _number(value: int | None) -> str:
    return "NULL" if value is None else str(value)


class _Texts:
    """The texts of a statement, by the names that it has for them."""

    def __init__(self) -> None:
        self.given: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._known: dict[tuple[str, ...], str] = {}

    def of(self, texts: Iterable[str]) -> str:
        """Return what stands for some texts in the statement."""
        texts = tuple(texts)
        known = self._known.get(texts)
        if known is None:
            known = self._known[texts] = ", ".join(map(self._name_of, texts))
        return known

    def _name_of(self, text: str) -> str:
        name = self._names.get(text)
        if name is None:
            key = f"t{len(self.given)}"
            self.given[key] = text
            name = self._names[text] = f"%({key})s"
        return name
