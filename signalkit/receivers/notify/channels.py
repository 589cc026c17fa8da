"""The ways to tell that come along: mail, and messages on the current request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from django.core import mail
from django.core.mail import EmailMessage, EmailMultiAlternatives

from signalkit.context import notify_user
from signalkit.receivers.failures import Failures
from signalkit.receivers.notify.notification import Notification

_INFO = 20
"""``django.contrib.messages.INFO``; what is not installed is not imported."""


class Mail:
    """Sends a mail to each recipient, so that nobody sees the others' addresses.

    All go over one connection. What cannot be sent to one recipient is sent to the others all the
    same. A subclass may write :meth:`build`, for attachments and the like.
    """

    needs_recipients = True
    """Whether nobody can be told without ``recipients``."""

    def __init__(
        self,
        *,
        from_email: str | None = None,
        reply_to: Sequence[str] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Say what the mails have in common.

        Args:
            from_email: the sender; None for Django's ``DEFAULT_FROM_EMAIL``.
            reply_to: addresses for the answers.
            headers: further headers.

        Raises:
            TypeError: ``reply_to`` is one string: its letters would be taken for addresses.
        """
        if isinstance(reply_to, str):
            raise TypeError(f"Mail(reply_to=...) got {reply_to!r}; expected a list of addresses.")
        self.from_email = from_email
        self.reply_to = tuple(reply_to)
        self.headers = dict(headers or {})

    def __call__(self, notification: Notification) -> None:
        """Send it.

        Raises:
            Exception: what Django raises about one mail, such as a subject of two lines.
            ExceptionGroup: about several.
        """
        addresses = {
            address: recipient
            for recipient in notification.recipients or ()
            if (address := address_of(recipient))
        }
        if not addresses:
            return
        connection = self.connection()
        failures = Failures("mails")

        def send(address: str, recipient: Any) -> None:
            connection.send_messages([self.build(notification, recipient, address)])

        connection.open()
        try:
            for number, (address, recipient) in enumerate(addresses.items(), 1):
                # Never the address: what is noted may end up in a log.
                label = f"the mail to recipient {number} of {len(addresses)}"
                failures.attempt(label, partial(send, address, recipient))
        finally:
            connection.close()
        failures.raise_any()

    def connection(self) -> Any:
        """Return the mail backend, not yet open: that of the settings."""
        # From Django 6.1 on, backends have names, and get_connection() is deprecated.
        mailers = getattr(mail, "mailers", None)
        return mail.get_connection() if mailers is None else mailers.default

    def build(self, notification: Notification, recipient: Any, address: str) -> EmailMessage:
        """Return the mail to one recipient.

        Args:
            notification: what is to be told.
            recipient: as the receiver named it.
            address: theirs.
        """
        message = EmailMultiAlternatives(
            subject=notification.subject_for(recipient),
            body=notification.text_for(recipient),
            from_email=self.from_email,
            to=[address],
            reply_to=list(self.reply_to),
            headers=self.headers,
        )
        html = notification.html_for(recipient)
        if html is not None:
            message.attach_alternative(html, "text/html")
        return message

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def address_of(recipient: Any) -> str:
    """Return a recipient's mail address: themselves if they are one, or else a user's.

    Returns:
        An empty string where there is none.

    Raises:
        TypeError: what was named has no address and never will.
    """
    if recipient is None or isinstance(recipient, str):
        return (recipient or "").strip()
    name = recipient.get_email_field_name() if hasattr(recipient, "get_email_field_name") else None
    found = getattr(recipient, name or "email", _ABSENT)
    if found is _ABSENT:
        raise TypeError(
            f"A {type(recipient).__qualname__} has no email, so it cannot be a recipient of mail. "
            "Return addresses, users, or objects with an email."
        )
    return (found or "").strip()


_ABSENT: Any = object()


class Message:
    """Shows the subject to the user of the current request, with ``django.contrib.messages``.

    Without a request, as in a command, it does nothing. ``ContextMiddleware`` has to be installed.
    """

    def __init__(self, level: int = _INFO, *, extra_tags: str = "") -> None:
        """Say how it is shown.

        Args:
            level: such as ``messages.SUCCESS``.
            extra_tags: as for ``messages.add_message()``.

        Raises:
            TypeError: the level is no number.
        """
        if not isinstance(level, int):
            raise TypeError(
                f"Message(level=...) got {level!r}; expected a number such as messages.SUCCESS, "
                "from django.contrib.messages."
            )
        self.level = level
        self.extra_tags = extra_tags

    def __call__(self, notification: Notification) -> None:
        """Show it."""
        notify_user(self.text(notification), self.level, self.extra_tags)

    def text(self, notification: Notification) -> str:
        """Return what is shown: the subject, or without one the text."""
        return notification.subject_for() or notification.text_for()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.level})"
