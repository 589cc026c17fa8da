"""A row that is made with another one: a profile with each user, a card with each customer."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar, Generic, TypeVar

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, connections, router
from django.db.models import Model, QuerySet
from django.db.models.signals import post_save

from signalkit.declaration import Origin
from signalkit.declare import ModelReceiver, mistakes
from signalkit.declare.blame import blame
from signalkit.declare.callables import signature_of
from signalkit.declare.naming import origin_of_class
from signalkit.declare.references import DECLARATION
from signalkit.declare.senders import normalise, resolve
from signalkit.declare.values import read_flag, wrong
from signalkit.dispatch.changed import differs_from_stored
from signalkit.events import Event
from signalkit.exceptions import DeclarationError, SenderError
from signalkit.receivers import ensuring
from signalkit.receivers.links import Link, cached_related, find_link, resolve_model
from signalkit.states import Phase
from signalkit.transactions import before_commit
from signalkit.transactions.opened import in_transaction

Owner = TypeVar("Owner", bound=Model)

_HOOKS = {
    "model_for": ("owner",),
    "defaults_for": ("owner",),
    "fill": ("related", "owner"),
    "owners": ("queryset",),
}
_ATTRIBUTES = ("sender", "related_model", "link", "save_along")


class EnsureRelated(ModelReceiver, Generic[Owner], abstract=True):
    """Sees to it that each row of one model has its row of another, one to one.

    Set ``sender`` and :attr:`related_model`. The row is made when its owner is created, on
    the same database, so that ``owner.profile`` is there on the next line. A row that is there
    already, or that another request makes at the same moment, is left as it is.

    Where somebody has given the owner a row that is not saved yet, as an admin does whose inline
    is filled in, that row is waited for until the end of the transaction. Without a transaction
    it is saved.
    """

    signal = post_save
    created: ClassVar[bool | None] = True
    include_subclasses = True

    related_model: ClassVar[type[Model] | str | None] = None
    """The model of the row, a class or ``"app_label.ModelName"``."""

    link: ClassVar[str | None] = None
    """The ``OneToOneField`` of it that leads to the owner; None finds the only one there is."""

    save_along: ClassVar[bool] = False
    """Whether the row is saved whenever its owner is, if the owner holds it in memory and it is
    not what is stored. It then hears of updates too, and a row that is missing is made."""

    def __init_subclass__(cls, *, abstract: bool = False, **kwargs: Any) -> None:
        origin = origin_of_class(cls)
        with blame(origin.file):
            mistakes.refuse(origin, cls, _ATTRIBUTES, tuple(_HOOKS))
            if not abstract:
                _read(origin, cls)
        super().__init_subclass__(abstract=abstract, **kwargs)

    def model_for(self, owner: Owner) -> type[Model] | str | None:
        """Choose the model of the row. By default :attr:`related_model`.

        Args:
            owner: whose row it is to be.

        Returns:
            None for an owner that is to have none.
        """
        return self.get_related_model()

    def defaults_for(self, owner: Owner) -> Mapping[str, Any]:
        """Return what the row is made with. By default nothing.

        Args:
            owner: whose row it is to be.

        Returns:
            Values by the names of fields.
        """
        return {}

    def fill(self, related: Any, owner: Owner) -> None:
        """Set further attributes of a new row before it is saved. By default none.

        Args:
            related: the row; it knows its owner already.
            owner: whose row it is to be.
        """

    def owners(self, queryset: QuerySet[Owner]) -> QuerySet[Owner]:
        """Narrow which owners ``manage.py signalkit backfill`` looks at. By default all.

        Args:
            queryset: all of one model, on one database.
        """
        return queryset

    def get_related_model(self) -> type[Model] | None:
        """Return :attr:`related_model` as a class.

        Raises:
            DeclarationError: there is no such model.
        """
        return None if self.related_model is None else resolve_model(self.related_model)

    def handle(self, event: Event) -> None:
        """Make the row, or save it along.

        Args:
            event: what was sent about the owner.

        Raises:
            DeclarationError: the model does not exist, or nothing leads from it to the owner.
            RelatedNotCreated: the database refuses the row.
        """
        owner: Owner = event.instance
        using = event.using or owner._state.db or DEFAULT_DB_ALIAS
        link = self.link_for(owner, using)
        if link is None:
            return
        is_new = event.payload.get("created", True)
        if self.save_along and not is_new and _save_along(link, owner, using):
            return
        brought = ensuring.pending(link, owner)
        is_open = in_transaction(connections[using])
        if brought is not None and not is_open:
            ensuring.insert(link, owner, using, brought, self._name)
        elif self.phase is not Phase.INLINE:
            self._ensure_late(owner, using)
        elif brought is not None or event.payload.get("raw"):
            # Whoever brings it, or the fixture, comes to it later.
            before_commit(partial(self._ensure_late, owner, using), using)
        else:
            self.ensure(owner, using)

    def ensure(self, owner: Owner, using: str, *, look_first: bool = True) -> bool:
        """Make the row of an owner unless it is there.

        Args:
            owner: whose row it is to be; it is saved.
            using: the alias.
            look_first: False tries to write at once, where it is known to be missing.

        Returns:
            Whether it was made.

        Raises:
            DeclarationError: the model does not exist, or nothing leads from it to the owner.
            RelatedNotCreated: the database refuses the row.
        """
        link = self.link_for(owner, using)
        if link is None or (look_first and ensuring.exists(link, owner, using)):
            return False
        related = ensuring.make(link, owner, using, partial(self._build, owner))
        try:
            self.fill(related, owner)
            return ensuring.insert(link, owner, using, related, self._name)
        except BaseException:
            ensuring.forget(link, owner)
            raise

    def link_for(self, owner: Owner, using: str) -> Link | None:
        """Return how the row of an owner belongs to it.

        Args:
            owner: whose row it is to be.
            using: the alias.

        Returns:
            None for an owner that is to have none, also where a router keeps the model away from
            the alias.

        Raises:
            DeclarationError: the model does not exist, or nothing leads from it to the owner.
        """
        chosen = self.model_for(owner)
        if chosen is None:
            return None
        try:
            link = find_link(resolve_model(chosen), type(owner), self.link)
        except DeclarationError as error:
            raise DeclarationError(f"{self._name}: {error}") from None
        return link if router.allow_migrate_model(using, link.model) else None

    def _ensure_late(self, owner: Owner, using: str) -> None:
        """Make the row of an owner who was saved a while ago, and may be deleted by now."""
        if owner.pk is not None and _rows_like(owner, using).exists():
            self.ensure(owner, using)

    def _build(self, owner: Owner, model: type[Model]) -> Model:
        defaults = self.defaults_for(owner)
        try:
            return model(**defaults)
        except TypeError as error:
            error.add_note(f"{self._name} made it with what its defaults_for() returned.")
            raise

    @property
    def _name(self) -> str:
        return str(vars(type(self))[DECLARATION])


def _rows_like(owner: Model, using: str) -> QuerySet[Any]:
    return type(owner)._base_manager.using(using).filter(pk=owner.pk)


def owner_models(cls: type[EnsureRelated[Any]]) -> tuple[type[Model], ...]:
    """Return the models whose tables have all owners of a receiver, none below another.

    Raises:
        SenderError: a sender does not exist.
    """
    senders = normalise(cls.sender)
    targets = resolve(post_save, senders, include_subclasses=cls.include_subclasses)
    models = targets.connected
    return tuple(
        model
        for model in models
        if not any(model is not other and issubclass(model, other) for other in models)
    )


def why_impossible(
    cls: type[EnsureRelated[Any]], related_model: type[Model] | str | None
) -> str | None:
    """Say what keeps a receiver from ever making a row; None where nothing does.

    Args:
        cls: the receiver.
        related_model: the model of the row. With None, :meth:`EnsureRelated.model_for` chooses
            one for each owner, and nothing is known of it before.
    """
    if related_model is None:
        return None
    try:
        related = resolve_model(related_model)
        for owner in owner_models(cls):
            find_link(related, owner, cls.link)
    except SenderError:
        # Refused with its reason where the receiver is connected.
        return None
    except DeclarationError as error:
        return str(error)
    return None


def _save_along(link: Link, owner: Model, using: str) -> bool:
    """Save the row that an owner holds in memory; say whether there is nothing more to do."""
    related = cached_related(link, owner)
    if related is None or related._state.adding:
        return False
    differs = differs_from_stored(related, using)
    if differs:
        related.save(using=using)
    return differs is not None


def _read(origin: Origin, cls: type[EnsureRelated[Any]]) -> None:
    """Check what a class that is to be a receiver says, and what follows from it.

    Raises:
        DeclarationError: it cannot work.
    """
    if cls.sender is None:
        raise DeclarationError(
            f"{origin} names no sender, so every object of any model would be an owner. Name the "
            "model whose rows are to have one: sender = ..."
        )
    model, link = cls.related_model, cls.link
    if model is not None and not isinstance(model, str) and not _is_model(model):
        raise wrong(origin, "related_model", model, "a model or 'app_label.ModelName'")
    if link is not None and not isinstance(link, str):
        raise wrong(origin, "link", link, "the name of a OneToOneField")
    _refuse_no_model(origin, cls)
    _refuse_hooks(origin, cls)
    if read_flag(origin, "save_along", cls.save_along):
        if vars(cls).get("created") is not None:
            raise DeclarationError(
                f"{origin} has save_along and created={cls.created}, which keeps it from hearing "
                "of updates or of creations. Drop created."
            )
        cls.created = None
    if apps.models_ready and (why := why_impossible(cls, cls.related_model)):
        raise DeclarationError(f"{origin}: {why}")


def _is_model(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, Model)


def _refuse_no_model(origin: Origin, cls: type[EnsureRelated[Any]]) -> None:
    chosen = (EnsureRelated.model_for, EnsureRelated.get_related_model)
    if cls.related_model is None and (cls.model_for, cls.get_related_model) == chosen:
        raise DeclarationError(
            f"{origin} names no model. Set related_model = 'app_label.ModelName', or choose one "
            "for each owner in model_for(self, owner)."
        )


def _refuse_hooks(origin: Origin, cls: type[EnsureRelated[Any]]) -> None:
    """Refuse hooks that nobody could call, or whose answer nobody would await."""
    # Bound as they will be: one may be a static method. No __init__ has a say in it.
    bound = object.__new__(cls)
    for hook, arguments in _HOOKS.items():
        method = getattr(bound, hook)
        if inspect.iscoroutinefunction(method):
            raise DeclarationError(
                f"{origin}: {hook} is an `async def`, and nobody awaits it. Write a plain function."
            )
        signature = signature_of(method)
        try:
            if signature is not None:
                signature.bind(*arguments)
        except TypeError as error:
            raise DeclarationError(
                f"{origin}: {hook} cannot be called ({error}). Write it as "
                f"{hook}(self, {', '.join(arguments)})."
            ) from None
