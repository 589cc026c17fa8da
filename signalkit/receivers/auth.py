"""``AuthReceiver``: users who log in, log out, or fail to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.apps import apps
from django.conf import settings
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import Signal

from signalkit.builtin_events import UserLoggedIn, UserLoggedOut, UserLoginFailed
from signalkit.declaration import Origin
from signalkit.declare.blame import blame
from signalkit.declare.naming import origin_of_class
from signalkit.events import Event
from signalkit.exceptions import DeclarationError
from signalkit.receivers.hooks import HookReceiver

_MASK = "*" * 20
_NAMES = frozenset({"username", "email"})


class AuthReceiver(HookReceiver, abstract=True):
    """Reacts to logins and logouts. Write the methods that are wanted.

    ::

        class Logins(AuthReceiver):
            def on_login_failed(self, event):
                print(event.credentials.get("username"))

    Of the credentials of a failed login only the user's name and address are shown: Django masks
    what is called a password or a token, and here everything else is masked as well, such as the
    code of a second factor. They are still what somebody typed, perhaps a password in the wrong
    field: keep them out of logs.
    """

    shown_credentials: ClassVar[Sequence[str]] = ()
    """Names of credentials that are shown beside ``username``, ``email`` and the user model's
    ``USERNAME_FIELD``. What Django masks stays masked."""

    def __init_subclass__(
        cls, *, abstract: bool = False, replaces: object = None, **kwargs: Any
    ) -> None:
        if not abstract:
            origin = origin_of_class(cls)
            with blame(origin.file):
                _refuse_one_string(origin, cls.shown_credentials)
        super().__init_subclass__(abstract=abstract, replaces=replaces, **kwargs)

    def on_logged_in(self, event: UserLoggedIn) -> Any:
        """React to a login."""

    def on_logged_out(self, event: UserLoggedOut) -> Any:
        """React to a logout; ``event.user`` is None when nobody was logged in."""

    def on_login_failed(self, event: UserLoginFailed) -> Any:
        """React to credentials that no backend took; ``event.request`` may be None."""

    @classmethod
    def signals_of_hooks(cls) -> Mapping[str, Signal]:
        """Return the signal of each hook.

        Raises:
            DeclarationError: there is no user model, so nobody can log in.
        """
        _refuse_without_users(cls)
        return {
            "on_logged_in": user_logged_in,
            "on_logged_out": user_logged_out,
            "on_login_failed": user_login_failed,
        }

    def at_send(self, event: Event) -> Event:
        """Mask the credentials, whatever becomes of the event."""
        credentials = event.payload.get("credentials")
        if credentials is None:
            return event
        shown = {*_NAMES, *self.shown_credentials, _username_field()}
        masked = {key: value if key in shown else _MASK for key, value in credentials.items()}
        return event.replace(credentials=masked)


AuthReceiver.hooks_base = AuthReceiver


def _refuse_one_string(origin: Origin, names: object) -> None:
    if not isinstance(names, (list, tuple)):
        raise DeclarationError(
            f"{origin}: shown_credentials is {names!r}; expected a list of names. Write "
            f"shown_credentials = ({names!r},)."
        )


def _username_field() -> str:
    model: Any = apps.get_model(settings.AUTH_USER_MODEL)
    return str(getattr(model, "USERNAME_FIELD", "username"))


def _refuse_without_users(cls: type) -> None:
    # Not whether django.contrib.auth is installed: a user model of one's own needs its functions
    # and its signals, but not its models.
    label = str(settings.AUTH_USER_MODEL).partition(".")[0]
    if apps.apps_ready and label not in apps.app_configs:
        raise DeclarationError(
            f"{cls.__module__}.{cls.__qualname__} is an AuthReceiver, but there are no users: "
            f"AUTH_USER_MODEL is {settings.AUTH_USER_MODEL!r}, and no installed app has the label "
            f"{label!r}. Add 'django.contrib.auth' to INSTALLED_APPS, or the app of your own model."
        )
