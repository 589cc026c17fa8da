"""Showing vetoes in the admins of others; its public door is :mod:`signalkit.veto.admin`."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterable
from typing import Any, cast
from weakref import WeakKeyDictionary

from django.apps import apps
from django.contrib import admin
from django.contrib.admin import AdminSite, ModelAdmin
from django.core.exceptions import ImproperlyConfigured
from django.db.models import Model

from signalkit.exceptions import SignalkitError
from signalkit.veto.guard import VetoAdminMixin

logger = logging.getLogger("signalkit.veto")

AdminView = Callable[..., Any]

_ATTRIBUTE = "signalkit_veto_installation"
_VIEWS = frozenset({"add_view", "change_view", "changeform_view", "changelist_view", "delete_view"})


class NotInstallable(SignalkitError, ImproperlyConfigured):
    """Vetoes cannot be shown in an admin that was named, or that is registered."""


class Installation:
    """What :func:`install` has put on one admin site.

    Nothing that is registered is touched. Django asks ``site.admin_view`` for each request to a
    ModelAdmin's page; there the call goes to a twin of the ModelAdmin: an instance of a subclass
    with :class:`VetoAdminMixin` that shares the original's attributes. So it makes no difference
    whether the URLs were built before, and taking the installation away leaves nothing behind.
    """

    def __init__(self, site: AdminSite) -> None:
        self._site = site
        self._replaced = vars(site).get("admin_view")
        self._admin_view = site.admin_view
        self._twins: WeakKeyDictionary[ModelAdmin[Any], ModelAdmin[Any] | None]
        self._twins = WeakKeyDictionary()
        self.everything = False
        self.models: set[type[Model]] = set()
        self.excluded: set[type[Model]] = set()
        self.unguarded_actions: set[str] = set()

    def covers(self, model_admin: ModelAdmin[Any]) -> bool:
        """Return whether the pages of a ModelAdmin are to show vetoes."""
        if isinstance(model_admin, VetoAdminMixin):
            return False
        model = model_admin.model
        return model in self.models or (self.everything and model not in self.excluded)

    def admin_view(self, view: AdminView, cacheable: bool = False) -> AdminView:
        """Do what the site's ``admin_view`` does, for a view that shows vetoes."""
        model_admin = getattr(view, "__self__", None)
        name = getattr(view, "__name__", "")
        if not isinstance(model_admin, ModelAdmin) or name not in _VIEWS:
            return self._admin_view(view, cacheable)

        @functools.wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            twin = self.twin_of(model_admin)
            return (view if twin is None else getattr(twin, name))(*args, **kwargs)

        return self._admin_view(guarded, cacheable)

    def twin_of(self, model_admin: ModelAdmin[Any]) -> ModelAdmin[Any] | None:
        """Return the twin that shows vetoes; None if the original is not to be replaced."""
        if not self.covers(model_admin):
            return None
        if model_admin not in self._twins:
            try:
                self._twins[model_admin] = twin(model_admin, self.unguarded_actions)
            except NotInstallable as error:
                # Registered after install(): its pages go on as they were.
                logger.warning("%s", error)
                self._twins[model_admin] = None
        return self._twins[model_admin]

    def update(
        self,
        models: Iterable[type[Model]] | None,
        exclude: Iterable[type[Model]],
        unguarded_actions: Iterable[str],
    ) -> None:
        """Cover more models (None: all of them), having tried all that are registered now."""
        models, exclude = None if models is None else set(models), set(exclude)
        registered = self._site._registry if models is None else models
        unguarded = self.unguarded_actions | set(unguarded_actions)
        for model in registered:
            model_admin = self._site._registry[model]
            if model not in exclude and not isinstance(model_admin, VetoAdminMixin):
                twin(model_admin, unguarded)
        self.unguarded_actions = unguarded
        self._twins.clear()
        if models is None:
            self.everything = True
            self.excluded = exclude
        else:
            self.models |= models

    def hook(self) -> None:
        """Put this installation on its site."""
        setattr(self._site, _ATTRIBUTE, self)
        # On this one object: its class, and other sites, keep theirs.
        vars(self._site)["admin_view"] = self.admin_view

    def unhook(self) -> None:
        """Take this installation off its site, and stop covering anything."""
        self.everything, self.models = False, set()
        delattr(self._site, _ATTRIBUTE)
        if getattr(self._site.admin_view, "__self__", None) is not self:
            # Somebody has wrapped it since. What is left of it there does nothing any more.
            return
        if self._replaced is None:
            del vars(self._site)["admin_view"]
        else:
            vars(self._site)["admin_view"] = self._replaced


