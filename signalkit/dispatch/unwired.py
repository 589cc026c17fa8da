"""Receivers that are declared while nothing is there to connect them are never silently dead.

They wait for signalkit's ``ready()``. Whether that will come is known as soon as Django has read
INSTALLED_APPS: from then on a declaration is refused on the spot, and what was declared before
is refused at the next model that is defined, or else at the first send of one of its signals.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.db.models.signals import class_prepared
from django.dispatch import Signal

from signalkit.exceptions import NotInstalled
from signalkit.registry import Registry

_UID = "signalkit.unwired"


class Watch:
    """Sees to it that what is declared is connected one day."""

    def __init__(self, declared: Registry) -> None:
        self._registry = declared
        self._signals: set[Signal] = set()

    def begin(self, signals: Iterable[Signal]) -> None:
        """Watch signals for which receivers are declared.

        Raises:
            NotInstalled: it is clear already that nobody will connect them.
        """
        self._refuse()
        for signal in {*signals, class_prepared} - self._signals:
            signal.connect(self._sent, weak=False, dispatch_uid=_UID)
            self._signals.add(signal)

    def end(self) -> None:
        """Stop: the receivers are being connected."""
        for signal in self._signals:
            signal.disconnect(dispatch_uid=_UID)
        self._signals.clear()

    def _sent(self, *, signal: Signal, **kwargs: Any) -> None:
        self._refuse()
        if not apps.apps_ready and not apps.loading and self._names(signal):
            raise NotInstalled(
                "A signal was sent before django.setup(), and so before receivers that are "
                f"declared for it could be connected: {self._names(signal)}."
            )

    def _refuse(self) -> None:
        if not self._registry.all():
            return
        if apps.apps_ready and not apps.is_installed("signalkit"):
            raise NotInstalled(
                "Receivers are declared with signalkit, but it is not installed, so they would "
                f"never run: {self._names()}. Add 'signalkit' to INSTALLED_APPS."
            )
        if apps.ready:
            raise NotInstalled(
                "Receivers are declared with signalkit, but its ready() was never called, so they "
                f"would never run: {self._names()}. An AppConfig that subclasses SignalkitConfig "
                "has to call super().ready()."
            )

    def _names(self, signal: Signal | None = None) -> str:
        return ", ".join(
            f"{declaration.name} ({declaration.origin})"
            for declaration in self._registry
            if signal is None or signal in declaration.signals
        )
