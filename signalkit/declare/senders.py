"""What a receiver may name as its sender, and the objects that this stands for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import AppConfig, apps
from django.contrib.auth.signals import user_login_failed
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model
from django.db.models.signals import (
    ModelSignal,
    class_prepared,
    m2m_changed,
    post_delete,
    post_init,
    post_migrate,
    post_save,
    pre_delete,
    pre_init,
    pre_migrate,
    pre_save,
)
from django.dispatch import Signal

from signalkit.catalogue import signal_name
from signalkit.exceptions import SenderError, nearest
from signalkit.types import Sender

_ROW_SIGNALS = (pre_init, post_init, pre_save, post_save, pre_delete, post_delete)
_MIGRATE_SIGNALS = (pre_migrate, post_migrate)


@dataclass(frozen=True, slots=True)
class Targets:
    """What to connect to: objects compared by identity, as Django does, and strings by value.

    Django compares senders by identity, and two equal strings need not be one object, so a
    string that is a sender itself has to be compared by us.
    """

    objects: tuple[Any, ...] = ()
    strings: frozenset[str] = frozenset()


def normalise(sender: Sender) -> tuple[Sender, ...]:
    """Return what was given as ``sender`` as a tuple; empty when anyone may send.

    Raises:
        SenderError: nothing of this type is ever a sender, or a list is empty.
    """
    if sender is None:
        return ()
    senders = tuple(sender) if isinstance(sender, (list, tuple, set, frozenset)) else (sender,)
    if not senders:
        raise SenderError("The list of senders is empty. Leave sender out to hear everyone.")
    for item in senders:
        if item is None or isinstance(item, (bool, int, float, bytes, dict, list, tuple, set)):
            raise SenderError(
                f"{item!r} cannot be a sender; expected a class, 'app_label.ModelName', "
                "settings.AUTH_USER_MODEL, another object that a signal is sent with, or a list "
                "of these."
            )
    return senders


def resolve(signal: Signal, senders: Iterable[Sender], *, include_subclasses: bool) -> Targets:
    """Find the objects that the declared senders stand for. Needs the models to be loaded.

    Raises:
        SenderError: a sender that this signal never has.
    """
    objects: list[Any] = []
    strings: list[str] = []
    for sender in senders:
        found = _resolve_one(signal, sender)
        if isinstance(found, str):
            strings.append(found)
            continue
        _refuse_silent_model(signal, found, include_subclasses)
        objects.extend(_with_subclasses(found) if include_subclasses else [found])
    return Targets(tuple(dict.fromkeys(objects)), frozenset(strings))


def matches_string(sender: Any, strings: frozenset[str]) -> bool:
    """Say whether a signal was sent with one of the strings, or with the model of that label."""
    if isinstance(sender, str):
        return sender in strings
    meta = getattr(sender, "_meta", None)
    return meta is not None and meta.label in strings


def _resolve_one(signal: Signal, sender: Sender) -> Any:
    if isinstance(sender, str):
        return _resolve_string(signal, sender)
    is_model = isinstance(sender, type) and issubclass(sender, Model)
    if isinstance(signal, ModelSignal) and signal not in _MIGRATE_SIGNALS and not is_model:
        raise SenderError(
            f"{sender!r} cannot send {signal_name(signal)}; expected a model class, "
            "'app_label.ModelName' or settings.AUTH_USER_MODEL."
        )
    if signal in _MIGRATE_SIGNALS and not isinstance(sender, AppConfig):
        raise SenderError(
            f"{sender!r} cannot send {signal_name(signal)}; expected an app label or an AppConfig."
        )
    return sender


def _resolve_string(signal: Signal, sender: str) -> Any:
    # These two are sent before, or without, an object that the string could stand for.
    if signal is user_login_failed or signal is class_prepared:
        return sender
    if signal in _MIGRATE_SIGNALS:
        return _resolve_app(sender)
    label, _, rest = sender.partition(".")
    if not isinstance(signal, ModelSignal) and label not in apps.app_configs:
        return sender
    model_name, _, field_name = rest.partition(".")
    model = _resolve_model(sender, label, model_name)
    if not field_name:
        return model
    if signal is not m2m_changed:
        raise SenderError(
            f"{sender!r} names a field; only m2m_changed has fields as its senders. "
            f"Write {label}.{model_name}."
        )
    return _resolve_through(sender, model, field_name)


def _resolve_app(label: str) -> AppConfig:
    try:
        return apps.get_app_config(label)
    except LookupError:
        raise SenderError(
            f"No installed app has the label {label!r}.{nearest(label, apps.app_configs)}"
        ) from None


def _resolve_model(sender: str, label: str, model_name: str) -> type[Model]:
    if not model_name:
        raise SenderError(f"{sender!r} is no sender; expected 'app_label.ModelName'.")
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
    through: type[Model] | None = getattr(
        getattr(field, "remote_field", None), "through", None
    ) or getattr(field, "through", None)
    if through is None:
        known = [f"{model._meta.label}.{field.name}" for field in model._meta.many_to_many]
        raise SenderError(f"{sender!r} names no many-to-many field.{nearest(sender, known)}")
    return through


def _refuse_silent_model(signal: Signal, sender: Any, include_subclasses: bool) -> None:
    """Refuse models that never send this signal."""
    if not (isinstance(sender, type) and issubclass(sender, Model)):
        return
    meta, name = sender._meta, signal_name(signal)
    if meta.abstract and not include_subclasses:
        raise SenderError(
            f"{sender.__qualname__} is abstract and never sends {name}. Name its concrete models, "
            "or set include_subclasses=True."
        )
    if meta.swapped:
        raise SenderError(
            f"{meta.label} is swapped out for {meta.swapped} and never sends {name}. Use "
            "settings.AUTH_USER_MODEL, or the setting that swaps it."
        )
    if signal in _ROW_SIGNALS[2:] and meta.auto_created:
        raise SenderError(
            f"{meta.label} was made by Django for a many-to-many field and never sends {name}. "
            "Use m2m_changed."
        )
    if signal is m2m_changed and not meta.abstract and sender not in _through_models():
        fields = [f"'{meta.label}.{field.name}'" for field in meta.many_to_many]
        hint = f"Write {' or '.join(fields)}." if fields else "It has no many-to-many field."
        raise SenderError(
            f"{meta.label} never sends m2m_changed: its sender is the through model. {hint}"
        )


def _through_models() -> set[Any]:
    return {
        field.remote_field.through
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.local_many_to_many
    }


def _with_subclasses(sender: Any) -> Iterator[Any]:
    """Yield the concrete models among a class and everything that inherits from it."""
    if not isinstance(sender, type) or is_concrete_sender(sender):
        yield sender
    children: list[type] = sender.__subclasses__() if isinstance(sender, type) else []
    for child in children:
        yield from _with_subclasses(child)


def is_concrete_sender(sender: type) -> bool:
    """Say whether a class can be a sender: historical models of migrations are none of ours."""
    if not issubclass(sender, Model):
        return True
    return not sender._meta.abstract and not sender._meta.swapped and sender._meta.apps is apps
