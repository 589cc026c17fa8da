"""On which databases runs can be recorded: where the table is, and the router agrees."""

from __future__ import annotations

import time
from threading import RLock

from django.db import router
from django.db.backends.base.base import BaseDatabaseWrapper

from signalkit.runs.outgoing import place_of
from signalkit.runs.writing.cursors import unharmed, unlogged_cursor

TABLE = "signalkit_runs_receiverrun"
"""Its name, written down here so that the model may ask what is not in it yet."""

_APP_LABEL, _MODEL_NAME = "signalkit_runs", "receiverrun"

AGAIN = 30.0
"""Seconds after which a database without the table is asked once more: it may be migrated while
this process runs."""


def is_wanted_on(alias: str) -> bool:
    """Say whether the routers let a database have the table."""
    return bool(router.allow_migrate(alias, _APP_LABEL, model_name=_MODEL_NAME))


class Tables:
    """Remembers, for each database, whether it has the table."""

    def __init__(self) -> None:
        self._there: set[tuple[str, str]] = set()
        self._absent: dict[tuple[str, str], float] = {}
        self._lock = RLock()

    def why_not(self, connection: BaseDatabaseWrapper) -> str | None:
        """Return why nothing can be recorded on a database; None where it can.

        The first time it asks the database, in the transaction that is open.

        Args:
            connection: an open one.
        """
        place = place_of(connection)
        if place in self._there:
            return None
        alias = connection.alias
        if not is_wanted_on(alias):
            return f"the database router keeps the table away from {alias!r}"
        looked = self._absent.get(place)
        if looked is None or time.monotonic() - looked >= AGAIN:
            with unlogged_cursor(connection) as cursor, unharmed(connection, cursor):
                found = TABLE in connection.introspection.table_names(cursor)
            with self._lock:
                if found:
                    self._there.add(place)
                    self._absent.pop(place, None)
                else:
                    self._absent[place] = time.monotonic()
        if place in self._there:
            return None
        return f"{alias!r} has no table {TABLE}: run manage.py migrate"

    def forget(self) -> None:
        """Ask every database again: something was migrated, or an INSERT has failed."""
        with self._lock:
            self._there.clear()
            self._absent.clear()

    def renew(self) -> None:
        """Go on with what is known in a forked process."""
        self._lock = RLock()


tables = Tables()
