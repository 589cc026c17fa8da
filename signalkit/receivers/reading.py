"""The ``model`` that a receiver names, and the fields of it."""

from __future__ import annotations

from typing import Any

from django.db.models import Model

from signalkit.declaration import Origin
from signalkit.exceptions import DeclarationError


def read_label(origin: Origin, value: Any) -> str:
    """Return the label of a model that was named.

    Args:
        origin: who named it.
        value: a class, ``"app_label.ModelName"`` or ``settings.AUTH_USER_MODEL``.

    Raises:
        DeclarationError: it is none of these.
    """
    if isinstance(value, type) and issubclass(value, Model):
        return value._meta.label
    if isinstance(value, str) and value.count(".") == 1:
        return value
    raise DeclarationError(
        f"{origin}: model is {value!r}; expected a model, 'app_label.ModelName' or "
        "settings.AUTH_USER_MODEL."
    )


def read_field(origin: Origin, value: Any, example: str) -> str:
    """Return the name of a field.

    Args:
        origin: who named it.
        value: what was given.
        example: such a name, for the message.

    Raises:
        DeclarationError: it is no name.
    """
    if isinstance(value, str) and value.isidentifier():
        return value
    raise DeclarationError(
        f"{origin}: field is {value!r}; expected the name of one field, such as {example!r}."
    )


def refuse_in_body(origin: Origin, cls: type, option: str, instead: str) -> None:
    """Refuse an option that follows from others.

    Raises:
        DeclarationError: the class sets it.
    """
    if option in vars(cls):
        raise DeclarationError(
            f"{origin} sets {option}, which follows from {instead}. Leave it out."
        )
