"""``RequestReceiver``: requests that begin, end, or fail."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from django.core.signals import got_request_exception, request_finished, request_started
from django.dispatch import Signal

from signalkit.builtin_events import GotRequestException, RequestFinished, RequestStarted
from signalkit.events import Event
from signalkit.receivers.hooks import HookReceiver


class RequestReceiver(HookReceiver, abstract=True):
    """Reacts to requests. Write the methods that are wanted.

    ::

        class Requests(RequestReceiver):
            def on_started(self, event):
                print(event.method, event.path)

    WSGI and ASGI are the same to it. At the beginning there is no ``HttpRequest`` yet, and at the
    end Django does not say which request it was; what belongs to one request is better done in a
    middleware, or with :func:`signalkit.context.current`.
    """

    def on_started(self, event: RequestStarted) -> Any:
        """React to a request that begins."""

    def on_finished(self, event: RequestFinished) -> Any:
        """React to a response that was closed."""

    def on_exception(self, event: GotRequestException) -> Any:
        """React to an exception that nobody has handled: ``event.exception``."""

    @classmethod
    def signals_of_hooks(cls) -> Mapping[str, Signal]:
        """Return the signal of each hook."""
        return {
            "on_started": request_started,
            "on_finished": request_finished,
            "on_exception": got_request_exception,
        }

    def at_send(self, event: Event) -> Event:
        """Take the exception along, which only the moment of the send knows."""
        if event.signal is got_request_exception:
            return event.replace(exception=sys.exception())
        return event


RequestReceiver.hooks_base = RequestReceiver
