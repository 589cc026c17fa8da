"""What the shop notes about the requests it answers."""

import logging

from signalkit.builtin_events import GotRequestException, RequestFinished, RequestStarted
from signalkit.receivers import RequestReceiver

from ..pulse import pulse, start_clock, stop_clock

logger = logging.getLogger(__name__)


class ClockRequests(RequestReceiver):
    """Count the requests, and take the time of each.

    Under WSGI the signal brings `environ`, under ASGI `scope`. `event.method` and `event.path` are
    the same under either server; whoever needs neither does not have to care.
    """

    def on_started(self, event: RequestStarted) -> None:
        """Start the clock."""
        pulse.seen["requests"] += 1
        start_clock()

    def on_finished(self, event: RequestFinished) -> None:
        """Stop it: when the response is closed, so what a streaming view sends counts as well."""
        if (seconds := stop_clock()) is not None:
            pulse.request_times.append(seconds)


class SoundTheAlarm(RequestReceiver):
    """Note that a page failed.

    It is called while the error is being handled. Raising here would hide the error that the alarm
    is about, so it is isolated.
    """

    on_error = "isolate"

    def on_exception(self, event: GotRequestException) -> None:
        """Count it, and say which page it was, and the kind of the error."""
        pulse.seen["failed requests"] += 1
        # The path alone: query strings, bodies and messages may hold what must not be logged.
        method, path = event.request.method, event.request.path
        logger.warning("%s %s failed with %s", method, path, type(event.exception).__name__)
