"""The two sides of a many-to-many relation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db.models import ForeignKey, ManyToManyField, Model


@dataclass(frozen=True)
class Relation:
    """A relation, seen from the model that a receiver names."""

    owner: ForeignKey[Any, Any]
    """The intermediate model's reference to the named model."""

    related: ForeignKey[Any, Any]
    """Its reference to the other one."""

    is_reversed: bool
    """Whether the named model is not the one that declares the field."""

    @classmethod
    def of(cls, label: str, name: str) -> Relation:
        """Look a relation up.

        Args:
            label: of the model.
            name: of its field, or of the relation to it that another model's field makes.
        """
        found: Any = apps.get_model(label)._meta.get_field(name)
        is_reversed = not isinstance(found, ManyToManyField)
        field: Any = found.field if is_reversed else found
        through = field.remote_field.through._meta
        declaring = through.get_field(field.m2m_field_name())
        other = through.get_field(field.m2m_reverse_field_name())
        return cls(*((other, declaring) if is_reversed else (declaring, other)), is_reversed)

    def side(self, *, reverse: bool) -> tuple[ForeignKey[Any, Any], ForeignKey[Any, Any]]:
        """Return the reference to the object that a change was made on, and that to the others.

        Args:
            reverse: what ``m2m_changed`` says: whether that object is not of the model that
                declares the field.
        """
        if reverse == self.is_reversed:
            return self.owner, self.related
        return self.related, self.owner

    def rows(
        self, instance: Model, *, reverse: bool, using: str, among: Iterable[Any] | None = None
    ) -> frozenset[Any]:
        """Read the keys of what an object is related to.

        Args:
            instance: the object.
            reverse: as in :meth:`side`.
            using: the alias of the database.
            among: only those of these keys; None for all.
        """
        here, there = self.side(reverse=reverse)
        wanted: dict[str, Any] = {here.name: key_of(here, instance), f"{there.name}__isnull": False}
        if among is not None:
            wanted[f"{there.name}__in"] = among
        # Whatever manager the intermediate model has: Django deletes by its default one.
        rows = here.model._base_manager.using(using).filter(**wanted)
        return frozenset(rows.values_list(there.attname, flat=True))


def key_of(reference: ForeignKey[Any, Any], instance: Model) -> Any:
    """Return what a reference to an object holds: mostly, but not always, its primary key."""
    return reference.get_foreign_related_value(instance)[0]


def load(reference: ForeignKey[Any, Any], keys: Iterable[Any], using: str) -> list[Any]:
    """Read the objects that a reference with these keys refers to."""
    model: Any = reference.remote_field.model
    wanted = {f"{reference.target_field.attname}__in": keys}
    return list(model._base_manager.using(using).filter(**wanted))
