"""Which database a receiver's event belongs to."""

from __future__ import annotations

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.connection import ConnectionDoesNotExist

from signalkit.declaration import Declaration
from signalkit.events import Event
from signalkit.exceptions import DeclarationError
from signalkit.signal_names import signal_name


def alias_of(declaration: Declaration, event: Event) -> str:
    """Return the alias whose transaction an event belongs to.

    What the receiver names comes first: it may only do so where the signal carries no alias, and
    a keyword of that name means something else.
    """
    return declaration.using or event.using or DEFAULT_DB_ALIAS


def connection_of(declaration: Declaration, event: Event) -> BaseDatabaseWrapper:
    """Return this thread's connection on which an event's transaction is.

    Raises:
        DeclarationError: a signal of one's own was sent with something else as ``using``. To skip
            the receiver would lose the event without a word.
    """
    using = declaration.using
    if using is None:
        using = event.using
    try:
        return connections[DEFAULT_DB_ALIAS if using is None else using]
    except (ConnectionDoesNotExist, TypeError):
        if isinstance(using, str) and using in connections:
            raise
        raise DeclarationError(
            f"{declaration.name} ({declaration.origin}): {signal_name(event.signal)} was sent with "
            f"using={using!r}; expected one of the database aliases {', '.join(connections)}, "
            "whose transaction the receiver is about. If it means something else here, give the "
            "receiver using=, or rename the keyword."
        ) from None
