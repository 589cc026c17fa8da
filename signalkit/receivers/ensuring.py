"""Making a row that there has to be, beside whoever else is about to make it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import IntegrityError, connections, transaction
from django.db.models import Model, QuerySet

from signalkit.exceptions import RelatedNotCreated
from signalkit.receivers.links import Link, cached_related


def exists(link: Link, owner: Model, using: str) -> bool:
    """Say whether an owner has its row.

    The database is asked: what the owner holds in memory may have been rolled back or deleted.

    Args:
        link: how it belongs to the owner.
        owner: the owner.
        using: the alias.
    """
    return _rows(link, owner, using).exists()


def pending(link: Link, owner: Model) -> Model | None:
    """Return the row that somebody has given to an owner and not saved yet, None without one.

    The inline of an admin does so, when it is filled in, before the admin saves the owner.

    Args:
        link: how it belongs to the owner.
        owner: the owner.
    """
    cached = cached_related(link, owner)
    return cached if cached is not None and cached._state.adding else None


def make(link: Link, owner: Model, using: str, build: Callable[[type[Model]], Model]) -> Model:
    """Return a new row that belongs to an owner, not saved yet.

    Args:
        link: how it belongs to the owner.
        owner: the owner.
        using: the alias.
        build: makes an object of a model.
    """
    related = build(link.model)
    # Or a router would be asked where it belongs, and might say elsewhere than its owner.
    related._state.db = using
    setattr(related, link.field.name, owner)
    return related


def insert(link: Link, owner: Model, using: str, related: Model, name: str) -> bool:
    """Write a row; return False where somebody else was quicker.

    What is refused is undone to a savepoint: a transaction that is open stays usable. The owner
    then holds the row of whoever was quicker.

    Args:
        link: how it belongs to the owner.
        owner: the owner.
        using: the alias.
        related: the row.
        name: who writes it, for the message.

    Raises:
        RelatedNotCreated: the database refuses the row, and there is no other.
    """
    try:
        with transaction.atomic(using=using):
            # An INSERT and nothing else, or a row whose key is that of its owner would be updated.
            related.save(using=using, force_insert=True)
    except IntegrityError as error:
        winner = _committed(link, owner, using)
        if winner is None:
            raise RelatedNotCreated(_why(link, owner, related, name)) from error
        setattr(winner, link.field.name, owner)
        return False
    return True


def forget(link: Link, owner: Model) -> None:
    """Let an owner not hold a row that was never written.

    Args:
        link: how it belongs to the owner.
        owner: the owner.
    """
    remote: Any = link.field.remote_field
    if cached_related(link, owner) is not None:
        remote.delete_cached_value(owner)


def _rows(link: Link, owner: Model, using: str) -> QuerySet[Any]:
    return link.model._base_manager.using(using).filter(**{link.field.name: owner})


def _committed(link: Link, owner: Model, using: str) -> Model | None:
    """Return the row that kept another one out."""
    rows = _rows(link, owner, using)
    connection = connections[using]
    if connection.vendor != "mysql" or not connection.in_atomic_block:
        return rows.first()
    # MySQL and MariaDB show a transaction what was there at its first read, and a locking read
    # what is. Shared, for it is what the failed INSERT holds already: two that both asked for
    # more would wait for each other.
    sql, parameters = rows.query.get_compiler(using).as_sql()
    found = link.model._base_manager.raw(f"{sql} LOCK IN SHARE MODE", parameters, using=using)
    return next(iter(found), None)


def _why(link: Link, owner: Model, related: Model, name: str) -> str:
    # No values: they may be secrets.
    empty = [
        field.name
        for field in related._meta.concrete_fields
        if not field.null and not field.primary_key and related.__dict__.get(field.attname) is None
    ]
    said = f"{name} cannot make the {link.model._meta.label} of {owner._meta.label}:{owner.pk}: "
    if empty:
        return (
            f"{said}{', '.join(empty)} must have a value. Return it from defaults_for(), or set it "
            "in fill()."
        )
    return f"{said}the database refuses it, for the reason that is told above."
