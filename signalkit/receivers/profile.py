"""A profile with each user."""

from __future__ import annotations

from typing import Any, TypeVar

from django.apps import apps
from django.conf import settings
from django.db.models import Model
from django.utils.module_loading import import_string

from signalkit import conf
from signalkit.conf import SETTING, Config
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


class _AuthUserModel:
    """``settings.AUTH_USER_MODEL``, asked for when it is needed: to import needs no settings."""

    def __get__(self, instance: object, owner: type) -> str:
        return str(settings.AUTH_USER_MODEL)


class CreateProfile(EnsureRelated[User], abstract=True):
    """Makes a profile with each user.

    The model is ``related_model``, else ``SIGNALKIT["PROFILE_MODEL"]``, else
    ``signalkit.profiles.Profile`` where that app is installed. signalkit declares a receiver of
    this class itself, called ``signalkit.CreateProfile``. To change what it does, inherit from it
    with ``replaces="signalkit.CreateProfile"``, or ``replaces=CreateProfile``.
    """

    sender = _AuthUserModel()

    def __init_subclass__(cls, *, replaces: object = None, **kwargs: Any) -> None:
        # This class is no receiver; that which is made of it is meant.
        super().__init_subclass__(
            replaces=NAME if replaces is CreateProfile else replaces, **kwargs
        )

    def get_related_model(self) -> type[Model] | None:
        """Return the model of the profiles; None where there is none.

        Raises:
            DeclarationError: the model that is named does not exist.
        """
        return super().get_related_model() or profile_model()


def profile_model(config: Config | None = None) -> type[Model] | None:
    """Return the model of the profiles, as far as settings and installed apps say.

    Args:
        config: the settings; those in force when None.

    Raises:
        DeclarationError: ``PROFILE_MODEL`` names a model that does not exist.
    """
    named = (config or conf.config()).PROFILE_MODEL
    if named is not None:
        return resolve_model(named)
    return apps.get_model(_MODEL) if apps.is_installed(APP) else None


def declare_profile_receiver() -> None:
    """Declare the receiver that the settings name, unless there is no model for it.

    Called when signalkit is wired, as often as that happens.

    Raises:
        ConfigurationError: the settings name a model or a class that cannot be used.
    """
    cls = refuse_profile_settings(conf.config())
    # A class that is a receiver has declared itself when it was imported.
    if cls is None or DECLARATION in vars(cls) or NAME in registry:
        return
    if cls.related_model is not None or profile_model() is not None:
        # Written in here, as far as a listing is concerned: there is no class statement of it.
        body = {"__module__": __name__, "__qualname__": cls.__qualname__, "__doc__": cls.__doc__}
        type(cls.__name__, (cls,), {**body, "name": NAME})


def refuse_profile_settings(config: Config) -> type[EnsureRelated[Any]] | None:
    """Return the class that makes the profiles.

    Args:
        config: the settings.

    Returns:
        None where it is switched off.

    Raises:
        ConfigurationError: the settings name a model or a class that cannot be used.
    """
    cls = chosen_receiver(config)
    try:
        model = profile_model(config)
        why = None if cls is None or cls.related_model else why_impossible(cls, model)
    except DeclarationError as error:
        why = str(error)
    if why is not None:
        raise ConfigurationError(f"{SETTING}['PROFILE_MODEL'] cannot be used: {why}")
    return cls


def chosen_receiver(config: Config) -> type[EnsureRelated[Any]] | None:
    """Return the class that ``PROFILE_RECEIVER`` names, imported; None where it is switched off.

    Args:
        config: the settings.

    Raises:
        ConfigurationError: there is no such class, or it makes no rows.
    """
    path = config.PROFILE_RECEIVER
    if path is None:
        return None
    where = f"{SETTING}['PROFILE_RECEIVER'] is {path!r}"
    try:
        found = import_string(path)
    except ImportError as error:
        raise ConfigurationError(f"{where}, which cannot be imported: {error}") from error
    if not isinstance(found, type) or not issubclass(found, EnsureRelated):
        raise ConfigurationError(
            f"{where}, which is no class that inherits from signalkit.receivers.CreateProfile."
        )
    return found
