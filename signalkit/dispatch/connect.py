"""From declarations to connections on Django's signals, and back."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from django.apps import apps
from django.core.signals import setting_changed
from django.db.models import Model
from django.db.models.signals import class_prepared, pre_save
from django.dispatch import Signal

from signalkit.declaration import Declaration
from signalkit.declare import conditions
from signalkit.declare.callables import identity
from signalkit.declare.targets import Targets
from signalkit.dispatch import changed
from signalkit.dispatch.entrance import DECLARATION, Entrance, make_entrance
from signalkit.dispatch.order import in_order
from signalkit.dispatch.slots import arrange, holder
from signalkit.dispatch.unwired import Watch
from signalkit.exceptions import NameClash
from signalkit.registry import Registry, registry
from signalkit.signal_names import signal_name


@dataclass(frozen=True, slots=True, eq=False)
class Connection:
    """One receiver connected to one of its signals."""

    declaration: Declaration
    signal: Signal
    targets: Targets
    senders: tuple[Any, ...]
    """As Django was given them: objects, or None alone for anyone."""

    entrance: Entrance

    @property
    def is_outdated(self) -> bool:
        """Whether apps that it hears have other AppConfigs by now."""
        return bool(self.targets.app_labels) and self.senders != self.targets.connected

    def connect(self) -> None:
        """Connect to Django's signal.

        Raises:
            NameClash: another receiver is connected in this one's place. Nothing is connected.
        """
        for index, sender in enumerate(self.senders):
            try:
                self._connect(sender)
            except NameClash:
                self._disconnect(self.senders[:index])
                raise

    def disconnect(self) -> None:
        """Disconnect from Django's signal."""
        self._disconnect(self.senders)

    def _connect(self, sender: Any) -> None:
        uid = uid_of(self.declaration)
        self.signal.connect(self.entrance, sender=sender, weak=False, dispatch_uid=uid)
        taken_by = holder(self.signal, uid, sender)
        if taken_by is not self.entrance:
            # Django keeps the one that was first, and says nothing.
            raise NameClash(
                f"{self.declaration.name} ({self.declaration.origin}) cannot be connected to "
                f"{signal_name(self.signal)} of {sender!r}: {_describe(taken_by)} is, under the "
                "same dispatch_uid or as the same function. Give one of them a dispatch_uid of "
                "its own."
            )

    def _disconnect(self, senders: tuple[Any, ...]) -> None:
        for sender in senders:
            self.signal.disconnect(sender=sender, dispatch_uid=uid_of(self.declaration))


