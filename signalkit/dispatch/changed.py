"""Which fields an update changed, without any ``post_init`` receiver.

The row's stored values are read in ``pre_save``, on the save's own alias, by one narrow query
for all receivers that watch the model; ``post_save`` compares them with what was written. So
hand-built and deferred instances, stale copies and ``refresh_from_db`` are all seen rightly, and
models that nobody watches pay nothing.

What was read belongs to one save, not to the object: a receiver may save the same object again,
inside the save that it was told of, and a save may fail half-way. Django tells a receiver nothing
that would say which save it is in, so saves are told apart by the frame of ``save_base`` that
sends the signals.

Limits: the read takes no lock, so that a concurrent transaction's change of the same row may be
attributed to this save; ``update()`` and ``bulk_update()`` send no signal. In ``pre_save``, what
only the database or the save itself works out is not known yet: an expression such as
``F("stock") - 1`` and a generated field count as changed, ``auto_now`` does not. In ``post_save``
expressions and generated fields cost one more query. An object that is new and whose primary key
has a default is taken for a new row, as Django does, even if ``force_update`` says otherwise.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal
from threading import get_ident
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import DecimalField, Field, JSONField, Model
from django.db.models.base import ModelState
from django.db.models.signals import pre_save

from signalkit import conf
from signalkit.dispatch import callstack
from signalkit.dispatch.keys import has_key

_UID = "signalkit.changed"

_watched: dict[type[Model], Counter[str]] = {}


class _Save:
    """One save of an object whose row existed before."""

    __slots__ = ("changed", "fields", "stored", "using", "written")

    def __init__(self, using: str, fields: list[Field[Any, Any]], stored: dict[str, Any]) -> None:
        self.using = using
        self.fields = fields
        self.stored = stored
        self.changed: frozenset[str] | None = None
        """The names of the fields that it changed, once they are written."""

        self.written: dict[str, Any] = {}
        """What was written, by attname; with :attr:`changed`."""


_Key: TypeAlias = tuple[int, int]
"""The thread that a save is in, and the id of its frame."""

# By the state, not the object: that one may be unhashable, and is pickled and copied with all its
# attributes. The state lives as long as the object does.
_saves: WeakKeyDictionary[ModelState, dict[_Key, _Save]] = WeakKeyDictionary()


def watch(model: type[Model], names: Iterable[str]) -> None:
    """Begin to read the stored values of some fields before each save of a model."""
    # New counters, never changed ones: a save in another thread goes through them just now.
    _watched[model] = _watched.get(model, Counter()) + Counter(names)
    pre_save.connect(remember, sender=model, weak=False, dispatch_uid=_UID)


def unwatch(model: type[Model], names: Iterable[str]) -> None:
    """Undo one :func:`watch`."""
    _watched[model] = counts = _watched[model] - Counter(names)
    if not counts:
        del _watched[model]
        pre_save.disconnect(sender=model, dispatch_uid=_UID)


def has_changed(names: Collection[str], sender: Any, named: Mapping[str, Any]) -> bool:
    """Say whether a save changes, or has changed, one of the named fields of a row that existed.

    Args:
        names: names or attnames of watched fields.
        sender: the model that is saved.
        named: the keywords of ``pre_save`` or ``post_save``; only the latter has ``created``.
    """
    if named.get("created"):
        return False
    instance = named.get("instance")
    if not isinstance(instance, Model):
        # Sent by hand, with a stand-in or nothing: there is no row that could have changed.
        return False
    save = _saves.get(instance._state, {}).get(_this_save())
    if save is None:
        return False
    if "created" not in named:
        return any(
            _will_change(save, field, instance)
            for field in save.fields
            if field.name in names or field.attname in names
        )
    if save.changed is None:
        # For all who ask during this save: one of them may alter the object.
        save.changed = _written_changes(save, sender, instance)
    return not save.changed.isdisjoint(names)


def values_of(name: str, named: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return the value of a watched field before and after the save that it was changed by.

    Args:
        name: the name of the field.
        named: the keywords of the signal, about which :func:`has_changed` has said yes.

    Returns:
        The stored value, and the one that was written; in ``pre_save`` the one that the object
        has, which may be an expression. A foreign key's is that of its column.
    """
    instance = named["instance"]
    save = _saves[instance._state][_this_save()]
    attname = instance._meta.get_field(name).attname
    written = save.written if "created" in named else {attname: getattr(instance, attname)}
    return save.stored[attname], written[attname]


def value_of(name: str, named: Mapping[str, Any]) -> Any:
    """Return the value of a field of a row that was just made.

    Args:
        name: the name of the field.
        named: the keywords of ``post_save``.
    """
    instance = named["instance"]
    field = instance._meta.get_field(name)
    value = getattr(instance, field.attname)
    if not _is_expression(value):
        return value
    row = _read(type(instance), instance, named["using"], [field]) or {}
    return row.get(field.attname)


def remember(
    *,
    sender: type[Model],
    instance: Model | None = None,
    using: str = DEFAULT_DB_ALIAS,
    raw: bool = False,
    update_fields: Collection[str] | None = None,
    **kwargs: Any,
) -> None:
    """Read what is stored; connected to ``pre_save``, ahead of every receiver that asks."""
    if not isinstance(instance, Model):
        return
    saves, this = _saves.get(instance._state), _this_save()
    if saves:
        _forget_ended(saves, this)
    fields = _fields(sender, _watched.get(sender, ()), update_fields)
    if not fields or not conf.config().ENABLED or not _may_exist(instance, raw):
        return
    stored = _read(sender, instance, using, fields)
    if stored is not None:
        _saves.setdefault(instance._state, {})[this] = _Save(using, fields, stored)


