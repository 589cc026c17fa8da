"""The shapes of what runs a receiver."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

from django.db.backends.base.base import BaseDatabaseWrapper

from signalkit.events import Event

Call: TypeAlias = Callable[[Event], Any]
"""What the user wrote, as a function of an event."""


class Runner(Protocol):
    """Runs a receiver for an event, with the policies that it asked for."""

    def __call__(self, event: Event, connection: BaseDatabaseWrapper | None = None) -> Any:
        """Run it.

        Args:
            event: what it is to react to.
            connection: the one that the event's transaction is on, where that is known already;
                to look it up takes longer than everything else in here.
        """
