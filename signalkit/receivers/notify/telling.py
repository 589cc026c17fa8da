"""Handing a notification to its channels."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from asgiref.sync import async_to_sync
from django.db.backends.base.base import BaseDatabaseWrapper

from signalkit.declare.callables import is_coroutine_function
from signalkit.receivers.failures import Failures
from signalkit.receivers.notify.notification import Channel, Notification


def tell(
    channels: Iterable[Channel], notification: Notification, connection: BaseDatabaseWrapper
) -> list[Exception]:
    """Hand a notification to channels, each whatever became of the others.

    Args:
        channels: where it goes.
        notification: what is told. With recipients of which there are none, nobody is.
        connection: where channels may write, and a transaction may be open.

    Returns:
        A list of what they raised.
    """
    return _told(channels, notification, connection).errors


def tell_or_raise(
    channels: Iterable[Channel], notification: Notification, connection: BaseDatabaseWrapper
) -> None:
    """Do the same, and raise in the end.

    Raises:
        Exception: what one channel raised.
        ExceptionGroup: what several did.
    """
    _told(channels, notification, connection).raise_any()


def _told(
    channels: Iterable[Channel], notification: Notification, connection: BaseDatabaseWrapper
) -> Failures:
    failures = Failures("channels", connection)
    if notification.recipients == ():
        return failures
    for channel in channels:
        failures.attempt(f"the channel {describe(channel)}", partial(_call, channel, notification))
    return failures


def _call(channel: Channel, notification: Notification) -> None:
    func: Callable[..., Any] = channel
    if is_coroutine_function(channel):
        func = async_to_sync(channel)  # type: ignore[arg-type]  # it is one
    if accepts(channel, notification):
        func(notification)
    else:
        func()


def accepts(channel: Channel, *arguments: object) -> bool:
    """Say whether something can be called with these arguments, as far as its signature tells.

    A channel may do without the notification: ``partial(send_mail, ...)`` knows all it needs.
    """
    try:
        signature = inspect.signature(channel)
    except (TypeError, ValueError):
        # Of some functions that are written in C, nothing can be told.
        return True
    try:
        signature.bind(*arguments)
    except TypeError:
        return False
    return True


def describe(channel: Any) -> str:
    """Return the name of a channel, without anything that it was given."""
    return str(getattr(channel, "__qualname__", None) or type(channel).__qualname__)