def differs_from_stored(instance: Model, using: str) -> bool | None:
    """Say whether an object is not what is stored of it, as far as it is loaded.

    Args:
        instance: the object, saved before.
        using: the alias.

    Returns:
        None where nothing is stored.
    """
    model, held = type(instance), instance.__dict__
    fields = [
        field
        for field in model._meta.concrete_fields
        if field.attname in held and not field.primary_key and not field.generated
    ]
    stored = _read(model, instance, using, fields)
    if stored is None:
        return None
    save = _Save(using, fields, stored)
    return any(_will_change(save, field, instance) for field in fields)


def _this_save() -> _Key:
    frame = callstack.nearest(Model.save_base.__code__)
    # No frame has the id 0: a signal that somebody sent by hand.
    return get_ident(), 0 if frame is None else id(frame)


def _forget_ended(saves: dict[_Key, _Save], this: _Key) -> None:
    """Forget the saves of this thread, and of threads that are no more, that have ended.

    A new frame may have the id of an old one. What another thread is doing is not known here.
    """
    running, threads = callstack.running(), callstack.threads()
    # Green threads have idents that say nothing of the threads that there are.
    are_known = this[0] in threads
    for key in list(saves):
        thread, frame = key
        is_own = thread == this[0]
        ended = frame not in running if is_own else are_known and thread not in threads
        if key == this or ended:
            saves.pop(key, None)


def _may_exist(instance: Model, raw: bool) -> bool:
    """Say whether the row may be there already; False saves the query."""
    if not has_key(instance):
        return False
    defaults = all(f.has_default() or f.has_db_default() for f in instance._meta.pk_fields)
    return raw or not (instance._state.adding and defaults)


def _fields(
    model: type[Model], names: Iterable[str], update_fields: Collection[str] | None
) -> list[Field[Any, Any]]:
    fields = [model._meta.get_field(name) for name in names]
    return [
        field
        for field in dict.fromkeys(fields)
        if isinstance(field, Field)
        and (
            update_fields is None
            or field.name in update_fields
            or field.attname in update_fields
            or field.generated
        )
    ]


def _read(
    model: type[Model], instance: Model, using: str, fields: list[Field[Any, Any]]
) -> dict[str, Any] | None:
    names = [field.attname for field in fields]
    rows = model._base_manager.using(using).filter(pk=instance.pk).values(*names)
    return next(iter(rows[:1]), None)


def _will_change(save: _Save, field: Field[Any, Any], instance: Model) -> bool:
    if field.generated:
        return True
    value = getattr(instance, field.attname)
    # A file that is to be stored has no name yet that could be compared.
    if _is_expression(value) or not getattr(value, "_committed", True):
        return True
    return _differ(field, save.using, save.stored[field.attname], value)


def _written_changes(save: _Save, sender: type[Model], instance: Model) -> frozenset[str]:
    # By __dict__: what Django could not get back from an UPDATE is deferred, one query per field.
    held, names = instance.__dict__, [f.attname for f in save.fields if not f.generated]
    written = {
        name: held[name] for name in names if name in held and not _is_expression(held[name])
    }
    unknown = [field for field in save.fields if field.attname not in written]
    if unknown:
        # None: another receiver has deleted the row, which is not a change of a field.
        row = _read(sender, instance, save.using, unknown) or save.stored
        written.update({field.attname: row[field.attname] for field in unknown})
    save.written = written
    changed = [
        field
        for field in save.fields
        if _differ(field, save.using, save.stored[field.attname], written[field.attname])
    ]
    return frozenset(name for field in changed for name in (field.name, field.attname))


def _is_expression(value: object) -> bool:
    return hasattr(value, "resolve_expression")


def _differ(field: Field[Any, Any], using: str, stored: Any, written: Any) -> bool:
    """Compare two values as the database would see them: "1.0" is Decimal("1.00")."""
    try:
        if isinstance(field, JSONField):
            return bool(_as_json(field, stored) != _as_json(field, written))
        if _is_equal(stored, written):
            return False
        if isinstance(field, DecimalField):
            return rounded(field, using, stored) != rounded(field, using, written)
        return not _is_equal(field.get_prep_value(stored), field.get_prep_value(written))
    except (TypeError, ValueError, ArithmeticError, ValidationError):
        # Not a value of this field at all; the save itself is about to say so.
        return not _is_equal(stored, written)


def _is_equal(one: Any, other: Any) -> bool:
    """Say whether two values are equal; not so where they do not know, as arrays may not."""
    try:
        return bool(one == other)
    except (TypeError, ValueError):
        return False


def rounded(field: DecimalField[Any, Any], using: str, value: Any) -> Decimal | None:
    """Round a number as its column does.

    Args:
        field: the field.
        using: the alias.
        value: whatever the field takes for a number.

    Raises:
        django.core.exceptions.ValidationError: it is no number.
        decimal.InvalidOperation: the column has no room for it.
    """
    number: Decimal | None = field.to_python(value)
    if number is None or field.decimal_places is None:
        return number
    # SQLite keeps what it is given, and Django rounds it when it is read.
    is_sqlite = connections[using].vendor == "sqlite"
    return number.quantize(
        Decimal(1).scaleb(-field.decimal_places),
        rounding=ROUND_HALF_EVEN if is_sqlite else ROUND_HALF_UP,
        context=Context(prec=field.max_digits),
    )


def _as_json(field: JSONField[Any, Any], value: Any) -> Any:
    """Return a value as JSON has it: tuples are lists, and True is not 1, but 1 is 1.0."""
    if value is None:
        return None
    return json.loads(json.dumps(value, cls=field.encoder), parse_int=_number, parse_float=_number)


def _number(literal: str) -> tuple[str, Decimal]:
    return "number", Decimal(literal)
