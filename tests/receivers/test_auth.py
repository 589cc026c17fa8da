"""Logins, logouts, failed logins."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.test import Client, RequestFactory, override_settings

from signalkit import Event
from signalkit.builtin_events import UserLoggedIn, UserLoggedOut, UserLoginFailed
from signalkit.exceptions import DeclarationError, UnknownOption
from signalkit.receivers import AuthReceiver
from signalkit.registry import registry

pytestmark = pytest.mark.django_db

Seen = list[tuple[str, Any]]


class Pin(ModelBackend):
    """A second factor, and a password whose name does not give it away."""

    def authenticate(self, request: Any, pin: str | None = None, **kwargs: Any) -> None:  # type: ignore[override]
        return None


@pytest.fixture
def seen() -> Seen:
    found: Seen = []

    class Logins(AuthReceiver):
        def on_logged_in(self, event: UserLoggedIn) -> None:
            found.append(("in", event.user))
            assert event.request is not None

        def on_logged_out(self, event: UserLoggedOut) -> None:
            found.append(("out", event.user))

        def on_login_failed(self, event: UserLoginFailed) -> None:
            found.append(("failed", event.credentials))
            found.append(("request", event.request))

    return found


@pytest.fixture
def user() -> User:
    return User.objects.create_user("ursula", password="wizard of earthsea")


class TestEvents:
    def test_in_and_out(self, client: Client, user: User, seen: Seen) -> None:
        client.force_login(user)
        client.logout()
        assert seen == [("in", user), ("out", user)]

    def test_nobody_logs_out(self, rf: RequestFactory, seen: Seen) -> None:
        from django.contrib.auth import logout
        from django.contrib.sessions.backends.db import SessionStore

        request = rf.get("/")
        request.session = SessionStore()
        logout(request)
        assert seen == [("out", None)]

    def test_a_failure_shows_the_name_alone(self, seen: Seen) -> None:
        assert authenticate(username="ursula", password="dragon", email="u@example.com") is None
        (_, credentials), (_, request) = seen
        assert credentials == {
            "username": "ursula",
            "password": "*" * 20,
            "email": "u@example.com",
        }
        assert request is None

    @override_settings(AUTHENTICATION_BACKENDS=[f"{__name__}.Pin"])
    def test_what_django_does_not_mask(self, rf: RequestFactory, seen: Seen) -> None:
        plain: list[Any] = []

        def note(credentials: Any, **kwargs: Any) -> None:
            plain.append(credentials["pin"])

        user_login_failed.connect(note)
        try:
            authenticate(rf.get("/"), username="ursula", pin="1234")
        finally:
            user_login_failed.disconnect(note)
        assert plain == ["1234"]
        assert seen[0] == ("failed", {"username": "ursula", "pin": "*" * 20})
        assert seen[1][1].path == "/"

    @override_settings(AUTHENTICATION_BACKENDS=[f"{__name__}.Pin"])
    def test_what_is_shown_on_purpose(self) -> None:
        found: list[Any] = []

        class Logins(AuthReceiver):
            shown_credentials = ("shop",)

            def on_login_failed(self, event: UserLoginFailed) -> None:
                found.append(event.credentials)

        authenticate(username="ursula", pin="1234", shop="7")
        assert found == [{"username": "ursula", "pin": "*" * 20, "shop": "7"}]

    def test_a_failing_receiver_logs_no_credentials(self, caplog: pytest.LogCaptureFixture) -> None:
        class Logins(AuthReceiver):
            on_error = "isolate"

            def on_login_failed(self, event: UserLoginFailed) -> None:
                raise LookupError(repr(event))

        with caplog.at_level(logging.DEBUG):
            authenticate(username="ursula", password="dragon-of-pendor")
        assert "UserLoginFailed" in caplog.text
        assert "dragon-of-pendor" not in caplog.text


class TestWhatIsHeard:
    def test_only_what_is_written(self) -> None:
        class Logins(AuthReceiver):
            def on_logged_in(self, event: UserLoggedIn) -> None: ...

        assert registry.get(f"{__name__}.Logins").signals == (user_logged_in,)

    def test_a_base_of_ones_own(self, client: Client, user: User) -> None:
        found: list[str] = []

        class Base(AuthReceiver, abstract=True):
            def on_logged_in(self, event: UserLoggedIn) -> None:
                found.append(type(self).__name__)

        class Child(Base):
            async def on_logged_out(self, event: UserLoggedOut) -> None:
                found.append("out")

        client.force_login(user)
        client.logout()
        assert found == ["Child", "out"]

    def test_every_kind_of_method(self, client: Client, user: User) -> None:
        found: list[str] = []

        class Called:
            def __call__(self, event: UserLoginFailed) -> None:
                found.append("failed")

        class Logins(AuthReceiver):
            @staticmethod
            def on_logged_in(event: UserLoggedIn) -> None:
                found.append("in")

            @classmethod
            def on_logged_out(cls, event: UserLoggedOut) -> None:
                found.append("out")

            on_login_failed = Called()

        client.force_login(user)
        client.logout()
        authenticate(username="ursula", password="dragon")
        assert found == ["in", "out", "failed"]

    def test_the_event_is_of_its_class(self, client: Client, user: User) -> None:
        found: list[type[Event]] = []

        class Logins(AuthReceiver):
            def on_logged_in(self, event: UserLoggedIn) -> None:
                found.append(type(event))

        client.force_login(user)
        assert found == [UserLoggedIn]


class TestRefusals:
    def test_nothing_written(self) -> None:
        with pytest.raises(DeclarationError, match="at least one of on_logged_in, on_logged_out"):

            class Logins(AuthReceiver): ...

    def test_a_misspelt_method(self) -> None:
        with pytest.raises(UnknownOption, match=r"on_login\(\).*Did you mean 'on_log"):

            class Logins(AuthReceiver):
                def on_login(self, event: UserLoggedIn) -> None: ...

    def test_what_is_called_like_one_and_is_none(self) -> None:
        class Logins(AuthReceiver):
            on_error = "isolate"
            on_weekdays = True

            def on_logged_in(self, event: UserLoggedIn) -> None: ...

    def test_a_signal(self) -> None:
        with pytest.raises(DeclarationError, match="hears the signals whose methods it writes"):

            class Logins(AuthReceiver):
                signal = user_logged_in

                def on_logged_in(self, event: UserLoggedIn) -> None: ...

    def test_one_string_of_credentials(self) -> None:
        with pytest.raises(DeclarationError, match=r"Write shown_credentials = \('pin',\)"):

            class Logins(AuthReceiver):
                shown_credentials = "pin"

                def on_logged_in(self, event: UserLoggedIn) -> None: ...

    def test_a_generator(self) -> None:
        with pytest.raises(DeclarationError, match="contains a yield"):

            class Logins(AuthReceiver):
                def on_logged_in(self, event: UserLoggedIn) -> Any:
                    yield event

    @override_settings(INSTALLED_APPS=["signalkit", "tests.testapp"])
    def test_no_users(self) -> None:
        with pytest.raises(DeclarationError, match=r"AUTH_USER_MODEL is 'auth\.User', and no inst"):

            class Logins(AuthReceiver):
                def on_logged_in(self, event: UserLoggedIn) -> None: ...
