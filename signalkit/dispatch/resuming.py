"""A send that waits for a commit is put down to who asked for it, and not to who commits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from signalkit.context.current import CONTEXT
from signalkit.dispatch.running import RUNNING, Running


class Cause:
    """Who asks for something now that will happen later."""

    __slots__ = ("_context", "_parent")

    def __init__(self) -> None:
        """Take note of the context, and of the receiver at work."""
        running = RUNNING.get()
        # Its number alone: it would hold its event until then.
        self._parent = None if running is None else running.cause
        self._context = CONTEXT.get()

    @contextmanager
    def resumed(self) -> Iterator[None]:
        """Have what is sent in a ``with`` block put down to it.

        Who is at work around the block stays guarded against re-entry, and its statements stay its
        own.
        """
        around, outer = CONTEXT.get(), RUNNING.get()
        stand_in = _StandIn(self._parent, outer)
        CONTEXT.set(self._context)
        RUNNING.set(stand_in)
        try:
            yield
        finally:
            RUNNING.set(outer)
            CONTEXT.set(around)
            if outer is not None:
                outer.queries += stand_in.queries


class _StandIn(Running):
    """Stands in for a receiver that is done, and never for one that is at work: it has no event."""

    __slots__ = ()

    def __init__(self, parent: int | None, outer: Running | None) -> None:
        self.parent = parent
        self.outer = outer
        self.ended = True
        self.queries = 0

    @property
    def cause(self) -> int | None:
        """The number of the receiver that it stands in for; None for no receiver."""
        return self.parent
