"""``StatusChanged``: a field has gone from one value to another."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import DEFAULT_DB_ALIAS
from django.db.models import DecimalField, Model
from django.db.models.signals import post_save, pre_save
from django.dispatch import Signal

from signalkit.builtin_events import ModelEvent, PostSave, PreSave
from signalkit.declaration import Origin
from signalkit.declare import mistakes
from signalkit.declare.base import CHANGED_BY_CREATION, ModelReceiver
from signalkit.declare.blame import blame
from signalkit.declare.build import OPTIONS
from signalkit.declare.naming import origin_of_class
from signalkit.dispatch.changed import rounded, value_of, values_of
from signalkit.exceptions import DeclarationError, nearest
from signalkit.receivers.hooks import call_hook, refuse_misspelt, require_hooks
from signalkit.receivers.reading import read_field, read_label, refuse_in_body

M = TypeVar("M", bound=Model)

_HOOKS = ("on_transition",)
_SEVERAL = (list, tuple, set, frozenset)


class _Named:
    """A value that stands for itself."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


ANY: Any = _Named("ANY")
"""Whatever value a row had or has."""

ABSENT: Any = _Named("ABSENT")
"""What a field was before its row was there."""


class Transition(ModelEvent[M]):
    """A save that changed the field, with everything that ``post_save`` carries."""

    __slots__ = ()

    old: Any
    """The value that was stored; :data:`ABSENT` for a new row."""

    new: Any
    """The value that was written. Of a foreign key both are those of its column."""

    if TYPE_CHECKING:

        @property
        def using(self) -> str:
            """The alias of the database."""


class StatusChanged(ModelReceiver, Generic[M], abstract=True):
    """Reacts when a field goes from one value to another.

    ::

        class Shipped(StatusChanged[Order]):
            model = "shop.Order"
            field = "status"
            from_ = ("paid", "packed")
            to = "shipped"
            phase = Phase.AFTER_COMMIT

            def on_transition(self, event):
                print(event.instance, event.old, event.new)

    The old value is the one in the database, read by one narrow query before the save, so that
    stale and hand-built instances are no matter; with ``changed`` it shares its limits: it does not
    see ``update()`` and ``bulk_update()``. With ``signal = pre_save`` it is told before the row is
    written, and may refuse it with a :class:`~signalkit.exceptions.Veto`; :attr:`Transition.new` is
    then what the object has, even an expression, which no value in :attr:`to` but :data:`ANY` is
    equal to.
    """

    signal: ClassVar[Signal | Sequence[Signal] | None] = post_save

    model: ClassVar[Any] = None
    """A class, ``"app_label.ModelName"`` or ``settings.AUTH_USER_MODEL``."""

    field: ClassVar[str | None] = None
    """The name of the field."""

    from_: ClassVar[Any] = ANY
    """The value before; a list or a set of them; :data:`ANY`. A new row counts only if
    :data:`ABSENT` is among them."""

    to: ClassVar[Any] = ANY
    """The value after; a list or a set of them; :data:`ANY`."""

    def __init_subclass__(
        cls, *, abstract: bool = False, replaces: object = None, **kwargs: Any
    ) -> None:
        if not abstract:
            origin = origin_of_class(cls)
            with blame(origin.file):
                _declare(origin, cls)
        super().__init_subclass__(abstract=abstract, replaces=replaces, **kwargs)

    def on_transition(self, event: Transition[M]) -> Any:
        """React. May be a coroutine function."""

    def handle(self, event: Transition[M]) -> Any:
        """Call the hook."""
        return call_hook(self.on_transition, event)

    def at_send(self, event: PreSave[M] | PostSave[M]) -> Transition[M] | None:
        """Look up both values while the save is at it, and pass over the wrong ones."""
        # The guard of changed= has said yes, so it is a new row or an instance that was saved.
        instance: object = event.instance
        if not isinstance(instance, Model):
            return None
        name = str(self.field)
        if event.payload.get("created"):
            old, new = ABSENT, value_of(name, event.payload)
        else:
            old, new = values_of(name, event.payload)
        # One that is sent by hand may lack the alias.
        using = event.using or DEFAULT_DB_ALIAS
        new = _as_read(instance._meta.get_field(name), using, new)
        if not (_is_among(old, self.from_) and _is_among(new, self.to)):
            return None
        return Transition(event.signal, event.sender, {**event.payload, "old": old, "new": new})


