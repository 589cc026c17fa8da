"""``ConnectionReceiver``: prepare each connection to a database."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from django.conf import settings
from django.db.backends.signals import connection_created
from django.dispatch import Signal

from signalkit.builtin_events import ConnectionCreated
from signalkit.declare.blame import blame
from signalkit.declare.naming import origin_of_class
from signalkit.exceptions import DeclarationError, WriteRefused, nearest
from signalkit.receivers.hooks import HookReceiver
from signalkit.runs.statements import writes
from signalkit.states import Phase

# It belongs to the connection, and is gone with it.
_OF_THE_SESSION = re.compile(r"\s*(?:CREATE|DROP)\s+(?:GLOBAL\s+|LOCAL\s+)?TEMP", re.IGNORECASE)


class ConnectionReceiver(HookReceiver, abstract=True):
    """Reacts when a connection is opened, before anything else is sent on it.

    ::

        class Timeouts(ConnectionReceiver):
            vendors = ("postgresql",)

            def on_connected(self, event):
                with event.connection.cursor() as cursor:
                    cursor.execute("SET statement_timeout = '30s'")

    It may ask and set, but not write: whoever opened the connection is about to begin a
    transaction, or has not even asked for one, and would know nothing of it. A statement that is
    seen to write is refused; temporary tables are not.
    """

    vendors: ClassVar[Sequence[str]] = ()
    """Such as ``"postgresql"``, ``"mysql"`` (MariaDB as well) or ``"sqlite"``; empty for all."""

    databases: ClassVar[Sequence[str]] = ()
    """Aliases of the settings' ``DATABASES``; empty for all."""

    def __init_subclass__(
        cls, *, abstract: bool = False, replaces: object = None, **kwargs: Any
    ) -> None:
        if not abstract:
            with blame(origin_of_class(cls).file):
                _refuse(cls)
        super().__init_subclass__(abstract=abstract, replaces=replaces, **kwargs)

    def on_connected(self, event: ConnectionCreated) -> Any:
        """Prepare the connection.

        Raises:
            signalkit.exceptions.WriteRefused: it tried to write.
        """

    @classmethod
    def signals_of_hooks(cls) -> Mapping[str, Signal]:
        """Return the signal of each hook."""
        return {"on_connected": connection_created}

    def at_send(self, event: ConnectionCreated) -> ConnectionCreated | None:
        """Pass over the connections that are not meant."""
        is_meant = (not self.vendors or event.vendor in self.vendors) and (
            not self.databases or event.alias in self.databases
        )
        return event if is_meant else None

    def handle(self, event: ConnectionCreated) -> Any:
        """Call the hook, and let it not write."""
        with event.connection.execute_wrapper(_refuse_writes):
            return super().handle(event)


ConnectionReceiver.hooks_base = ConnectionReceiver


def _refuse_writes(
    execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any
) -> Any:
    if writes(sql) and not _OF_THE_SESSION.match(sql):
        raise WriteRefused(
            "A ConnectionReceiver tried to write on the connection that is being opened. Set up "
            "the session there, and write where a request, a command or a task begins."
        )
    return execute(sql, params, many, context)


def _refuse(cls: type[ConnectionReceiver]) -> None:
    where = f"{cls.__module__}.{cls.__qualname__}"
    for option in ("vendors", "databases"):
        value = getattr(cls, option)
        if not isinstance(value, (list, tuple)):
            raise DeclarationError(
                f"{where}: {option} is {value!r}; expected a list. Write {option} = ({value!r},)."
            )
    for alias in cls.databases:
        if alias not in settings.DATABASES:
            raise DeclarationError(
                f"{where}: databases names {alias!r}, which the settings' DATABASES have not."
                f"{nearest(str(alias), settings.DATABASES)}"
            )
    if cls.phase is not Phase.INLINE:
        raise DeclarationError(
            f"{where}: phase is {cls.phase}; a connection is prepared as soon as it is there, so "
            "it can only be Phase.INLINE."
        )
