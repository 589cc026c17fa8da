"""Senders that a signal never has. Django takes them without a word, and nothing ever happens."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig, apps
from django.db.models import Model
from django.db.models.signals import (
    ModelSignal,
    class_prepared,
    m2m_changed,
    post_delete,
    post_save,
    pre_delete,
    pre_save,
)
from django.dispatch import Signal

from signalkit.catalogue import BuiltinSignal, find
from signalkit.exceptions import SenderError
from signalkit.signal_names import signal_name

_SKIP_AUTO_CREATED = (pre_save, post_save, pre_delete, post_delete)


def refuse_silent(signal: Signal, sender: Any, *, include_subclasses: bool) -> None:
    """Refuse a sender that this signal is never sent with. Needs the models to be loaded.

    Args:
        signal: the signal.
        sender: the object, no longer a string that stands for one.
        include_subclasses: whether its subclasses count too.

    Raises:
        SenderError: what was found, what was expected and what to do.
    """
    if include_subclasses and not isinstance(sender, type):
        raise SenderError(f"{sender!r} is no class, so include_subclasses=True means nothing.")
    is_model = isinstance(sender, type) and issubclass(sender, Model)
    if sender is Model:
        raise SenderError("Model itself never sends anything. Leave sender out to hear all models.")
    builtin = find(signal)
    if builtin is not None:
        _refuse_other_kind(builtin, sender, is_model)
    elif isinstance(signal, ModelSignal) and not is_model:
        raise SenderError(
            f"{sender!r} cannot send {signal_name(signal)}; expected a model class, "
            "'app_label.ModelName' or settings.AUTH_USER_MODEL."
        )
    if is_model and (builtin is not None or isinstance(signal, ModelSignal)):
        _refuse_silent_model(signal, sender, include_subclasses)


def _refuse_other_kind(builtin: BuiltinSignal, sender: Any, is_model: bool) -> None:
    is_right = {
        "model": is_model,
        "class": isinstance(sender, type) and not is_model,
        "user": isinstance(sender, type),
        "app": isinstance(sender, AppConfig),
        "instance": not isinstance(sender, type),
        "other": not is_model,
    }
    if not is_right[builtin.sender_kind]:
        raise SenderError(f"{sender!r} cannot send {builtin.name}; expected {builtin.sender}.")
    if isinstance(sender, AppConfig) and sender.models_module is None:
        raise SenderError(
            f"The app {sender.label!r} has no models, and {builtin.name} is only sent for apps "
            "that have some. Leave sender out, or name another app."
        )


def _refuse_silent_model(signal: Signal, sender: type[Model], include_subclasses: bool) -> None:
    meta, name = sender._meta, signal_name(signal)
    if signal is class_prepared:
        raise SenderError(
            f"{sender.__qualname__} is a class already, so its class_prepared was sent. Write "
            f"'{meta.label}', and declare the receiver before the models are loaded."
        )
    if meta.abstract and not include_subclasses:
        raise SenderError(
            f"{sender.__qualname__} is abstract and never sends {name}. Name its concrete models, "
            "or set include_subclasses=True."
        )
    if meta.swapped:
        raise SenderError(
            f"{meta.label} is swapped out for {meta.swapped} and never sends {name}. Use "
            f"settings.{meta.swappable}."
        )
    if signal in _SKIP_AUTO_CREATED and meta.auto_created:
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
