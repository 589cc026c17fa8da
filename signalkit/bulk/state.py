"""What is asked at every bulk write of the process, and therefore has to be quick."""

from __future__ import annotations

from collections.abc import Hashable

from django.db.models import Model


class State:
    """Which models are watched, as of now. Read without a lock: a change replaces the sets."""

    __slots__ = ("ids", "with_pks")

    def __init__(self) -> None:
        """Begin with no model."""
        self.ids: frozenset[Hashable] = frozenset()
        """The ids of the watched classes: Django tells senders apart by them, and a set of classes
        would have to be kept in step with the weak references of its signals."""

        self.with_pks: frozenset[type[Model]] = frozenset()
        """The models whose ``post_update`` carries the primary keys of the rows."""


state = State()
"""That of this process."""
