"""Making the rows that are missing because their owners were there before the receiver."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import OperationalError, transaction
from django.db.models import Model, QuerySet
from django.db.models.signals import post_save

from signalkit.declaration import Declaration
from signalkit.dispatch.switches import switches
from signalkit.events import Event
from signalkit.receivers.links import Link
from signalkit.receivers.related import EnsureRelated, owner_models
from signalkit.registry import registry

BATCH = 1_000
"""So many owners are looked at, and their rows made, in one transaction."""

_ATTEMPTS = 3
"""So often a batch is tried that the database undoes: a deadlock, a lock that was not to be had."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it has come."""

    looked_at: int
    """So many owners, all batches together."""

    owners: int
    """Of so many, counted at the beginning."""

    made: int
    """So many rows; those that would be, where nothing is to be written."""


def ensuring_receivers() -> dict[Declaration, EnsureRelated[Any]]:
    """Return the receivers that see to rows and that nobody has replaced."""
    replaced = registry.replaced_by()
    receivers = ((each, getattr(each.call, "__self__", None)) for each in registry)
    return {
        declaration: receiver
        for declaration, receiver in receivers
        if isinstance(receiver, EnsureRelated) and declaration not in replaced
    }


def is_off(declaration: Declaration) -> bool:
    """Say whether a receiver is switched off, so that nobody makes its rows."""
    return switches.why_off(declaration) is not None


def backfill(
    receiver: EnsureRelated[Any], using: str, *, batch: int = BATCH, dry_run: bool = False
) -> Iterator[Progress]:
    """Make the rows that owners lack; say after each batch how far it has come.

    Owners are walked by their primary keys. Each batch is a transaction of its own: whoever stops
    in between loses nothing, and the next call passes over what is there. The receiver's
    conditions and hooks are asked as at the creation of each owner.

    Args:
        receiver: whose rows are missing.
        using: the alias of the owners.
        batch: how many owners to look at in one transaction.
        dry_run: whether to write nothing.

    Raises:
        RelatedNotCreated: the database refuses a row. The batches before are kept.
    """
    tables = [
        receiver.owners(model._base_manager.using(using)) for model in owner_models(type(receiver))
    ]
    number = sum(owners.order_by().count() for owners in tables)
    looked_at = made = 0
    for owners in tables:
        for chunk in _batches(owners.order_by("pk"), batch):
            missing = _missing(receiver, chunk, using)
            made += len(missing) if dry_run else _make(receiver, missing, using)
            looked_at += len(chunk)
            # Owners who were created meanwhile.
            number = max(number, looked_at)
            yield Progress(looked_at, number, made)


def _batches(owners: QuerySet[Any], batch: int) -> Iterator[list[Any]]:
    chunk = list(owners[:batch])
    while chunk:
        yield chunk
        chunk = list(owners.filter(pk__gt=chunk[-1].pk)[:batch]) if len(chunk) == batch else []


def _missing(receiver: EnsureRelated[Any], owners: Sequence[Model], using: str) -> list[Model]:
    """Return those who are to have a row and have none. Reads outside of the transaction."""
    by_link: dict[Link, list[Model]] = defaultdict(list)
    for owner in owners:
        link = receiver.link_for(owner, using)
        if link is not None and receiver.when(_creation(owner, using)):
            by_link[link].append(owner)
    return [
        owner
        for link, chosen in by_link.items()
        for having in [_having(link, chosen, using)]
        for owner in chosen
        if link.field.foreign_related_fields[0].value_from_object(owner) not in having
    ]


def _creation(owner: Model, using: str) -> Event:
    """Return what the receiver would have heard when an owner was created."""
    sent = {"instance": owner, "created": True, "raw": False, "using": using}
    return Event(post_save, type(owner), {**sent, "update_fields": None})


def _having(link: Link, owners: Sequence[Model], using: str) -> set[Any]:
    """Return the values of the link of those who have their row."""
    values = [link.field.foreign_related_fields[0].value_from_object(owner) for owner in owners]
    rows = link.model._base_manager.using(using).filter(**{f"{link.field.name}__in": values})
    return set(rows.values_list(link.field.attname, flat=True))


def _make(receiver: EnsureRelated[Any], owners: Sequence[Model], using: str) -> int:
    """Make the rows of a batch, in the order of their owners; two that run at once wait in line."""
    if not owners:
        return 0
    attempts = _ATTEMPTS
    while True:
        attempts -= 1
        try:
            with transaction.atomic(using=using):
                # It writes first. A transaction of SQLite that has read cannot wait for another.
                return sum(receiver.ensure(owner, using, look_first=False) for owner in owners)
        except OperationalError:
            # In somebody else's transaction there is nothing left to try it in.
            if not attempts or transaction.get_connection(using).in_atomic_block:
                raise
