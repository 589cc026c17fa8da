"""A profile with each user."""

from __future__ import annotations

from typing import Any, TypeVar

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db.models import Model
from django.utils.module_loading import import_string

from signalkit import conf
from signalkit.conf import SETTING
from signalkit.declare.references import DECLARATION
from signalkit.exceptions import ConfigurationError, DeclarationError
from signalkit.receivers.links import resolve_model
from signalkit.receivers.related import EnsureRelated, why_impossible
from signalkit.registry import registry

User = TypeVar("User", bound=Model)

NAME = "signalkit.CreateProfile"
"""What the receiver is called that signalkit declares itself."""

APP = "signalkit.profiles"
_MODEL = "signalkit_profiles.Profile"


class CreateProfile(EnsureRelated[User], abstract=True):
    """Makes a profile with each user.

    The model is :attr:`related_model`, else ``SIGNALKIT["PROFILE_MODEL"]``, else
    ``signalkit.profiles.Profile`` where that app is installed. signalkit declares a receiver of
    this class itself, called ``signalkit.CreateProfile``. To change what it does, inherit from it
    with ``replaces="signalkit.CreateProfile"``.
    """

    sender = settings.AUTH_USER_MODEL

    def get_related_model(self) -> type[Model] | None:
        """Return the model of the profiles; None where there is none.

        Raises:
            DeclarationError: the model that is named does not exist.
        """
        return super().get_related_model() or profile_model()


def profile_model() -> type[Model] | None:
    """Return the model of the profiles, as far as settings and installed apps say.

    Raises:
        DeclarationError: ``PROFILE_MODEL`` names a model that does not exist.
    """
    named = conf.config().PROFILE_MODEL
    if named is not None:
        return resolve_model(named)
    return apps.get_model(_MODEL) if apps.is_installed(APP) else None


def declare_profile_receiver() -> None:
    """Declare the receiver that the settings name, unless there is no model for it.

    Called when signalkit is wired, as often as that happens.

    Raises:
        ConfigurationError: the settings name a model or a class that cannot be used.
    """
    cls = chosen_receiver()
    # A class that is a receiver has declared itself when it was imported.
    if cls is None or DECLARATION in vars(cls) or NAME in registry:
        return
    try:
        model = profile_model() if cls.related_model is None else resolve_model(cls.related_model)
    except DeclarationError as error:
        raise ConfigurationError(f"{SETTING}['PROFILE_MODEL']: {error}") from error
    if model is None:
        return
    if why := why_impossible(cls, model):
        raise ConfigurationError(f"{SETTING}['PROFILE_MODEL'] cannot be used: {why}")
    inherited = {name: getattr(cls, name) for name in ("__module__", "__qualname__", "__doc__")}
    type(cls.__name__, (cls,), {**inherited, "name": NAME})


def chosen_receiver() -> type[EnsureRelated[Any]] | None:
    """Return the class that ``PROFILE_RECEIVER`` names, imported; None where it is switched off.

    Raises:
        ConfigurationError: there is no such class, or it makes no rows.
    """
    path = conf.config().PROFILE_RECEIVER
    if path is None:
        return None
    where = f"{SETTING}['PROFILE_RECEIVER'] is {path!r}"
    try:
        found = import_string(path)
    except ImproperlyConfigured:
        raise
    except ImportError as error:
        raise ConfigurationError(f"{where}, which cannot be imported: {error}") from error
    if not isinstance(found, type) or not issubclass(found, EnsureRelated):
        raise ConfigurationError(
            f"{where}, which is no class that inherits from signalkit.receivers.CreateProfile."
        )
    return found
