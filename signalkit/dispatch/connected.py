"""One receiver on one of Django's signals."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Model
from django.dispatch import Signal

from signalkit.declaration import Declaration
from signalkit.declare.callables import identity
from signalkit.declare.targets import Targets
from signalkit.dispatch import changed
from signalkit.dispatch.entrance import DECLARATION
from signalkit.dispatch.plain import Entrance
from signalkit.dispatch.slots import holder
from signalkit.exceptions import NameClash
from signalkit.signal_names import signal_name


@dataclass(frozen=True, slots=True, eq=False)
class ConnectedReceiver:
    """A receiver that is to be, is or was connected to one of its signals."""

    declaration: Declaration
    signal: Signal
    targets: Targets
    senders: tuple[Any, ...]
    """As Django was given them: objects, or None alone for anyone."""

    entrance: Entrance
    uid: Hashable
    """What Django tells the connection by, asked once: of a proxy it may be another each time."""

    @property
    def is_outdated(self) -> bool:
        """Whether apps that it hears have other AppConfigs by now."""
        return bool(self.targets.app_labels) and self.senders != self.targets.connected

    def misses(self, model: type[Model]) -> bool:
        """Say whether a model that was defined later is one of those that it is to hear."""
        return self.targets.grow_by(model) and model not in self.senders

    def connect(self) -> None:
        """Connect to Django's signal, and have the fields read whose changes it asks for.

        Raises:
            NameClash: another receiver is connected in this one's place. Nothing is connected.
        """
        for index, sender in enumerate(self.senders):
            try:
                self._connect(sender)
            except NameClash:
                self._disconnect(self.senders[:index])
                raise
        if names := self.declaration.changed:
            for model in self.senders:
                changed.watch(model, names)

    def disconnect(self) -> None:
        """Undo :meth:`connect`."""
        self._disconnect(self.senders)
        if names := self.declaration.changed:
            for model in self.senders:
                changed.unwatch(model, names)

    def extend(self, model: type[Model]) -> ConnectedReceiver:
        """Connect to one more sender; return what is connected to all of them.

        Raises:
            NameClash: another receiver is connected in this one's place.
        """
        replace(self, senders=(model,)).connect()
        return replace(self, senders=(*self.senders, model))

    def _connect(self, sender: Any) -> None:
        self.signal.connect(self.entrance, sender=sender, weak=False, dispatch_uid=self.uid)
        taken_by = holder(self.signal, self.uid, sender)
        if taken_by is not self.entrance:
            # Django keeps the one that was first, and says nothing.
            raise NameClash(
                f"{self.declaration.origin}: {self.declaration.name} cannot be connected to "
                f"{signal_name(self.signal)} of {sender!r}: {_describe(taken_by)} is, under the "
                "same dispatch_uid or as the same function. Give one of them a dispatch_uid of "
                "its own."
            )

    def _disconnect(self, senders: tuple[Any, ...]) -> None:
        for sender in senders:
            self.signal.disconnect(sender=sender, dispatch_uid=self.uid)


def uid_of(declaration: Declaration) -> Hashable:
    """Return what Django tells the connection of a receiver by.

    For a function it is what Django itself would take, so that ``signal.disconnect(function)``
    finds it.
    """
    if declaration.dispatch_uid is not None:
        return declaration.dispatch_uid
    if declaration.kind == "class":
        return f"signalkit:{declaration.name}"
    return identity(declaration.call)


def _describe(receiver: Any) -> str:
    declaration = getattr(receiver, DECLARATION, None)
    return f"{declaration.name} at {declaration.origin}" if declaration else repr(receiver)
