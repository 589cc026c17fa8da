"""The senders of one receiver and one signal, found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Targets:
    """What a receiver hears.

    Django compares senders by identity. That is what :attr:`objects` are for; whatever cannot be
    told so is heard from everyone and compared by :meth:`include`.
    """

    objects: tuple[Any, ...] = ()
    strings: frozenset[str] = frozenset()
    """Strings that are senders themselves: two equal ones need not be one object."""

    labels: frozenset[str] = frozenset()
    """Lower-case labels of models that may not exist yet."""

    families: tuple[type, ...] = ()
    """Classes of which every subclass counts: Python tells nobody of a new one."""

    @property
    def connected(self) -> tuple[Any, ...]:
        """The senders to connect to: objects, or None alone for everyone."""
        return (None,) if self.are_compared else self.objects

    @property
    def are_compared(self) -> bool:
        """Whether :meth:`include` has to be asked at each send."""
        return bool(self.strings or self.labels or self.families)

    def include(self, sender: Any) -> bool:
        """Say whether a signal with this sender is meant."""
        if isinstance(sender, str):
            return sender in self.strings
        if any(sender is item for item in self.objects):
            return True
        if not isinstance(sender, type):
            return False
        label = getattr(getattr(sender, "_meta", None), "label_lower", None)
        return label in self.labels or issubclass(sender, self.families)


EVERYONE = Targets(objects=(None,))
"""No sender was named."""