class Connector:
    """Keeps what is connected in step with what is declared."""

    def __init__(self, declared: Registry) -> None:
        self._registry = declared
        self._connected: dict[Signal, list[Connection]] = {}
        # Whom each declaration means, asked once: later on, an app that it names may be out of
        # INSTALLED_APPS for a while, and its receivers just stay as they are.
        self._targets: dict[Declaration, dict[Signal, Targets]] = {}
        self._wired = False
        self._watch = Watch(declared)

    def wire(self) -> None:
        """Connect everything that is declared so far, and from now on whatever follows.

        It is called again whenever INSTALLED_APPS is overridden.

        Raises:
            DeclarationError: a receiver turned out to be impossible now that models are known.
                Then nothing is connected.
        """
        with self._registry.lock:
            before = {*self._connected}
            try:
                self._refresh()
            except BaseException:
                for signal in {*self._connected} - before:
                    self._drop_all_but(set(), signal)
                raise
            self._wired = True
            self._watch.end()
            class_prepared.connect(
                self._model_prepared, weak=False, dispatch_uid="signalkit.include_subclasses"
            )
            setting_changed.connect(
                self._setting_changed, weak=False, dispatch_uid="signalkit.installed_apps"
            )

    def changed(self, signals: set[Signal]) -> None:
        """Connect what is new and disconnect what is gone.

        Before :meth:`wire` that is only what cannot wait for it; so it is while Django loads apps
        and models again, because INSTALLED_APPS is overridden.

        Raises:
            DeclarationError: something cannot be connected.
            NotInstalled: nobody will call :meth:`wire`.
        """
        with self._registry.lock:
            if self._wired and apps.models_ready:
                self._resolve(
                    each for each in self._registry if not signals.isdisjoint(each.signals)
                )
                self._reconcile(signals)
                return
            if not self._wired:
                self._watch.begin(signals)
            if class_prepared in signals:
                # Sent while models load, so it is too late for it when ready() is called.
                self._reconcile({class_prepared})

    def connections(self) -> tuple[Connection, ...]:
        """Return what is connected, by signal, in the order in which it runs."""
        with self._registry.lock:
            return tuple(each for connected in self._connected.values() for each in connected)

    def _refresh(self) -> None:
        """Bring all connections in step with what is declared and installed."""
        self._resolve(self._registry)
        for signal, connected in [*self._connected.items()]:
            current = {each.declaration for each in connected if not each.is_outdated}
            self._drop_all_but(current, signal)
        declared = (signal for each in self._registry for signal in each.signals)
        self._reconcile(dict.fromkeys([*declared, *self._connected]))

    def _resolve(self, declarations: Iterable[Declaration]) -> None:
        """Find out whom receivers mean, those of which it is not known. Models have to be loaded.

        Raises:
            DeclarationError: one of them is impossible.
        """
        for declaration in declarations:
            if declaration not in self._targets:
                self._targets[declaration] = conditions.resolve(declaration)

    def _reconcile(self, signals: Iterable[Signal]) -> None:
        """Make the connections of some signals what the declarations ask for.

        What stays connected is never disconnected meanwhile, so that a send in another thread
        misses nothing. Such a send may still see a new receiver behind those that it is to
        precede: it is connected first and then put in its place.
        """
        self._targets = {
            each: self._targets[each] for each in self._registry if each in self._targets
        }
        replaced_by = self._registry.replaced_by()
        active = [each for each in self._registry if each not in replaced_by]
        wanted = in_order(active, replaced_by)
        for signal in signals:
            goal = [declaration for declaration in wanted if signal in declaration.signals]
            self._drop_all_but({*goal}, signal)
            connected = {each.declaration: each for each in self._connected.get(signal, ())}
            for declaration in goal:
                if declaration not in connected:
                    connected[declaration] = self._connect(declaration, signal)
                    self._connected.setdefault(signal, []).append(connected[declaration])
            if goal:
                self._arrange(signal, [connected[declaration] for declaration in goal])

    def _drop_all_but(self, wanted: set[Declaration], signal: Signal) -> None:
        connected = self._connected.pop(signal, [])
        for connection in connected:
            if connection.declaration not in wanted:
                connection.disconnect()
                _unwatch(connection)
        if kept := [each for each in connected if each.declaration in wanted]:
            self._connected[signal] = kept

    def _arrange(self, signal: Signal, connected: list[Connection]) -> None:
        self._connected[signal] = connected
        # What reads the stored values for changed= has to come before whoever asks for them.
        first = [changed.remember] if signal is pre_save else []
        arrange(signal, [*first, *(each.entrance for each in connected)])

    def _connect(self, declaration: Declaration, signal: Signal) -> Connection:
        known = self._targets.get(declaration)
        # class_prepared is connected before the models are known.
        targets = known[signal] if known else conditions.targets_of(declaration, signal)
        entrance = make_entrance(declaration, signal, targets)
        connection = Connection(declaration, signal, targets, targets.connected, entrance)
        _watch(connection)
        try:
            connection.connect()
        except NameClash:
            _unwatch(connection)
            raise
        return connection

    def _setting_changed(self, *, setting: str, **kwargs: Any) -> None:
        """Make up for an override of INSTALLED_APPS without signalkit, which called no ready()."""
        if setting == "INSTALLED_APPS":
            with self._registry.lock:
                self._refresh()

    def _model_prepared(self, *, sender: type[Model], **kwargs: Any) -> None:
        """Extend receivers that include subclasses to a model that was defined just now."""
        # The quick way out for the historical models of migrations: they are never covered.
        if sender._meta.apps is not apps:
            return
        with self._registry.lock:
            grown = {
                signal: covering
                for signal, connected in self._connected.items()
                if (covering := [each for each in connected if _misses(each, sender)])
            }
            for covering in grown.values():
                for connection in covering:
                    conditions.validate_fields(connection.declaration, sender)
            for signal, covering in grown.items():
                connected = self._connected[signal]
                for connection in covering:
                    connected[connected.index(connection)] = _extend(connection, sender)
                self._arrange(signal, connected)


def _watch(connection: Connection) -> None:
    if connection.declaration.changed:
        for model in connection.senders:
            changed.watch(model, connection.declaration.changed)


def _unwatch(connection: Connection) -> None:
    if connection.declaration.changed:
        for model in connection.senders:
            changed.unwatch(model, connection.declaration.changed)


def _misses(connection: Connection, model: type[Model]) -> bool:
    return connection.targets.grow_by(model) and model not in connection.senders


def _extend(connection: Connection, model: type[Model]) -> Connection:
    """Connect to one more sender, and return the connection to all of them."""
    added = replace(connection, senders=(model,))
    _watch(added)
    try:
        added.connect()
    except NameClash:
        _unwatch(added)
        raise
    return replace(connection, senders=(*connection.senders, model))


def _describe(receiver: Any) -> str:
    declaration = getattr(receiver, DECLARATION, None)
    return f"{declaration.name} ({declaration.origin})" if declaration else repr(receiver)


def uid_of(declaration: Declaration) -> Hashable:
    """Return what Django tells a connection by.

    For a function it is what Django itself would take, so that ``signal.disconnect(function)``
    finds the connection.
    """
    if declaration.dispatch_uid is not None:
        return declaration.dispatch_uid
    if declaration.kind == "class":
        return f"signalkit:{declaration.name}"
    return identity(declaration.call)


connector = Connector(registry)
"""The connector of this process."""

# Receivers may be declared long before ready(), while models load.
registry.call_on_change(connector.changed)
