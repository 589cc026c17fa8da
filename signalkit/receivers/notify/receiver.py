"""``NotifyOnCommit``: tell somebody once what happened is certain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models.signals import post_save
from django.dispatch import Signal

from signalkit.declaration import Origin
from signalkit.declare import mistakes
from signalkit.declare.base import Receiver
from signalkit.declare.blame import blame
from signalkit.declare.build import OPTIONS
from signalkit.declare.naming import origin_of_class
from signalkit.events import Event
from signalkit.exceptions import DeclarationError
from signalkit.receivers.hooks import require_answers
from signalkit.receivers.notify.channels import Mail
from signalkit.receivers.notify.notification import Channel, Notification
from signalkit.receivers.notify.telling import tell_or_raise
from signalkit.states import Phase

E = TypeVar("E", bound=Event)

_HOOKS = ("recipients", "subject", "body", "context", "language", "notification")


class NotifyOnCommit(Receiver, Generic[E], abstract=True):
    """Tells somebody, after the commit, by mail or any other channel.

    ::

        class OrderShipped(NotifyOnCommit[PostSave[Order]]):
            sender = "shop.Order"
            changed = ("status",)
            template = "shop/mail/shipped"

            def recipients(self, event):
                return [event.instance.customer]

            def subject(self, event):
                return f"Your order {event.pk} is on its way"

    It is generic over the class of its events. What is rolled back is told to nobody. A channel
    that fails keeps no other from its turn; its error is logged, and the run is on record as
    failed. The hooks are asked after the commit, and see the objects as they are then.
    """

    signal: ClassVar[Signal | Sequence[Signal] | None] = post_save
    phase: ClassVar[Phase] = Phase.AFTER_COMMIT

    created: ClassVar[bool | None] = None
    """As in :class:`~signalkit.ModelReceiver`."""

    raw: ClassVar[bool] = False
    """As in :class:`~signalkit.ModelReceiver`."""

    changed: ClassVar[Sequence[str]] = ()
    """As in :class:`~signalkit.ModelReceiver`."""

    include_subclasses: ClassVar[bool] = False
    """As in :class:`~signalkit.ModelReceiver`."""

    channels: ClassVar[Sequence[Channel]] = (Mail(),)
    """Where it goes, be it :class:`Mail`, :class:`Message`, or anything that can be called with a
    :class:`Notification`."""

    template: ClassVar[str | None] = None
    """The name of the templates, to which ``.txt`` is added, and ``.html`` where it exists.
    Without a template, :meth:`body` is the text."""

    def __init_subclass__(
        cls, *, abstract: bool = False, replaces: object = None, **kwargs: Any
    ) -> None:
        if not abstract and cls.signal is not None:
            origin = origin_of_class(cls)
            with blame(origin.file):
                _refuse(origin, cls)
        super().__init_subclass__(abstract=abstract, replaces=replaces, **kwargs)

    def recipients(self, event: E) -> Iterable[Any] | None:
        """Return who is told: users, mail addresses, or what else the channels can reach.

        With an empty list nobody is. None, the default, leaves it to the channels; for
        :class:`Mail` that is not enough.
        """
        return None

    def subject(self, event: E) -> Any:
        """Return the subject: a string, or a lazy translation."""
        return ""

    def body(self, event: E) -> Any:
        """Return the text, for those that have no template."""
        return ""

    def context(self, event: E) -> Mapping[str, Any]:
        """Return what the templates are given: by default ``event`` and ``instance``."""
        return {"event": event, "instance": event.instance}

    def language(self, recipient: Any) -> str | None:
        """Return the code of a recipient's language, such as ``"de"``; None for the current one."""
        return None

    def notification(self, event: E) -> Notification:
        """Return what the channels are handed."""
        recipients = self.recipients(event)
        if isinstance(recipients, str):
            raise TypeError(
                f"{type(self).__qualname__}.recipients() returned the string {recipients!r}; "
                f"expected a list. Write return [{recipients!r}]."
            )
        return Notification(
            recipients=None if recipients is None else tuple(recipients),
            subject=self.subject(event),
            body="" if self.template is not None else self.body(event),
            template=self.template,
            context=self.context(event),
            language=self.language,
            event=event,
        )

    def handle(self, event: E) -> None:
        """Make the notification and hand it to each channel.

        Raises:
            Exception: what a hook raised, or one channel.
            ExceptionGroup: what several channels raised.
        """
        connection = connections[self.using or event.using or DEFAULT_DB_ALIAS]
        tell_or_raise(self.channels, self.notification(event), connection)


def _refuse(origin: Origin, cls: type[NotifyOnCommit[Any]]) -> None:
    """Refuse what could only fail, or tell nobody, once something is committed."""
    mistakes.refuse(origin, cls, (*OPTIONS, "signal", "sender", "channels", "template"), _HOOKS)
    require_answers(origin, cls, NotifyOnCommit, _HOOKS)
    channels = cls.channels
    if not isinstance(channels, (list, tuple)) or not channels:
        raise DeclarationError(
            f"{origin}: channels is {channels!r}; expected a list of at least one channel, such "
            "as (Mail(),)."
        )
    for channel in channels:
        if isinstance(channel, type) or not callable(channel):
            hint = f" Write {channel.__name__}()." if isinstance(channel, type) else ""
            raise DeclarationError(
                f"{origin}: channels has {channel!r}; expected something that can be called with "
                f"a notification.{hint}"
            )
        if (
            getattr(channel, "needs_recipients", False)
            and cls.recipients is NotifyOnCommit.recipients
        ):
            raise DeclarationError(
                f"{origin}: {channel!r} tells nobody without recipients. Write "
                "recipients(self, event), or set channels to something else."
            )
    if cls.template is not None and not isinstance(cls.template, str):
        raise DeclarationError(
            f"{origin}: template is {cls.template!r}; expected a name such as 'shop/mail/shipped'."
        )
    if cls.template is not None and cls.template.endswith((".txt", ".html")):
        raise DeclarationError(
            f"{origin}: template is {cls.template!r}; expected the name without its suffix: "
            ".txt is added, and .html where it exists."
        )
