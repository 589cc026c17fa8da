"""From declarations to connections on Django's signals, and back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.core.signals import setting_changed
from django.db.models import Model
from django.db.models.signals import class_prepared, pre_save
from django.dispatch import Signal

from signalkit.declaration import Declaration
from signalkit.declare import conditions
from signalkit.declare.targets import Targets
from signalkit.dispatch import changed
from signalkit.dispatch.connected import ConnectedReceiver, uid_of
from signalkit.dispatch.entrance import make_entrance
from signalkit.dispatch.order import in_order
from signalkit.dispatch.slots import arrange
from signalkit.dispatch.unwired import Watch
from signalkit.registry import Registry, registry


class Connector:
    """Keeps what is connected in step with what is declared."""

    def __init__(self, declared: Registry) -> None:
        self._registry = declared
        self._connected: dict[Signal, list[ConnectedReceiver]] = {}
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

    def connections(self) -> tuple[ConnectedReceiver, ...]:
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
        for receiver in connected:
            if receiver.declaration not in wanted:
                receiver.disconnect()
        if kept := [each for each in connected if each.declaration in wanted]:
            self._connected[signal] = kept

    def _arrange(self, signal: Signal, connected: list[ConnectedReceiver]) -> None:
        self._connected[signal] = connected
        # What reads the stored values for changed= has to come before whoever asks for them.
        first = [changed.remember] if signal is pre_save else []
        arrange(signal, [*first, *(each.entrance for each in connected)])

    def _connect(self, declaration: Declaration, signal: Signal) -> ConnectedReceiver:
        known = self._targets.get(declaration)
        # class_prepared is connected before the models are known.
        targets = known[signal] if known else conditions.targets_of(declaration, signal)
        entrance = make_entrance(declaration, signal, targets)
        made = ConnectedReceiver(
            declaration, signal, targets, targets.connected, entrance, uid_of(declaration)
        )
        made.connect()
        return made

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
                if (covering := [each for each in connected if each.misses(sender)])
            }
            for covering in grown.values():
                for receiver in covering:
                    conditions.validate_fields(receiver.declaration, sender)
            for signal, covering in grown.items():
                connected = self._connected[signal]
                for receiver in covering:
                    connected[connected.index(receiver)] = receiver.extend(sender)
                self._arrange(signal, connected)


connector = Connector(registry)
"""The connector of this process."""

# Receivers may be declared long before ready(), while models load.
registry.call_on_change(connector.changed)
