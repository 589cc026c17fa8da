"""The receivers at work, each with what it was caused by."""

from __future__ import annotations

import os
from contextvars import ContextVar
from itertools import count
from random import getrandbits
from time import time

from signalkit.context.current import CONTEXT, Context
from signalkit.declaration import Declaration
from signalkit.events import Event

_LOW_BITS = 21
"""Behind the milliseconds since 1970, which leave as many of 63 until the year 2109."""

_low: count[int]


def _begin_to_count() -> None:
    """Begin somewhere: where another process does not, in all likelihood."""
    global _low
    _low = count(getrandbits(_LOW_BITS))


_begin_to_count()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_to_count)


class Running:
    """A receiver at work on an event, or waiting for its turn with it."""

    __slots__ = (
        "_number",
        "context",
        "declaration",
        "ended",
        "event",
        "outer",
        "parent",
        "queries",
    )

    def __init__(self, declaration: Declaration, event: Event) -> None:
        """Note who is at work, or will be.

        Args:
            declaration: the receiver.
            event: what it is at work on.
        """
        self.declaration = declaration
        self.event = event
        sender = RUNNING.get()
        # Its number alone: a chain of such references would hold every event of it.
        self.parent: int | None = None if sender is None else sender.cause
        """The number of who was at work when the event was sent."""

        self.outer: Running | None = None
        """Who is at work around it; only while it is."""

        self.context: Context | None = CONTEXT.get()
        """The context of the send."""

        # A thread or task that was started meanwhile has a copy of the context, and may outlive
        # the receiver: what it does then is nobody's doing but its own.
        self.ended = False
        self.queries = 0
        """Statements so far, where somebody counts them; those of receivers in it included."""

        self._number: int | None = None

    def begin(self) -> Running | None:
        """Take note that it is at work from now on; return inside of whom, for :meth:`end`."""
        before = outer = RUNNING.get()
        # Or a chain of tasks, each started in a receiver of the one before, would grow for ever.
        while outer is not None and outer.ended:
            outer = outer.outer
        self.outer = outer
        # A test helper may call what waited for a commit more than once.
        self.ended = False
        RUNNING.set(self)
        return before

    def end(self, before: Running | None) -> None:
        """Take note that it is done, and who is at work again."""
        self.ended = True
        if before is not None:
            before.queries += self.queries
        RUNNING.set(before)

    @property
    def number(self) -> int:
        """What it is told from other runs by, made when first asked for.

        A number of 63 bits. It grows with time, so that an index takes it at its end. No two of a
        process are the same; two that different processes make in one millisecond are, once in
        two million times.
        """
        number = self._number
        if number is None:
            number = int(time() * 1000) << _LOW_BITS | next(_low) % (1 << _LOW_BITS)
            self._number = number
        return number

    @property
    def cause(self) -> int | None:
        """The number of the run that what is sent while it is at work is put down to."""
        return self.number


RUNNING: ContextVar[Running | None] = ContextVar("signalkit_running", default=None)
"""The innermost that is at work."""
