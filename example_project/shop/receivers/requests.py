"""What the shop notes about the requests it answers."""

import logging
from typing import Any

from django.core.signals import got_request_exception, request_finished, request_started
from django.http import HttpRequest

import signalkit

from ..pulse import pulse, start_clock, stop_clock

logger = logging.getLogger(__name__)


@signalkit.receiver(request_started, name="shop.note_request")
def note_request(sender: type, **kwargs: Any) -> None:
    """Start the clock of this request.

    Under WSGI the signal brings `environ`, under ASGI `scope`; whoever needs neither takes both
    with **kwargs, and works under either server.
    """
    pulse.seen["requests"] += 1
    start_clock()


@signalkit.receiver(request_finished, name="shop.note_response")
def note_response(sender: type, **kwargs: Any) -> None:
    """Stop the clock of this request.

    It is sent when the response is closed, so the time includes what a streaming view sends.
    """
    if (seconds := stop_clock()) is not None:
        pulse.request_times.append(seconds)


@signalkit.receiver(got_request_exception, on_error="isolate", name="shop.sound_the_alarm")
def sound_the_alarm(sender: None, request: HttpRequest, **kwargs: Any) -> None:
    """Note that a page failed.

    It is called while the error is being handled. Raising here would hide the error that the alarm
    is about, so it is isolated.
    """
    pulse.seen["failed requests"] += 1
    # The path alone: query strings and bodies may hold what must not be logged.
    logger.warning("%s %s failed", request.method, request.path)
