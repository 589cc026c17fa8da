"""What to call a sender."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, TypeAlias

from django.apps import AppConfig
from django.db.models import Model

from signalkit.declare.foreign import described
from signalkit.diagnosis.connections import SignalConnection, Unknown

SenderKind: TypeAlias = Literal[
    "any", "model", "class", "app", "string", "object", "declared", "awaited", "gone", "untold"
]


class SenderLabel(NamedTuple):
    """A sender for people, and of what kind it is."""

    text: str
    kind: SenderKind


def label(connection: SignalConnection) -> SenderLabel:
    """Return what to call the sender of a connection."""
    sender = connection.sender
    # By identity: what a sender's own == answers need not be a boolean.
    if sender is Unknown.ANYONE:
        return _label_of_strings(connection)
    if sender is Unknown.GONE:
        return SenderLabel("a sender that is gone", "gone")
    if sender is Unknown.UNTOLD:
        return SenderLabel("no known object", "untold")
    if sender is Unknown.AWAITED:
        return SenderLabel(str(connection.awaited), "awaited")
    return label_of(sender)


def label_of(sender: Any) -> SenderLabel:
    """Return what to call an object that signals are sent by."""
    if issubclass(type(sender), type):
        if issubclass(sender, Model):
            return SenderLabel(_model_label(sender), "model")
        text = described(lambda: f"{sender.__module__}.{sender.__qualname__}")
        return SenderLabel(text, "class")
    if issubclass(type(sender), AppConfig):
        return SenderLabel(sender.label, "app")
    if issubclass(type(sender), str):
        return SenderLabel(described(lambda: repr(sender)), "string")
    # Never its repr(): that may hold a secret, or query.
    return SenderLabel(described(lambda: f"an object of {type(sender).__qualname__}"), "object")


def _label_of_strings(connection: SignalConnection) -> SenderLabel:
    """Tell signalkit's receivers of anyone from those that compare strings themselves."""
    declaration = connection.declaration
    if declaration is not None and declaration.senders:
        return SenderLabel(" ".join(repr(sender) for sender in declaration.senders), "string")
    return SenderLabel("any", "any")


def _model_label(model: type[Model]) -> str:
    """Return ``app.Model``; for a through model that Django made, ``app.Model.field``."""
    meta = model._meta
    # False, or the model that has the field, where the stubs know only of a boolean
    owner: Any = meta.auto_created
    if owner:
        for field in owner._meta.local_many_to_many:
            if field.remote_field.through is model:
                return f"{owner._meta.label}.{field.name}"
    return f"{meta.label} (abstract)" if meta.abstract else meta.label
