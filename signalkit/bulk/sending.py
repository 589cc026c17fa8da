"""What is sent around a bulk write of a watched model, and in which transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from types import MappingProxyType
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db import connections, transaction
from django.db.models import Model, QuerySet
from django.db.models.sql import UpdateQuery

from signalkit.bulk.signals import (
    BulkSignal,
    post_bulk_create,
    post_bulk_update,
    post_update,
    pre_bulk_create,
    pre_bulk_update,
    pre_update,
)
from signalkit.bulk.state import state
from signalkit.transactions.opened import in_transaction

Original = Callable[..., Any]

# On the query and not on the queryset, for a query hands its attributes on to its copies: so the
# updates that bulk_update() makes are told from those that somebody makes meanwhile.
_IN_BULK_UPDATE = "signalkit_in_bulk_update"


def bulk_create(
    original: Original,
    queryset: QuerySet[Any],
    objs: Iterable[Any],
    batch_size: int | None = None,
    ignore_conflicts: bool = False,
    update_conflicts: bool = False,
    update_fields: Iterable[str] | None = None,
    unique_fields: Iterable[str] | None = None,
) -> Any:
    """Insert objects as Django does, and tell of it."""
    model = queryset.model
    update_fields, unique_fields = _listed(update_fields), _listed(unique_fields)
    options = {
        "batch_size": batch_size,
        "ignore_conflicts": ignore_conflicts,
        "update_conflicts": update_conflicts,
        "update_fields": update_fields,
        "unique_fields": unique_fields,
    }
    if _is_heard(model, pre_bulk_create, post_bulk_create):
        given, objs = objs, list(objs)
        if objs:
            using = _write_alias(queryset)
            payload = {"objs": tuple(objs), **options, "using": using}
            with _transaction(using):
                pre_bulk_create.send(model, **payload)
                created = original(queryset, objs, **options)
                post_bulk_create.send(model, **payload)
            return created
        # Django returns what it was given where that is empty.
        objs = given
    return original(queryset, objs, **options)


def bulk_update(
    original: Original,
    queryset: QuerySet[Any],
    objs: Iterable[Any],
    fields: Iterable[str],
    batch_size: int | None = None,
) -> Any:
    """Write fields of objects as Django does, and tell of it."""
    model = queryset.model
    objs, fields = tuple(objs), tuple(fields)
    heard = objs and _is_heard(model, pre_bulk_update, post_bulk_update)
    names = _field_names(model, fields) if heard else ()
    if not names:
        return _without_updates(original, queryset, objs, fields, batch_size)
    using = _write_alias(queryset)
    payload = {"objs": objs, "fields": names, "batch_size": batch_size, "using": using}
    with _transaction(using):
        pre_bulk_update.send(model, **payload)
        rows = _without_updates(original, queryset, objs, fields, batch_size)
        post_bulk_update.send(model, **payload, rows=rows)
    return rows


def _without_updates(original: Original, queryset: QuerySet[Any], *args: Any) -> Any:
    """Call Django's ``bulk_update()``, and say nothing of the updates that it consists of."""
    query = queryset.query
    if hasattr(query, _IN_BULK_UPDATE):
        return original(queryset, *args)
    setattr(query, _IN_BULK_UPDATE, True)
    try:
        return original(queryset, *args)
    finally:
        delattr(query, _IN_BULK_UPDATE)


def update(original: Original, queryset: QuerySet[Any], values: dict[str, Any]) -> Any:
    """Update rows as Django does, and tell of it."""
    model, query = queryset.model, queryset.query
    is_told = (
        not hasattr(query, _IN_BULK_UPDATE)
        and _is_heard(model, pre_update, post_update)
        # Django refuses these.
        and not query.is_sliced
        and not query.combinator
    )
    named = _by_field_name(model, values) if is_told else {}
    if not named:
        return original(queryset, **values)
    using = _write_alias(queryset)
    payload = {"values": MappingProxyType(named), "fields": tuple(named), "using": using}
    with _transaction(using):
        pre_update.send(model, **payload, queryset=queryset.using(using))
        pks = _pks(model, queryset.using(using))
        rows = original(queryset, **values)
        post_update.send(model, **payload, rows=rows, pks=pks)
    return rows


def update_batch(
    original: Original,
    query: UpdateQuery,
    pk_list: list[Any],
    values: Mapping[str, Any],
    using: str,
) -> Any:
    """Update rows by their keys as a deletion does, and tell of it.

    Django does not ask how many rows there were.
    """
    model: Any = query.model
    if not _is_heard(model, pre_update, post_update):
        return original(query, pk_list, values, using)
    named = _by_field_name(model, values)
    payload = {"values": MappingProxyType(named), "fields": tuple(named), "using": using}
    rows = model._base_manager.using(using).filter(pk__in=pk_list)
    pks = tuple(pk_list) if model in state.with_pks else None
    with _transaction(using):
        pre_update.send(model, **payload, queryset=rows)
        result = original(query, pk_list, values, using)
        post_update.send(model, **payload, rows=None, pks=pks)
    return result


def _is_heard(model: type[Model], pre: BulkSignal, post: BulkSignal) -> bool:
    return pre.has_listeners(model) or post.has_listeners(model)


def _pks(model: type[Model], rows: QuerySet[Any]) -> tuple[Any, ...] | None:
    """Return the keys of the rows, each once; None where nobody asks for them."""
    if model not in state.with_pks or not post_update.has_listeners(model):
        return None
    keys = rows.order_by().values_list("pk", flat=True)
    # UPDATE takes no notice of it: what others have locked is waited for, and not skipped.
    keys.query.select_for_update = False
    # A join may find a row more often.
    return tuple(dict.fromkeys(keys))


def _transaction(using: str) -> AbstractContextManager[Any]:
    """Return a block in which what a receiver raises undoes the write, where that is not so yet.

    In a transaction that is open already, another block would either lose it for a caller who
    catches the error, or cost a savepoint.
    """
    if in_transaction(connections[using]):
        return nullcontext()
    return transaction.atomic(using=using)


def _write_alias(queryset: QuerySet[Any]) -> str:
    # Django's methods begin so, too; a router is then asked where to write.
    queryset._for_write = True  # type: ignore[attr-defined]
    return queryset.db


def _listed(names: Iterable[str] | None) -> tuple[str, ...] | None:
    return None if names is None else tuple(names)


def _field_names(model: type[Model], names: Iterable[str]) -> tuple[str, ...]:
    """Return the names of fields, whatever they were given by; nothing if Django refuses one."""
    try:
        return tuple(model._meta.get_field(name).name for name in names)
    except FieldDoesNotExist:
        return ()


def _by_field_name(model: type[Model], values: Mapping[str, Any]) -> dict[str, Any]:
    return dict(zip(_field_names(model, values), values.values(), strict=False))
