"""Receivers that remember what they were told of bulk writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Model, QuerySet
from django.dispatch import Signal

from signalkit import bulk
from tests.dispatch.recording import listen

CREATE = (bulk.pre_bulk_create, bulk.post_bulk_create)
BULK_UPDATE = (bulk.pre_bulk_update, bulk.post_bulk_update)
UPDATE = (bulk.pre_update, bulk.post_update)
ALL = (*CREATE, *BULK_UPDATE, *UPDATE)

NAMES = {
    bulk.pre_bulk_create: "pre_bulk_create",
    bulk.post_bulk_create: "post_bulk_create",
    bulk.pre_bulk_update: "pre_bulk_update",
    bulk.post_bulk_update: "post_bulk_update",
    bulk.pre_update: "pre_update",
    bulk.post_update: "post_update",
}


def names(
    sender: type[Model] | list[type[Model]] | None, signals: Sequence[Signal] = ALL, **options: Any
) -> list[str]:
    """Listen; return the list that grows by the name of each signal."""
    return listen(list(signals), sender, note=lambda named: NAMES[named["signal"]], **options)


def payloads(
    sender: type[Model] | None, signals: Sequence[Signal] = ALL, **options: Any
) -> list[dict[str, Any]]:
    """Listen; return the list that grows by what each signal carries; querysets are evaluated."""

    def note(named: dict[str, Any]) -> dict[str, Any]:
        return {
            key: list(value) if isinstance(value, QuerySet) else value
            for key, value in named.items()
            if key != "signal"
        }

    return listen(list(signals), sender, note=note, **options)


def told(named: dict[str, Any]) -> tuple[str, type[Model]]:
    """Make a note of the signal and its sender."""
    return NAMES[named["signal"]], named["sender"]
