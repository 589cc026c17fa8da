"""A send that waits for the commit of a transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, router
from django.db.models import Model
from django.dispatch import Signal
from django.utils.asyncio import async_unsafe
from django.utils.functional import LazyObject

from signalkit.dispatch.resuming import Cause
from signalkit.exceptions import PayloadError, nearest
from signalkit.signal_names import signal_path
from signalkit.transactions.entries import Moment
from signalkit.transactions.hooks import queue


class Waiting:
    """A send that is due after a commit. It is called by the transaction's observer."""

    __slots__ = ("_cause", "_named", "_send", "_sender", "_signal")

    def __init__(
        self, signal: Signal, send: Callable[..., object], sender: Any, named: Mapping[str, Any]
    ) -> None:
        """Describe the send.

        Args:
            signal: what is sent.
            send: how, robustly or not; it does not check what is sent again.
            sender: who sends it.
            named: the payload, checked.
        """
        self._signal = signal
        self._send = send
        self._sender = sender
        self._named = named
        self._cause = Cause()

    def __call__(self) -> None:
        """Send it."""
        with self._cause.resumed():
            self._send(self._sender, **self._named)

    def __str__(self) -> str:
        # Looked for only when somebody asks: it takes milliseconds.
        return f"{signal_path(self._signal)}.send_on_commit()"


def send_later(using: str, work: Waiting) -> None:
    """Have a send wait for the transaction that is open on an alias; without one, do it now."""
    queue(connections[using], Moment.AFTER_COMMIT, work)


def alias_for(signal: Signal, using: object, named: Mapping[str, Any]) -> str:
    """Return the alias for whose commit a send waits.

    Args:
        signal: what is sent, for the message.
        using: what was asked for; None for the one that the model instances of the payload are
            saved to, or else the default alias.
        named: the payload.

    Raises:
        PayloadError: there is no such alias, or the instances are saved to several.
    """
    if using is not None:
        if not isinstance(using, str) or using not in connections:
            hint = nearest(using, connections) if isinstance(using, str) else ""
            raise PayloadError(
                f"{signal_path(signal)}.send_on_commit() got using={using!r}; expected one of the "
                f"database aliases {', '.join(connections)}.{hint}"
            )
        return using
    aliases = {name: alias for name, value in named.items() if (alias := _alias_of(value))}
    if len({*aliases.values()}) > 1:
        found = ", ".join(f"{name} ({alias})" for name, alias in aliases.items())
        raise PayloadError(
            f"{signal_path(signal)}.send_on_commit() cannot tell which database's commit to wait "
            f"for: what it carries is saved to several, {found}. Give using=."
        )
    return next(iter(aliases.values()), DEFAULT_DB_ALIAS)


def _alias_of(value: Any) -> str | None:
    """Return where a model instance would be saved to; None for anything else."""
    # type(), because isinstance() asks a lazy object for its class, and so wakes it.
    if issubclass(type(value), LazyObject):
        value = object.__getattribute__(value, "_wrapped")
    if not issubclass(type(value), Model):
        return None
    # As Model.save() asks: an object that was read from a replica is written elsewhere.
    alias: str = router.db_for_write(type(value), instance=value)
    return alias


@async_unsafe(
    "send_on_commit() waits for a transaction, and a coroutine has none: call it where the "
    "transaction is, in the function that sync_to_async() calls; or use asend_robust()."
)
def refuse_in_coroutine() -> None:
    """Refuse to be called in a coroutine: its connection is not the one of the transaction.

    Raises:
        django.core.exceptions.SynchronousOnlyOperation: this thread runs an event loop.
    """
