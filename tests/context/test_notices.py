"""A message to the user from a receiver."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import messages
from django.db.models.signals import post_save
from django.test import Client, RequestFactory, override_settings

import signalkit
from signalkit import Phase
from signalkit.context import notify_user, use
from tests.context.site import MESSAGES, OURS, SESSIONS, site
from tests.testapp.models import Author

COOKIES = "django.contrib.messages.storage.cookie.CookieStorage"


@site(OURS, MESSAGES, MESSAGE_STORAGE=COOKIES)
def test_it_is_queued(client: Client) -> None:
    assert client.get("/notify/").json() == {"done": True, "queued": ["saved"]}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("phase", [Phase.INLINE, Phase.AFTER_COMMIT])
@site(OURS, SESSIONS, MESSAGES)
def test_one_line_in_a_receiver(client: Client, phase: Phase) -> None:
    @signalkit.receiver(post_save, sender=Author, phase=phase)
    def confirm(sender: Any, instance: Author, **kwargs: Any) -> None:
        notify_user(f"{instance} is saved.", messages.SUCCESS, extra_tags="big")

    response = client.get("/write/?rows=1&name=Woolf")
    (message,) = messages.get_messages(response.wsgi_request)
    assert (str(message), message.level, message.tags) == (
        "Woolf is saved.",
        messages.SUCCESS,
        "big success",
    )


class TestNobodyToTell:
    def test_no_request(self) -> None:
        assert notify_user("saved") is False

    @site(OURS)
    def test_the_middleware_of_messages_is_missing(self, client: Client) -> None:
        assert client.get("/notify/").json() == {"done": False, "queued": []}

    def test_the_app_is_missing(self, rf: RequestFactory) -> None:
        with (
            override_settings(INSTALLED_APPS=["signalkit", "tests.testapp"]),
            use(request=_ready(rf)),
        ):
            assert notify_user("saved") is False

    def test_nothing_to_say(self, rf: RequestFactory) -> None:
        with use(request=_ready(rf)):
            assert notify_user("") is False

    def test_below_what_is_shown(self, rf: RequestFactory) -> None:
        request = _ready(rf)
        with use(request=request):
            assert notify_user("saved", messages.DEBUG) is False
            assert notify_user("saved") is True
            messages.set_level(request, messages.WARNING)
            assert notify_user("saved") is False


def test_a_level_is_a_number(rf: RequestFactory) -> None:
    level: Any = "success"
    with pytest.raises(TypeError, match="got 'success'; expected a number such"):
        notify_user("saved", level)


def _ready(rf: RequestFactory) -> Any:
    from django.contrib.messages.storage.cookie import CookieStorage

    request = rf.get("/")
    request._messages = CookieStorage(request)  # type: ignore[attr-defined]
    return request
