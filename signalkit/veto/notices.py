"""The messages for the user (``django.contrib.messages``) that a refused save had queued."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.messages import get_messages
from django.http import HttpRequest


def hold_notices(request: HttpRequest) -> Callable[[], None]:
    """Remember which messages are queued now.

    "The book was added successfully" is queued before COMMIT, where a veto may still come.

    Args:
        request: one with or without a message storage.

    Returns:
        a function that takes back what was queued since.
    """
    # Django has no public way to take back a message; the queue is a plain list in every
    # storage, and a storage without one keeps its messages.
    before = len(_queue(request))

    def take_back() -> None:
        del _queue(request)[before:]

    return take_back


def _queue(request: HttpRequest) -> list[object]:
    queue: list[object] = getattr(get_messages(request), "_queued_messages", [])
    return queue
