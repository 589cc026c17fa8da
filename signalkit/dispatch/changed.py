"""Which fields an update changed, without any ``post_init`` receiver.

The row's stored values are read in ``pre_save``, on the save's own alias, by one narrow query
for all receivers that watch the model; ``post_save`` compares them with what was written. So
hand-built and deferred instances, stale copies and ``refresh_from_db`` are all seen rightly, and
models that nobody watches pay nothing.

Limits: the read takes no lock, so that a concurrent transaction's change of the same row may be
attributed to this save; ``update()`` and ``bulk_update()`` send no signal; in ``pre_save`` an
expression such as ``F("stock") - 1`` counts as a change, for only the database knows its value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any

from django.db.models import Field, Model
from django.db.models.signals import pre_save

from signalkit import conf

_ATTRIBUTE = "signalkit_stored"

_watched: dict[type[Model], Counter[str]] = {}


def watch(model: type[Model], names: Iterable[str]) -> None:
    """Begin to read the stored values of some fields before each save of a model."""
    counts = _watched.setdefault(model, Counter())
    counts.update(names)
    pre_save.connect(_remember, sender=model, weak=False, dispatch_uid=_ATTRIBUTE)


def unwatch(model: type[Model], names: Iterable[str]) -> None:
    """Undo one :func:`watch`."""
    counts = _watched[model]
    counts.subtract(names)
    _watched[model] = counts = +counts
    if not counts:
        del _watched[model]
        pre_save.disconnect(sender=model, dispatch_uid=_ATTRIBUTE)


def has_changed(
    names: Iterable[str],
    *,
    sender: type[Model],
    instance: Model,
    using: str,
    update_fields: Collection[str] | None,
    created: bool | None = None,
    **kwargs: Any,
) -> bool:
    """Say whether a save changes, or has changed, one of the named fields of a row that existed.

    The keywords are those of ``pre_save`` and ``post_save``; only the latter has ``created``.
    """
    stored: dict[str, Any] | None = instance._state.__dict__.get(_ATTRIBUTE)
    if created or stored is None:
        return False
    for field in _fields(sender, names, update_fields):
        written = getattr(instance, field.attname)
        if hasattr(written, "resolve_expression"):
            if created is None:
                return True
            written = _read(sender, instance, using, [field])[field.attname]  # type: ignore[index]  # just saved
        if _differ(field, stored[field.attname], written):
            return True
    return False


def _remember(
    *,
    sender: type[Model],
    instance: Model,
    using: str,
    update_fields: Collection[str] | None,
    **kwargs: Any,
) -> None:
    fields = _fields(sender, _watched[sender], update_fields)
    stored = None
    if fields and conf.config().ENABLED and _may_exist(instance):
        stored = _read(sender, instance, using, fields)
    setattr(instance._state, _ATTRIBUTE, stored)


def _may_exist(instance: Model) -> bool:
    """Say whether the row may be there already; False saves the query.

    As Django does, an object that is new and whose key has a default is taken for a new row.
    """
    key = instance._meta.pk
    return instance.pk is not None and not (
        instance._state.adding and (key.has_default() or key.has_db_default())
    )


def _fields(
    model: type[Model], names: Iterable[str], update_fields: Collection[str] | None
) -> list[Field[Any, Any]]:
    fields = [model._meta.get_field(name) for name in names]
    return [
        field
        for field in fields
        if isinstance(field, Field)
        and (update_fields is None or field.name in update_fields or field.attname in update_fields)
    ]


def _read(
    model: type[Model], instance: Model, using: str, fields: list[Field[Any, Any]]
) -> dict[str, Any] | None:
    names = [field.attname for field in fields]
    rows = model._base_manager.using(using).filter(pk=instance.pk).values(*names)
    return next(iter(rows[:1]), None)


def _differ(field: Field[Any, Any], stored: Any, written: Any) -> bool:
    """Compare two values as the database would see them: "1.0" is Decimal("1.00")."""
    try:
        return bool(field.get_prep_value(stored) != field.get_prep_value(written))
    except (TypeError, ValueError):
        return bool(stored != written)