def twin(model_admin: ModelAdmin[Any], unguarded_actions: Iterable[str]) -> ModelAdmin[Any]:
    """Return an object that is ``model_admin`` in everything, and shows vetoes.

    Args:
        model_admin: stays as it is.
        unguarded_actions: names of actions that are left to Django.

    Raises:
        NotInstallable: its class cannot be subclassed so.
    """
    original = type(model_admin)
    if slots := [name for one in original.__mro__ for name in _slots_of(one)]:
        raise NotInstallable(
            f"{_name(model_admin)} keeps {', '.join(slots)} in __slots__, which its twin cannot "
            f"share. Have it inherit VetoAdminMixin, or name {model_admin.model.__name__} in "
            "exclude."
        )
    attributes = {
        "__module__": original.__module__,
        "__qualname__": original.__qualname__,
        "__doc__": original.__doc__,
        "veto_unguarded_actions": tuple(unguarded_actions),
    }
    metaclass: Any = type(original)
    try:
        made = metaclass(original.__name__, (VetoAdminMixin, original), attributes)
    except Exception as error:
        raise NotInstallable(
            f"{_name(model_admin)} cannot be subclassed ({error}). Have it inherit "
            f"VetoAdminMixin, or name {model_admin.model.__name__} in exclude."
        ) from error
    same: ModelAdmin[Any] = object.__new__(made)
    same.__dict__ = vars(model_admin)
    return same


def _slots_of(one: type) -> tuple[str, ...]:
    slots = vars(one).get("__slots__", ())
    return (slots,) if isinstance(slots, str) else tuple(slots)


def _name(model_admin: ModelAdmin[Any]) -> str:
    return f"{type(model_admin).__module__}.{type(model_admin).__qualname__}"


def install(
    site: AdminSite | None = None,
    models: Iterable[type[Model] | str] | None = None,
    *,
    exclude: Iterable[type[Model] | str] = (),
    unguarded_actions: Iterable[str] = (),
) -> None:
    """Show vetoes in the admins of a site, without owning their classes.

    ::

        from django.contrib import admin
        from signalkit.veto.admin import install

        install(admin.site)

    Their pages behave as with :class:`~signalkit.veto.admin.VetoAdminMixin`, and admins that
    inherit it themselves are left alone. The site, what is registered with it and the URLs stay
    the same objects. Calling it again adds to what is covered and is otherwise harmless. The
    root ``urls.py`` is a good place: all admins are registered by then.

    Args:
        site: ``django.contrib.admin.site`` when None.
        models: model classes or ``"app_label.Model"``; all that are or will be registered when
            None.
        exclude: models to leave out, when ``models`` is None.
        unguarded_actions: names of actions that are left to Django, on all covered admins.

    Raises:
        NotInstallable: ``site`` is not an AdminSite, a model is not registered with it, or an
            admin class cannot be subclassed. Then nothing is installed.
    """
    site = _admin_site(site)
    installation = getattr(site, _ATTRIBUTE, None) or Installation(site)
    named = None if models is None else [_registered(site, model) for model in models]
    installation.update(named, [_registered(site, model) for model in exclude], unguarded_actions)
    if not hasattr(site, _ATTRIBUTE):
        installation.hook()


def uninstall(site: AdminSite | None = None) -> None:
    """Take back what :func:`install` did to a site; nothing happens where it did nothing.

    Args:
        site: ``django.contrib.admin.site`` when None.

    Raises:
        NotInstallable: ``site`` is not an AdminSite.
    """
    installation = getattr(_admin_site(site), _ATTRIBUTE, None)
    if installation is not None:
        installation.unhook()


def _admin_site(site: AdminSite | None) -> AdminSite:
    found = admin.site if site is None else site
    if not isinstance(found, AdminSite):
        raise NotInstallable(f"Expected an AdminSite to show vetoes in, found {found!r}.")
    # admin.site is a lazy proxy: its methods are bound to the site itself.
    bound: Any = found.is_registered
    return cast("AdminSite", getattr(bound, "__self__", found))


def _registered(site: AdminSite, model: type[Model] | str) -> type[Model]:
    try:
        found = apps.get_model(model) if isinstance(model, str) else model
    except (LookupError, ValueError) as error:
        raise NotInstallable(
            f"{model!r} names no model: {error} Expected 'app_label.Model'."
        ) from error
    if not site.is_registered(found):
        raise NotInstallable(
            f"{found!r} is not registered with the admin site {site.name!r}. Call install() once "
            "it is, for instance in the root urls.py."
        )
    return found
