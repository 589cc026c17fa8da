"""From declarations to connections on Django's signals, and back."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db.models import Model
from django.db.models.signals import class_prepared
from django.dispatch import Signal

from signalkit.declaration import Declaration
from signalkit.declare import conditions, senders
from signalkit.dispatch import changed
from signalkit.dispatch.entrance import Entrance, make_entrance
from signalkit.dispatch.order import in_order
from signalkit.registry import Registry, registry


@dataclass(frozen=True, slots=True)
class Connection:
    """One receiver connected to one of its signals."""

    declaration: Declaration
    signal: Signal
    senders: tuple[Any, ...]
    """As Django was given them: objects, or None alone for anyone."""

    entrance: Entrance

    def connect(self) -> None:
        """Connect to Django's signal."""
        for sender in self.senders:
            self.signal.connect(
                self.entrance, sender=sender, weak=False, dispatch_uid=uid_of(self.declaration)
            )

    def disconnect(self) -> None:
        """Disconnect from Django's signal."""
        for sender in self.senders:
            self.signal.disconnect(sender=sender, dispatch_uid=uid_of(self.declaration))


class Connector:
    """Keeps what is connected in step with what is declared."""

    def __init__(self, declared: Registry) -> None:
        self._registry = declared
        self._lock = threading.RLock()
        self._connected: dict[Signal, list[Connection]] = {}
        self._wired = False

    def wire(self) -> None:
        """Connect everything that is declared so far, and from now on whatever follows.

        Raises:
            DeclarationError: a receiver turned out to be impossible now that models are known.
        """
        with self._lock:
            for declaration in self._registry:
                conditions.validate_senders(declaration)
            self._wired = True
            self._reconcile({signal for each in self._registry for signal in each.signals})
        class_prepared.connect(
            self._model_prepared, weak=False, dispatch_uid="signalkit.include_subclasses"
        )

    def added(self, declaration: Declaration) -> None:
        """Connect a new declaration; before :meth:`wire`, what cannot wait for it."""
        with self._lock:
            if self._wired:
                self._reconcile(self._signals_around(declaration))
            elif class_prepared in declaration.signals:
                # Sent while models load, so it is too late for it when ready() is called.
                self._reconcile({class_prepared})

    def removed(self, declaration: Declaration) -> None:
        """Disconnect a declaration that is gone, and reconnect what it replaced."""
        with self._lock:
            if self._wired or class_prepared in declaration.signals:
                self._reconcile(self._signals_around(declaration))

    def connections(self) -> tuple[Connection, ...]:
        """Return what is connected, by signal, in the order in which it runs."""
        with self._lock:
            return tuple(each for connected in self._connected.values() for each in connected)

    def _signals_around(self, declaration: Declaration) -> set[Signal]:
        replaced = self._registry.find(declaration.replaces) if declaration.replaces else None
        return {*declaration.signals, *(replaced.signals if replaced else ())}

    def _reconcile(self, signals: Iterable[Signal]) -> None:
        """Make the connections of some signals what the declarations ask for.

        Django runs receivers in the order in which they were connected, so everything behind the
        first difference is connected anew. That happens while a project starts; later only a
        receiver that is declared late and ordered before others makes more than itself move.
        """
        wanted = in_order(self._active())
        for signal in signals:
            connected = self._connected.setdefault(signal, [])
            goal = [declaration for declaration in wanted if signal in declaration.signals]
            keep = 0
            for connection, declaration in zip(connected, goal, strict=False):
                if connection.declaration is not declaration:
                    break
                keep += 1
            for connection in connected[keep:]:
                self._disconnect(connection)
            del connected[keep:]
            for declaration in goal[keep:]:
                connected.append(self._connect(declaration, signal))

    def _active(self) -> list[Declaration]:
        """Return the declarations without those that another one replaces."""
        declared = self._registry.all()
        replaced = {
            self._registry.find(declaration.replaces)
            for declaration in declared
            if declaration.replaces
        }
        return [declaration for declaration in declared if declaration not in replaced]

    def _connect(self, declaration: Declaration, signal: Signal) -> Connection:
        targets = senders.resolve(
            signal, declaration.senders, include_subclasses=declaration.include_subclasses
        )
        everyone = not declaration.senders or bool(targets.strings)
        connection = Connection(
            declaration,
            signal,
            (None,) if everyone else targets.objects,
            make_entrance(declaration, signal, targets.strings),
        )
        if declaration.changed:
            for model in targets.objects:
                changed.watch(model, declaration.changed)
        connection.connect()
        return connection

    def _disconnect(self, connection: Connection) -> None:
        connection.disconnect()
        if connection.declaration.changed:
            for model in connection.senders:
                changed.unwatch(model, connection.declaration.changed)

    def _model_prepared(self, *, sender: type[Model], **kwargs: Any) -> None:
        """Extend receivers that include subclasses to a model that was defined just now."""
        if sender._meta.apps is not apps:
            return
        with self._lock:
            for connected in self._connected.values():
                for index, connection in enumerate(connected):
                    declaration = connection.declaration
                    if declaration.include_subclasses and _covers(connection, sender):
                        connected[index] = self._extend(connection, sender)

    def _extend(self, connection: Connection, model: type[Model]) -> Connection:
        extended = Connection(
            connection.declaration,
            connection.signal,
            (*connection.senders, model),
            connection.entrance,
        )
        if extended.declaration.changed:
            changed.watch(model, extended.declaration.changed)
        extended.connect()
        return extended


def _covers(connection: Connection, model: type[Model]) -> bool:
    if model in connection.senders:
        return False
    targets = senders.resolve(
        connection.signal, connection.declaration.senders, include_subclasses=True
    )
    return model in targets.objects


def uid_of(declaration: Declaration) -> Hashable:
    """Return what Django tells a connection by.

    For a function it is what Django itself would take, so that ``signal.disconnect(function)``
    finds the connection.
    """
    if declaration.dispatch_uid is not None:
        return declaration.dispatch_uid
    if declaration.kind == "class":
        return f"signalkit:{declaration.name}"
    return _django_id(declaration.call)


def _django_id(target: Any) -> Hashable:
    if hasattr(target, "__func__"):
        return (id(target.__self__), id(target.__func__))
    return id(target)


connector = Connector(registry)
"""The connector of this process."""

# Receivers may be declared long before ready(), while models load.
registry.connect_with(connector.added, connector.removed)
