"""A message to the user whose request caused something."""

from __future__ import annotations

from typing import Any

from django.apps import apps

from signalkit.context.current import current

_INFO = 20
"""``django.contrib.messages.INFO``; what is not installed is not imported."""


def notify_user(message: Any, level: int = _INFO, extra_tags: str = "") -> bool:
    """Show a message to the user of the current request, through ``django.contrib.messages``.

    ::

        @signalkit.receiver(post_save, sender="shop.Order", phase=Phase.AFTER_COMMIT)
        def confirm(sender, instance, **kwargs):
            notify_user(f"We have your order {instance}.", messages.SUCCESS)

    Where there is no such user it does nothing, so a receiver need not ask who saved.

    Args:
        message: what ``messages.add_message()`` takes; a translation may be lazy.
        level: such as ``messages.SUCCESS``.
        extra_tags: as for ``messages.add_message()``.

    Returns:
        whether the message was queued. False without a request, for requests that have not passed
        ``MessageMiddleware``, without ``django.contrib.messages`` in INSTALLED_APPS, for an empty
        message, and below the level that the project shows.

    Raises:
        TypeError: the level is no number.
    """
    if not isinstance(level, int):
        raise TypeError(
            f"notify_user(level=...) got {level!r}; expected a number such as messages.SUCCESS, "
            "from django.contrib.messages."
        )
    request = current().request
    if request is None or not message or not apps.is_installed("django.contrib.messages"):
        return False
    from django.contrib.messages import get_messages
    from django.contrib.messages.storage.base import BaseStorage

    storage = get_messages(request)
    if not isinstance(storage, BaseStorage):
        return False
    storage.add(level, message, extra_tags)
    least: int = storage.level
    return level >= least
