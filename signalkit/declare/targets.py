"""The senders of one receiver and one signal, found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import AppConfig, apps
from django.db.models import Model


@dataclass(frozen=True, slots=True)
class Targets:
    """What a receiver hears.

    They are found once and then hold without another look at what is installed: an app may be
    out of INSTALLED_APPS for a while, as in a test, and models are defined while Django does not
    answer for its models at all.

    Django compares senders by identity. That is what :attr:`connected` are for; whatever cannot
    be told so is heard from everyone and compared by :meth:`include`.
    """

    objects: tuple[Any, ...] = ()
    """Senders that are one object each."""

    app_labels: frozenset[str] = frozenset()
    """Labels of apps: each time INSTALLED_APPS is overridden, Django makes other AppConfigs."""

    bases: tuple[type[Model], ...] = ()
    """Models of which every concrete subclass counts: Django tells of a new one."""

    strings: frozenset[str] = frozenset()
    """Strings that are senders themselves: two equal ones need not be one object."""

    labels: frozenset[str] = frozenset()
    """Lower-case labels of models that may not exist yet."""

    families: tuple[type, ...] = ()
    """Classes of which every subclass counts: Python tells nobody of a new one."""

    @property
    def connected(self) -> tuple[Any, ...]:
        """The senders to connect to as of now: objects, or None alone for everyone."""
        if self.are_compared:
            return (None,)
        models = (model for base in self.bases for model in _concrete_models(base))
        # By identity, as Django tells them apart; not every sender is hashable.
        found = (*self.objects, *_app_configs(self.app_labels), *models)
        return tuple({id(sender): sender for sender in found}.values())

    @property
    def are_compared(self) -> bool:
        """Whether :meth:`include` has to be asked at each send."""
        return bool(self.strings or self.labels or self.families)

    def grow_by(self, model: type[Model]) -> bool:
        """Say whether a model that was defined just now is one more to connect to."""
        return not self.are_compared and issubclass(model, self.bases) and _is_concrete(model)

    def include(self, sender: Any) -> bool:
        """Say whether a signal with this sender is meant."""
        if isinstance(sender, str):
            return sender in self.strings
        if any(sender is item for item in self.objects):
            return True
        if is_installed(sender):
            return sender.label in self.app_labels
        if not isinstance(sender, type):
            return False
        label = getattr(getattr(sender, "_meta", None), "label_lower", None)
        return label in self.labels or issubclass(sender, (*self.families, *self.bases))


EVERYONE = Targets(objects=(None,))
"""No sender was named."""


def is_installed(sender: Any) -> bool:
    """Say whether a sender is an app of Django's own registry, now or when it was made."""
    return isinstance(sender, AppConfig) and sender.apps is apps


def _app_configs(labels: Iterable[str]) -> Iterator[AppConfig]:
    """Yield the present AppConfigs, and those that come back when an override ends.

    Django then takes them from its stack and calls no ``ready()``, so they stay connected.
    """
    for label in labels:
        for app_configs in (apps.app_configs, *apps.stored_app_configs):
            if label in app_configs:
                yield app_configs[label]


def _concrete_models(base: type[Model]) -> Iterator[type[Model]]:
    """Yield the models that can be senders among a class and everything that inherits from it."""
    if _is_concrete(base):
        yield base
    children: list[type[Model]] = base.__subclasses__()
    for child in children:
        yield from _concrete_models(child)


def _is_concrete(model: type[Model]) -> bool:
    # Historical models of migrations, and those of other registries, are none of ours.
    meta = model._meta
    return not meta.abstract and not meta.swapped and meta.apps is apps
