"""``notify_on_commit()``: the same from a function of one's own, without a signal."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.utils.asyncio import async_unsafe

from signalkit.context.current import CONTEXT
from signalkit.receivers.notify.notification import Channel, Notification
from signalkit.receivers.notify.telling import accepts, describe, tell
from signalkit.transactions.entries import Moment
from signalkit.transactions.hooks import queue

logger = logging.getLogger("signalkit.receivers")


@async_unsafe(
    "notify_on_commit() waits for a transaction, and a coroutine has none: call it where the "
    "transaction is, in the function that sync_to_async() calls; or await "
    "sync_to_async(notify_on_commit)(...)."
)
def notify_on_commit(
    *channels: Channel,
    recipients: Iterable[Any] | None = None,
    subject: Any = "",
    body: Any = "",
    template: str | None = None,
    context: Mapping[str, Any] | None = None,
    language: Callable[[Any], str | None] | None = None,
    once: Hashable | None = None,
    using: str | None = None,
) -> None:
    """Tell somebody once the open transaction is committed; without one, at once.

    ::

        def ship(order):
            with transaction.atomic():
                order.status = "shipped"
                order.save()
                notify_on_commit(Mail(), recipients=[order.customer], subject="It is on its way")

    If what is open now is rolled back, savepoints included, nobody is told. Channels run one after
    the other; one that fails keeps neither the others nor the caller from anything: its error is
    logged by ``signalkit.receivers``. As it is no receiver's doing, it is no run on record.

    Args:
        channels: :class:`Mail`, :class:`Message`, or anything that can be called with a
            :class:`Notification`, or without: ``partial(send_mail, ...)``.
        recipients: users, mail addresses, or what else the channels can reach. With an empty
            list nobody is told.
        subject: a string, or a lazy translation.
        body: the text where there is no template.
        template: the name of the templates without ``.txt`` and ``.html``.
        context: what the templates are given.
        language: takes a recipient and returns the code of their language, or None.
        once: of the calls with one value in one transaction, only the last counts.
        using: the alias of the database whose commit is waited for; the default one if None.

    Raises:
        TypeError: there is no channel, one cannot be called, recipients are one string, or a
            channel needs some and was given none.
        django.core.exceptions.SynchronousOnlyOperation: it is called in a coroutine, whose
            connection is not the one of the transaction.
    """
    _refuse(channels, recipients)
    notification = Notification(
        recipients=None if recipients is None else tuple(recipients),
        subject=subject,
        body=body,
        template=template,
        context=dict(context or {}),
        language=language,
    )
    connection = connections[using or DEFAULT_DB_ALIAS]
    cause = CONTEXT.get()

    def work() -> None:
        # Whoever called has caused this, not whoever commits.
        around = CONTEXT.get()
        CONTEXT.set(cause)
        try:
            for error in tell(channels, notification, connection):
                logger.error(
                    "A notification has failed.",
                    exc_info=error,
                    extra={"channels": [describe(channel) for channel in channels]},
                )
        finally:
            CONTEXT.set(around)

    key = None if once is None else (notify_on_commit, once)
    queue(connection, Moment.AFTER_COMMIT, work, key=key)


def _refuse(channels: tuple[Any, ...], recipients: Iterable[Any] | None) -> None:
    if not channels:
        raise TypeError(
            "notify_on_commit() was given no channel, so nobody would be told. Give it Mail(), "
            "Message(), or a function that takes a notification."
        )
    for channel in channels:
        if (
            isinstance(channel, type)
            or not callable(channel)
            or not (accepts(channel, None) or accepts(channel))
        ):
            raise TypeError(
                f"notify_on_commit() was given {channel!r}; expected a channel such as Mail(), or "
                "a function that takes a notification, or nothing."
            )
        if recipients is None and getattr(channel, "needs_recipients", False):
            raise TypeError(f"notify_on_commit(): {channel!r} tells nobody without recipients=.")
    if isinstance(recipients, str):
        raise TypeError(
            f"notify_on_commit(recipients=...) got {recipients!r}; expected a list. Write "
            f"recipients=[{recipients!r}]."
        )
