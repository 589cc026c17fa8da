"""Which database a receiver's event belongs to."""

from __future__ import annotations

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from signalkit.declaration import Declaration
from signalkit.events import Event


def alias_of(declaration: Declaration, event: Event) -> str:
    """Return the alias whose transaction an event belongs to.

    What the receiver names comes first: it may only do so where the signal carries no alias, and
    a keyword of that name means something else.
    """
    return declaration.using or event.using or DEFAULT_DB_ALIAS


def connection_of(declaration: Declaration, event: Event) -> BaseDatabaseWrapper:
    """Return this thread's connection on which an event's transaction is."""
    return connections[alias_of(declaration, event)]
