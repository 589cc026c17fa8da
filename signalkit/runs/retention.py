"""Taking away what is too old, in batches, oldest first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connections, transaction
from django.db.models import Model, QuerySet

from signalkit.runs.windows import last_id_before

BATCH = 5_000
"""So many rows are looked at, and deleted if they are old, in one transaction."""

COUNTED = 100_000
"""So far is counted what would be deleted."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it has come."""

    deleted: int
    """So many rows, all batches together."""

    share: float
    """How much of the way through the ids lies behind, from 0 to 1."""


def prune(
    model: type[Model], using: str, cutoff: datetime, *, batch: int = BATCH
) -> Iterator[Progress]:
    """Delete what began before a moment; say after each batch how far it has come.

    Ids are walked from the lowest up to where the moment is found among them, for there is no
    index on the time. Each batch is a transaction of its own: whoever stops in between loses
    nothing, and begins the next time where the oldest row is. No signals are sent.

    A row that was written more than an hour after it began may lie beyond, and goes with one of
    the next times.

    Args:
        model: the model of the rows.
        using: the alias that holds them.
        cutoff: what began before it goes.
        batch: how many rows to look at in one transaction.
    """
    rows = _up_to(model, using, cutoff)
    start = rows.values_list("pk", flat=True).first()
    end = rows.values_list("pk", flat=True).last()
    if start is None or end is None:
        return
    deleted, low = 0, start - 1
    while low < end:
        high = (
            rows.filter(pk__gt=low).values_list("pk", flat=True)[batch - 1 : batch].first() or end
        )
        deleted += _delete(model, using, low, high, cutoff)
        low = high
        yield Progress(deleted, (high - start + 1) / (end - start + 1))


def count_old(model: type[Model], using: str, cutoff: datetime) -> int:
    """Return how many rows began before a moment, or :data:`COUNTED` if there are more.

    Args:
        model: the model of the rows.
        using: the alias that holds them.
        cutoff: the moment.
    """
    old = _up_to(model, using, cutoff).filter(started__lt=cutoff)
    return old.order_by()[:COUNTED].count()


def _up_to(model: type[Model], using: str, cutoff: datetime) -> QuerySet[Any]:
    rows = model._base_manager.using(using).order_by("pk")
    last = last_id_before(model, using, cutoff)
    return rows if last is None else rows.filter(pk__lte=last)


def _delete(model: type[Model], using: str, low: int, high: int, cutoff: datetime) -> int:
    connection = connections[using]
    quote: Any = connection.ops.quote_name
    moment = connection.ops.adapt_datetimefield_value(cutoff)
    # Nothing in it comes from outside.
    sql = "DELETE FROM {} WHERE {id} > %s AND {id} <= %s AND {} < %s".format(  # noqa: S608
        quote(model._meta.db_table), quote("started"), id=quote("id")
    )
    with transaction.atomic(using=using), connection.cursor() as cursor:
        cursor.execute(sql, [low, high, moment])
        return int(cursor.rowcount)
