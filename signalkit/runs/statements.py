"""What each connection is told to do: how many statements a run sends, and who has written."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from signalkit.dispatch.running import RUNNING
from signalkit.transactions.watch import observe

_ATTRIBUTE = "signalkit_statements"

# The first word, behind comments and parentheses.
_FIRST_WORD = re.compile(r"(?:\s|\(|--[^\n]*\n|/\*.*?\*/)*+(\w+)", re.DOTALL)
_WRITING = frozenset(
    {
        *("INSERT", "UPDATE", "DELETE", "REPLACE", "MERGE", "LOAD"),
        *("CREATE", "ALTER", "DROP", "TRUNCATE", "GRANT", "REVOKE"),
    }
)
# A common table expression may write, whatever it begins with.
_WRITES = re.compile(r"\b(?:INSERT|UPDATE|DELETE|MERGE)\b", re.IGNORECASE)


def writes(sql: object) -> bool:
    """Say whether a statement writes, as far as its text tells; when in doubt, that it does not."""
    if not isinstance(sql, str):
        return False
    found = _FIRST_WORD.match(sql)
    if found is None:
        return False
    word = found[1].upper()
    return word in _WRITING or (word == "WITH" and _WRITES.search(sql) is not None)


class Statements:
    """Stands around every statement of one connection, by Django's ``execute_wrappers``."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self._observer = observe(connection)
        self._wrote_in = -1

    def __call__(
        self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any
    ) -> Any:
        """Count a statement, and send it."""
        running = RUNNING.get()
        if running is not None:
            running.queries += 1
        transaction = self._observer.transaction
        if self._wrote_in != transaction and writes(sql):
            self._wrote_in = transaction
        return execute(sql, params, many, context)

    @property
    def has_written(self) -> bool:
        """Whether the transaction that is open has written anything so far."""
        return self._wrote_in == self._observer.transaction


def statements_of(connection: BaseDatabaseWrapper) -> Statements:
    """Return what stands around the statements of a connection, from now on at the latest."""
    statements: Statements | None = connection.__dict__.get(_ATTRIBUTE)
    if statements is None:
        statements = Statements(connection)
        setattr(connection, _ATTRIBUTE, statements)
        # In the first place: whoever is just ending a block of execute_wrapper() takes off the
        # last, and believes that it is its own.
        connection.execute_wrappers.insert(0, statements)
    return statements


def forget(connection: BaseDatabaseWrapper) -> None:
    """Stand around nothing any more."""
    statements = connection.__dict__.pop(_ATTRIBUTE, None)
    if statements in connection.execute_wrappers:
        connection.execute_wrappers.remove(statements)
