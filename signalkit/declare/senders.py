"""What a receiver may name as its sender, and what this stands for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, MappingView
from typing import Any

from django.apps import AppConfig, apps
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model
from django.db.models.signals import (
    ModelSignal,
    class_prepared,
    m2m_changed,
    post_migrate,
    pre_migrate,
)
from django.dispatch import Signal

from signalkit.catalogue import find
from signalkit.declare.silent import refuse_silent
from signalkit.declare.targets import EVERYONE, Targets, is_installed
from signalkit.exceptions import SenderError, nearest
from signalkit.types import Sender

_NEVER = (bool, int, float, complex, bytes, dict, list, tuple, set, frozenset, Iterator)
_MIGRATE_SIGNALS = (pre_migrate, post_migrate)
_USER_SIGNALS = (user_logged_in, user_logged_out)


def normalise(sender: Sender) -> tuple[Sender, ...]:
    """Return what was given as ``sender`` as a tuple; empty when anyone may send.

    Raises:
        SenderError: nothing of this type is ever a sender, or a list is empty.
    """
    if sender is None:
        return ()
    senders = tuple(sender) if isinstance(sender, (list, tuple, set, frozenset)) else (sender,)
    if not senders:
        raise SenderError("the list of senders is empty. Leave sender out to hear everyone.")
    for item in senders:
        if item is None or isinstance(item, (*_NEVER, MappingView)):
            raise SenderError(
                f"{item!r} cannot be a sender; expected a class, 'app_label.ModelName', "
                "settings.AUTH_USER_MODEL, another object that a signal is sent with, or a list "
                "of these."
            )
    return senders


def resolve(signal: Signal, senders: Iterable[Sender], *, include_subclasses: bool) -> Targets:
    """Find what the declared senders stand for. Needs the models to be loaded.

    Raises:
        SenderError: a sender that this signal never has.
    """
    senders = tuple(senders)
    if not senders:
        return EVERYONE
    found = [_resolve_one(signal, sender, include_subclasses) for sender in senders]
    return Targets(
        objects=tuple(item for each in found for item in each.objects),
        app_labels=frozenset[str]().union(*(each.app_labels for each in found)),
        bases=tuple(item for each in found for item in each.bases),
        strings=frozenset[str]().union(*(each.strings for each in found)),
        labels=frozenset[str]().union(*(each.labels for each in found)),
        families=tuple(item for each in found for item in each.families),
    )


def _resolve_one(signal: Signal, sender: Sender, include_subclasses: bool) -> Targets:
    if isinstance(sender, str):
        sender = _resolve_string(signal, sender)
        if isinstance(sender, Targets):
            return sender
    refuse_silent(signal, sender, include_subclasses=include_subclasses)
    if is_installed(sender):
        return Targets(app_labels=frozenset({sender.label}))
    if not include_subclasses:
        return Targets(objects=(sender,))
    if issubclass(sender, Model):
        return Targets(bases=(sender,))
    return Targets(families=(sender,))


def _resolve_string(signal: Signal, sender: str) -> Any:
    """Return the object that a string stands for, or Targets where it stands for itself."""
    if signal in _MIGRATE_SIGNALS:
        return _resolve_app(sender)
    if signal is class_prepared:
        # Sent before there is anything that the string could stand for.
        return _resolve_label(sender)
    if isinstance(signal, ModelSignal) or signal in _USER_SIGNALS:
        return _resolve_path(signal, sender)
    if signal is not user_login_failed and (builtin := find(signal)) is not None:
        raise SenderError(f"{sender!r} cannot send {builtin.name}; expected {builtin.sender}.")
    return _resolve_value(sender)


def _resolve_path(signal: Signal, sender: str) -> type[Model]:
    label, _, rest = sender.partition(".")
    model_name, _, field_name = rest.partition(".")
    model = _resolve_model(sender, label, model_name)
    if not field_name:
        return model
    if signal is not m2m_changed:
        raise SenderError(
            f"{sender!r} names a field; only m2m_changed has fields as its senders. "
            f"Write '{label}.{model_name}'."
        )
    return _resolve_through(sender, model, field_name)


def _resolve_value(sender: str) -> Targets:
    """Take a string for the sender that it is, or for the model of that label."""
    label, _, name = sender.partition(".")
    if name[:1].isupper() and label in apps.app_configs:
        # Written like a model, so it is one: a misspelt one would never be heard.
        model = _resolve_model(sender, label, name)
        return Targets(strings=frozenset({sender}), labels=frozenset({model._meta.label_lower}))
    return Targets(strings=frozenset({sender}), labels=frozenset({sender.lower()}))


def _resolve_label(sender: str) -> Targets:
    label, _, model_name = sender.partition(".")
    if not model_name:
        raise SenderError(f"{sender!r} is no model; expected 'app_label.ModelName'.")
    if apps.apps_ready and label not in apps.app_configs:
        raise SenderError(
            f"No installed app has the label {label!r}.{nearest(label, apps.app_configs)}"
        )
    return Targets(labels=frozenset({sender.lower()}))


def _resolve_app(label: str) -> AppConfig:
    try:
        return apps.get_app_config(label)
    except LookupError:
        raise SenderError(
            f"No installed app has the label {label!r}.{nearest(label, apps.app_configs)}"
        ) from None


def _resolve_model(sender: str, label: str, model_name: str) -> type[Model]:
    if not model_name:
        raise SenderError(f"{sender!r} is no model; expected 'app_label.ModelName'.")
    try:
        return apps.get_model(label, model_name)
    except LookupError:
        known = [model._meta.label for model in apps.get_models()]
        raise SenderError(f"There is no model {sender!r}.{nearest(sender, known)}") from None


def _resolve_through(sender: str, model: type[Model], field_name: str) -> type[Model]:
    try:
        field = model._meta.get_field(field_name)
    except FieldDoesNotExist:
        field = None
    # The field itself keeps it on its relation; seen from the other side it is the relation.
    relation = getattr(field, "remote_field", None)
    through: type[Model] | None = getattr(relation, "through", getattr(field, "through", None))
    if through is None:
        known = [f"{model._meta.label}.{field.name}" for field in model._meta.many_to_many]
        raise SenderError(f"{sender!r} names no many-to-many field.{nearest(sender, known)}")
    return through
