"""What a receiver is handed: one send of one signal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NoReturn, Self, TypeAlias

from django.dispatch import Signal


class Event:
    """One send of one signal, read-only.

    Every keyword that was sent is an attribute too: ``event.created``, ``event.action``,
    ``event.request``.

    It is made for every send that a class-based receiver sees, so it holds three references and
    derives the rest when asked. For Django's own signals it is of a subclass, which says what it
    carries: see :mod:`signalkit.builtin_events`.
    """

    __slots__ = ("_payload", "_sender", "_signal")

    def __init__(self, signal: Signal, sender: Any, payload: dict[str, Any]) -> None:
        """Wrap a send.

        Args:
            signal: the signal that was sent.
            sender: what it was sent with.
            payload: the keywords that were sent, without ``signal`` and ``sender``.
        """
        self._signal = signal
        self._sender = sender
        self._payload = payload

    @property
    def signal(self) -> Signal:
        """The signal that was sent."""
        return self._signal

    @property
    def sender(self) -> Any:
        """The sender as it was sent, be it a model class, a handler class, a string or None."""
        return self._sender

    @property
    def payload(self) -> Mapping[str, Any]:
        """The keywords that were sent, read-only."""
        return MappingProxyType(self._payload)

    @property
    def using(self) -> str | None:
        """The database alias that the signal carries, or None when it carries none."""
        using: str | None = self._payload.get("using")
        return using

    @property
    def instance(self) -> Any:
        """The object that the signal is about, or None when it carries none."""
        return self._payload.get("instance")

    @property
    def pk(self) -> Any:
        """The primary key of :attr:`instance`, or None; without an instance, what was sent so."""
        if "instance" in self._payload:
            return getattr(self._payload["instance"], "pk", None)
        return self._payload.get("pk")

    def replace(self, **payload: Any) -> Self:
        """Return a copy in which some keywords have other values."""
        return type(self)(self._signal, self._sender, {**self._payload, **payload})

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in self.__slots__:
            raise AttributeError(name)
        try:
            return self._payload[name]
        except KeyError:
            sent = ", ".join(sorted(self._payload)) or "no keywords"
            # Without a full stop: Python may go on with ". Did you mean".
            raise AttributeError(
                f"This event carries no {name!r}; the signal was sent with: {sent}"
            ) from None

    def __copy__(self) -> Event:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "An event belongs to its process: its signal cannot be pickled or deep-copied. Hand "
            "on what is needed of it, such as event.pk and event.using."
        )

    def __repr__(self) -> str:
        # Never values: they may be secrets, and a model's __str__ may query.
        name, sender = type(self).__name__, _named(self._sender)
        return f"<{name} sender={sender} payload={sorted(self._payload)}>"


Call: TypeAlias = Callable[[Event], Any]
"""What the user wrote, as a function of an event."""


def call_as_django_does(func: Callable[..., Any], event: Event) -> Any:
    """Call a function with the keywords that Django would have called it with at the send.

    It stands here because unpacking :attr:`Event.payload`, a view, takes several times as long.
    """
    return func(signal=event._signal, sender=event._sender, **event._payload)


def parts_of(event: Event) -> tuple[Signal, Any, dict[str, Any]]:
    """Return the signal, the sender and the payload, which is to be read only: all at once."""
    return event._signal, event._sender, event._payload


def _named(sender: Any) -> str:
    if sender is None or isinstance(sender, str):
        return repr(sender)
    if isinstance(sender, type):
        return sender.__qualname__
    return f"<{type(sender).__qualname__} object>"
