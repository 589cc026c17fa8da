"""The shop's pulse: what this process has seen since it started, for the page `/pulse/`.

Counting is what signals such as `connection_created` or `template_rendered` are best at: they tell
of something that happens in many places and belongs to none of them.
"""

from collections import Counter, deque
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from django.conf import settings


@dataclass
class Pulse:
    """Tallies of one process; lost when it ends, and meant to be."""

    seen: Counter[str] = field(default_factory=Counter)
    templates: Counter[str] = field(default_factory=Counter)
    request_times: deque[float] = field(default_factory=lambda: deque(maxlen=200))
    """Seconds, of the latest requests."""

    @property
    def typical_request(self) -> float | None:
        """The median of the latest requests in milliseconds, or None before the first."""
        if not self.request_times:
            return None
        times = sorted(self.request_times)
        return times[len(times) // 2] * 1000


pulse = Pulse()


def may_see_pulse(user: Any) -> bool:
    """Say whether a user may look at it: the staff, and everyone on a developer's machine."""
    return bool(settings.DEBUG or user.is_staff)


request_began: ContextVar[float | None] = ContextVar("request_began", default=None)
"""When the request at hand began. A context variable: many requests share a thread under ASGI."""


def start_clock() -> None:
    """Note that a request begins."""
    request_began.set(perf_counter())


def stop_clock() -> float | None:
    """Return the seconds since the request began, or None when nobody noted its beginning."""
    began = request_began.get()
    request_began.set(None)
    return None if began is None else perf_counter() - began