def _is_among(value: Any, wanted: Any) -> bool:
    # ABSENT, too: the guard lets new rows pass only where it is among them.
    return any(each is ANY or each == value for each in _values(wanted))


def _values(wanted: Any) -> Collection[Any]:
    return wanted if isinstance(wanted, _SEVERAL) else (wanted,)


def _as_read(field: Any, using: str, value: Any) -> Any:
    """Return a value as it will be once it is read from the database."""
    if hasattr(value, "resolve_expression"):
        return value
    try:
        if isinstance(field, DecimalField):
            return rounded(field, using, value)
        return field.to_python(value)
    except (ValidationError, ArithmeticError, TypeError, ValueError):
        # In pre_save; the save itself is about to say so.
        return value


def _declare(origin: Origin, cls: type[StatusChanged[Any]]) -> None:
    options = ("signal", "sender", "model", "field", "from_", "to")
    mistakes.refuse(origin, cls, (*OPTIONS, *options))
    refuse_in_body(origin, cls, "sender", "model")
    refuse_in_body(origin, cls, "changed", "field")
    refuse_in_body(origin, cls, "created", "from_: a new row comes from ABSENT")
    cls.sender = read_label(origin, cls.model)
    cls.changed = (read_field(origin, cls.field, "status"),)
    refuse_misspelt(origin, cls, _HOOKS)
    require_hooks(origin, cls, StatusChanged, _HOOKS)
    _refuse_values(origin, cls)
    counts = any(each is ABSENT for each in _values(cls.from_))
    if counts and cls.signal is not post_save:
        raise DeclarationError(
            f"{origin}: from_ has ABSENT, but before the save nobody knows whether a row is new. "
            "Use signal = post_save, which is the default."
        )
    setattr(cls, CHANGED_BY_CREATION, counts)
    if cls.signal is not post_save and cls.signal is not pre_save:
        raise DeclarationError(
            f"{origin}: signal is {cls.signal!r}; expected post_save or pre_save, one of them."
        )


def _refuse_values(origin: Origin, cls: type[StatusChanged[Any]]) -> None:
    for option in ("from_", "to"):
        values = _values(getattr(cls, option))
        if not values:
            raise DeclarationError(
                f"{origin}: {option} is empty, so it would never run. Leave it out for any value."
            )
        for value in values:
            _refuse_unknown_choice(origin, cls, option, value)
    if any(each is ABSENT for each in _values(cls.to)):
        raise DeclarationError(
            f"{origin}: to has ABSENT, but a deletion is no change of a field. Hear post_delete "
            "with a ModelReceiver."
        )


def _refuse_unknown_choice(
    origin: Origin, cls: type[StatusChanged[Any]], option: str, value: Any
) -> None:
    """Refuse a value that the field's choices have not, where the models are loaded."""
    if value is ANY or value is ABSENT or not apps.models_ready:
        return
    try:
        field: Any = apps.get_model(str(cls.sender))._meta.get_field(str(cls.field))
    except (LookupError, FieldDoesNotExist):
        # Said in better words when the sender and changed= are looked at.
        return
    # Only those that are written down: choices that are worked out may change.
    if not isinstance(getattr(field, "choices", None), list):
        return
    known = [choice for choice, _ in field.flatchoices]
    if value in known or (value is None and field.null) or (value == "" and field.blank):
        return
    raise DeclarationError(
        f"{origin}: {option} has {value!r}, which is none of the choices of {cls.field}: "
        f"{', '.join(map(repr, known))}.{nearest(str(value), map(str, known))}"
    )
