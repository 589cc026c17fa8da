"""Who did it: a user, or something else that acts."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from django.db.models import Model

from signalkit.context.texts import shown


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it, in plain text that outlives the user's row; each of at most 200 characters.

    Raises:
        TypeError: one of the three is no string.
    """

    type: str
    """The label of the user's model, such as ``"auth.User"``; a word for what is no user."""

    id: str
    """The primary key as text; empty where there is none."""

    label: str
    """The user's name, or what was given."""

    def __post_init__(self) -> None:
        for field in fields(self):
            text = getattr(self, field.name)
            if not isinstance(text, str):
                raise TypeError(
                    f"Actor.{field.name} is {text!r}; expected a string. Give a primary key as "
                    "str(user.pk), or hand the user itself to signalkit.context.use()."
                )
            object.__setattr__(self, field.name, shown(text))


def system(label: str) -> Actor:
    """Return an actor that is no user, such as an import or a scheduler."""
    return Actor(type="system", id="", label=label)


def actor_of(user: Any) -> Actor | None:
    """Describe a user, or an instance of another model that acts.

    Args:
        user: the object. Whatever has no ``is_authenticated`` counts as known.

    Returns:
        the actor, or None for None and for anonymous users.
    """
    if user is None or not getattr(user, "is_authenticated", True):
        return None
    # Not type(user): request.user is wrapped, and answers for what is inside.
    model = user.__class__
    if issubclass(model, Model):
        # A proxy is the same user.
        concrete = model._meta.concrete_model or model
        kind = concrete._meta.label
    else:
        kind = model.__qualname__
    pk = getattr(user, "pk", None)
    named = getattr(user, "get_username", None)
    label = named() if callable(named) else user
    return Actor(type=kind, id="" if pk is None else str(pk), label=str(label))
