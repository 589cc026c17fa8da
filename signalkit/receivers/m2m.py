"""``M2MReceiver``: what a many-to-many relation gained and lost, from whichever side."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db.models import ManyToManyField, ManyToManyRel, Model
from django.db.models.signals import m2m_changed

from signalkit.builtin_events import M2MChanged
from signalkit.declaration import Origin
from signalkit.declare import mistakes
from signalkit.declare.base import ModelReceiver
from signalkit.declare.blame import blame
from signalkit.declare.build import OPTIONS
from signalkit.declare.naming import origin_of_class
from signalkit.events import Event
from signalkit.exceptions import DeclarationError
from signalkit.receivers.hooks import call_hook, refuse_misspelt, require_hooks
from signalkit.receivers.m2m_relation import Relation, key_of, load
from signalkit.receivers.m2m_steps import Keys, SetCall, keep, take
from signalkit.receivers.reading import read_field, read_label, refuse_in_body
from signalkit.types import Sender

Owner = TypeVar("Owner", bound=Model)
Related = TypeVar("Related", bound=Model)

_HOOKS = ("on_added", "on_removed", "on_cleared", "on_changed")


class Links(Event, Generic[Owner, Related]):
    """Objects of one side of a relation, each with all of some objects of the other.

    On one of the sides it is the one object whose relation was changed. It is true if there are
    any. Where the intermediate model refers to something else than the primary key, that is what
    is a key here.
    """

    __slots__ = ()

    owner_pks: frozenset[Any]
    """The keys on the side of the model that the receiver names."""

    related_pks: frozenset[Any]
    """The keys on the other side."""

    if TYPE_CHECKING:

        @property
        def using(self) -> str:
            """The alias of the database."""

    @property
    def pairs(self) -> Iterator[tuple[Any, Any]]:
        """Each owner's key with each related object's."""
        return product(self.owner_pks, self.related_pks)

    @property
    def owners(self) -> list[Owner]:
        """The objects of the model that the receiver names, read now unless it is the one."""
        relation: Relation = self._payload["relation"]
        here, _ = relation.side(reverse=self._payload["reverse"])
        if here is relation.owner:
            return [self.instance]
        return load(relation.owner, self.owner_pks, self.using)

    @property
    def related(self) -> list[Related]:
        """The objects of the other side, read now unless it is the one."""
        relation: Relation = self._payload["relation"]
        here, _ = relation.side(reverse=self._payload["reverse"])
        if here is relation.related:
            return [self.instance]
        return load(relation.related, self.related_pks, self.using)

    def __bool__(self) -> bool:
        return bool(self.owner_pks and self.related_pks)


class M2MChange(Event, Generic[Owner, Related]):
    """One call of ``add()``, ``remove()``, ``clear()`` or ``set()``, and what came of it."""

    __slots__ = ()

    change: str
    """``"add"``, ``"remove"``, ``"clear"`` or ``"set"``."""

    added: Links[Owner, Related]
    """What is related now and was not."""

    removed: Links[Owner, Related]
    """What was related and is not any more."""

    reverse: bool
    """Whether it was called on the side that does not declare the field."""

    if TYPE_CHECKING:

        @property
        def instance(self) -> Owner | Related:
            """The object that it was called on."""

        @property
        def using(self) -> str:
            """The alias of the database."""


class M2MReceiver(ModelReceiver, Generic[Owner, Related], abstract=True):
    """Reacts to changes of a many-to-many relation.

    ::

        class TagCount(M2MReceiver[Book, Tag]):
            model = "shop.Book"
            field = "tags"

            def on_added(self, links):
                Tag.objects.filter(pk__in=links.related_pks).update(used=F("used") + 1)

    ``book.tags.add(tag)`` and ``tag.books.add(book)`` are the same to it: the owner is the object
    of the model that it names. It is told of what was really added and removed, not of what
    somebody asked for; of nothing it is not told. A call of ``set()`` is one event.

    Each removal costs two narrow queries. Rows of an intermediate model that are saved or deleted
    themselves, and the deletion of an object with its rows, send no ``m2m_changed``. A symmetrical
    relation is told once, with the object as the owner that it was called on.
    """

    model: ClassVar[Any] = None
    """A class, ``"app_label.ModelName"`` or ``settings.AUTH_USER_MODEL``."""

    field: ClassVar[str | None] = None
    """The name of the many-to-many field; or, for the other side, of the relation to it."""

    def __init_subclass__(
        cls, *, abstract: bool = False, replaces: object = None, **kwargs: Any
    ) -> None:
        if not abstract:
            origin = origin_of_class(cls)
            with blame(origin.file):
                _declare(origin, cls)
        super().__init_subclass__(abstract=abstract, replaces=replaces, **kwargs)

    def on_added(self, links: Links[Owner, Related]) -> Any:
        """React to what was added, by ``add()`` or ``set()``."""

    def on_removed(self, links: Links[Owner, Related]) -> Any:
        """React to what was removed, by ``remove()`` or ``set()``."""

    def on_cleared(self, links: Links[Owner, Related]) -> Any:
        """React to what ``clear()`` removed; by default as to any removal."""
        return call_hook(self.on_removed, links)

    def on_changed(self, event: M2MChange[Owner, Related]) -> Any:
        """React to a call, whatever it added and removed.

        By default the other hooks are called, with a part each. A subclass that writes this one
        has a ``set()`` in one piece; the others are then not called, unless it calls
        ``super().on_changed(event)``.
        """
        if event.removed:
            hook = self.on_cleared if event.change == "clear" else self.on_removed
            call_hook(hook, event.removed)
        if event.added:
            call_hook(self.on_added, event.added)

    def handle(self, event: M2MChange[Owner, Related]) -> Any:
        """Call the hooks."""
        return call_hook(self.on_changed, event)

    def at_send(self, event: M2MChanged[Any]) -> M2MChange[Owner, Related] | None:
        """Put the steps together of which Django tells one by one."""
        step, _, change = event.action.partition("_")
        if step == "pre":
            if change != "add":
                keep(event.instance, self._key(change), self._rows(event))
            return None
        added = removed = Keys()
        if change == "add":
            added = frozenset(event.pk_set or ())
        else:
            before = take(event.instance, self._key(change))
            removed = before - self._rows(event) if before else before
        call = SetCall.current()
        if call is not None:
            key = (type(self), call.key)
            if change != "add" and call.adds:
                keep(event.instance, key, removed)
                return None
            if change == "add" and call.removes:
                removed = take(event.instance, key)
                # What clear=True has removed and put back is as it was.
                added, removed = added - removed, removed - added
            change = "set"
        return self._change(event, change, added, removed) if added or removed else None

    def _key(self, change: str) -> object:
        return (type(self), change)

    def _rows(self, event: M2MChanged[Any]) -> Keys:
        return self._relation.rows(
            event.instance, reverse=event.reverse, using=event.using, among=event.pk_set
        )

    def _change(
        self, event: M2MChanged[Any], change: str, added: Keys, removed: Keys
    ) -> M2MChange[Owner, Related]:
        return M2MChange(
            event.signal,
            event.sender,
            {
                "instance": event.instance,
                "using": event.using,
                "reverse": event.reverse,
                "change": change,
                "added": self._links(event, added),
                "removed": self._links(event, removed),
            },
        )

    def _links(self, event: M2MChanged[Any], keys: Keys) -> Links[Owner, Related]:
        relation = self._relation
        here, _ = relation.side(reverse=event.reverse)
        # One that has nothing is no link.
        one = frozenset({key_of(here, event.instance)}) if keys else keys
        owners, related = (one, keys) if here is relation.owner else (keys, one)
        return Links(
            event.signal,
            event.sender,
            {
                "instance": event.instance,
                "using": event.using,
                "reverse": event.reverse,
                "relation": relation,
                "owner_pks": owners,
                "related_pks": related,
            },
        )

    @cached_property
    def _relation(self) -> Relation:
        label, _, name = str(type(self).sender).rpartition(".")
        return Relation.of(label, name)


def _declare(origin: Origin, cls: type[M2MReceiver[Any, Any]]) -> None:
    mistakes.refuse(origin, cls, (*OPTIONS, "signal", "sender", "model", "field"))
    refuse_in_body(origin, cls, "signal", "the class")
    refuse_in_body(origin, cls, "sender", "model and field")
    label = read_label(origin, cls.model)
    field = read_field(origin, cls.field, "tags")
    refuse_misspelt(origin, cls, _HOOKS)
    require_hooks(origin, cls, M2MReceiver, _HOOKS)
    cls.signal = m2m_changed
    sender: Sender = f"{label}.{field}"
    cls.sender = sender
    if apps.models_ready:
        # What does not exist is said in better words when the sender is looked at.
        with suppress(LookupError, FieldDoesNotExist):
            _refuse_other_fields(origin, label, field)


def _refuse_other_fields(origin: Origin, label: str, field: str) -> None:
    found = apps.get_model(label)._meta.get_field(field)
    if found.many_to_many and not isinstance(found, (ManyToManyField, ManyToManyRel)):
        raise DeclarationError(
            f"{origin}: {label}.{field} is a {type(found).__qualname__}; expected a "
            "ManyToManyField. What another kind of field sends, hear with a ModelReceiver of "
            "m2m_changed."
        )
