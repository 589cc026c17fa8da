"""How a row belongs to its owner: the one-to-one field that leads from it to the owner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db.models import Model, OneToOneField

from signalkit.exceptions import DeclarationError, nearest


@dataclass(frozen=True, slots=True)
class Link:
    """A model, and the field of it that leads to an owner."""

    model: type[Model]
    """The one that was named. The field may be that of a parent, or of what it is a proxy for."""

    field: OneToOneField[Any, Any]


def resolve_model(model: type[Model] | str) -> type[Model]:
    """Return the model that a class or a label stands for. Needs the models to be loaded.

    Raises:
        DeclarationError: there is no such model, or it has no rows.
    """
    found = model if isinstance(model, type) else _by_label(model)
    for is_so, what in (
        (found._meta.abstract, "abstract"),
        (found._meta.swapped, f"swapped for {found._meta.swapped}"),
    ):
        if is_so:
            raise DeclarationError(f"{found._meta.label} is {what}, so it has no rows.")
    return found


def find_link(related: type[Model], owner: type[Model], name: str | None) -> Link:
    """Return how a row belongs to its owner.

    Args:
        related: the model of the row.
        owner: the model of the owner.
        name: what the field is called; None finds the only one there is.

    Raises:
        DeclarationError: there is no such field, or none can be chosen.
    """
    links = {
        field.name: Link(related, field)
        for field in related._meta.concrete_fields
        if isinstance(field, OneToOneField) and _leads(field, owner)
    }
    if name is not None and name in links:
        return links[name]
    if name is None and len(links) == 1:
        return next(iter(links.values()))
    label, owned = related._meta.label, owner._meta.label
    if name is not None:
        raise DeclarationError(
            f"{label} has no OneToOneField {name!r} to {owned}.{nearest(name, links)}"
        )
    if links:
        raise DeclarationError(
            f"{label} has several OneToOneFields to {owned}: {', '.join(links)}. Say which one is "
            "meant: link = "
            f"{next(iter(links))!r}."
        )
    raise DeclarationError(
        f"{label} has no OneToOneField to {owned}, and only that keeps two requests from making "
        "two rows."
    )


def cached_related(link: Link, owner: Model) -> Model | None:
    """Return the row that an owner holds in memory, loaded or not yet saved; None without one."""
    remote: Any = link.field.remote_field
    # Django keeps all that is hidden in one place, whatever it is.
    if remote.hidden:
        return None
    found: Model | None = remote.get_cached_value(owner, default=None)
    return found


def _leads(field: OneToOneField[Any, Any], owner: type[Model]) -> bool:
    # That of a child to its parent's table is no link: the row is a part of its owner.
    remote: Any = field.remote_field
    if remote.parent_link or isinstance(remote.model, str):
        return False
    return issubclass(owner, remote.model._meta.concrete_model)


def _by_label(label: str) -> type[Model]:
    try:
        return apps.get_model(label)
    except (LookupError, ValueError):
        known = [model._meta.label for model in apps.get_models()]
        raise DeclarationError(f"There is no model {label!r}.{nearest(label, known)}") from None
