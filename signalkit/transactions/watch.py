"""Which connections have an observer: those that are open, or have been, once signalkit is ready.

One that was never opened has none. Tests that may use no database put something of their own in the
place of its ``connect()``, and take it away again.
"""

from __future__ import annotations

from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from signalkit.transactions.observer import Observer

_ATTRIBUTE = "signalkit_observer"


def observe(connection: BaseDatabaseWrapper) -> Observer:
    """Return the observer of a connection, putting one on it the first time."""
    observer: Observer | None = connection.__dict__.get(_ATTRIBUTE)
    if observer is None:
        observer = Observer(connection)
        setattr(connection, _ATTRIBUTE, observer)
    return observer


def install() -> None:
    """Watch every connection that is opened from now on, and those that are open already."""
    connection_created.connect(
        _connection_opened, weak=False, dispatch_uid="signalkit.transactions"
    )
    for connection in connections.all(initialized_only=True):
        if connection.connection is not None:
            observe(connection)


def _connection_opened(*, connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    observe(connection)
