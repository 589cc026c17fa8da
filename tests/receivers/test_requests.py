"""Requests by WSGI and ASGI."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.signals import got_request_exception, request_started
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, override_settings
from django.urls import path

from signalkit import Phase
from signalkit.builtin_events import (
    GotRequestException,
    RequestFinished,
    RequestStarted,
)
from signalkit.receivers import RequestReceiver
from tests.dispatch.recording import real_commits


def fine(request: HttpRequest, name: str) -> HttpResponse:
    return HttpResponse(name)


def broken(request: HttpRequest) -> HttpResponse:
    raise LookupError("no such page")


urlpatterns = [path("broken/", broken), path("<str:name>/", fine)]


@pytest.fixture(autouse=True)
def urls() -> Iterator[None]:
    with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[]):
        yield


@pytest.fixture
def seen() -> list[Any]:
    found: list[Any] = []

    class Requests(RequestReceiver):
        def on_started(self, event: RequestStarted) -> None:
            found.append((event.method, event.path, event.is_async))

        def on_finished(self, event: RequestFinished) -> None:
            found.append("finished")

        def on_exception(self, event: GotRequestException) -> None:
            found.append((event.request.path, repr(event.exception)))

    return found


def test_wsgi(client: Client, seen: list[Any]) -> None:
    client.post("/Größe/?secret=1")
    assert seen == [("POST", "/Größe/", False), "finished"]


def test_below_a_prefix(client: Client, seen: list[Any]) -> None:
    client.get("/page/", SCRIPT_NAME="/shop")
    assert seen[0] == ("GET", "/shop/page/", False)


def test_asgi(async_client: AsyncClient, seen: list[Any]) -> None:
    async_to_sync(async_client.get)("/page/?secret=1")
    assert seen == [("GET", "/page/", True), "finished"]


def test_an_exception(client: Client, seen: list[Any]) -> None:
    client.raise_request_exception = False
    client.get("/broken/")
    assert seen[1] == ("/broken/", "LookupError('no such page')")


def test_an_exception_by_asgi(async_client: AsyncClient, seen: list[Any]) -> None:
    async_client.raise_request_exception = False
    async_to_sync(async_client.get)("/broken/")
    assert seen[1] == ("/broken/", "LookupError('no such page')")


@real_commits
def test_an_exception_in_a_later_phase(client: Client) -> None:
    found: list[Any] = []

    class Requests(RequestReceiver):
        phase = Phase.AFTER_COMMIT

        def on_exception(self, event: GotRequestException) -> None:
            found.append(repr(event.exception))

    with transaction.atomic():
        try:
            raise LookupError("earlier")
        except LookupError:
            got_request_exception.send(None, request=None)
        assert found == []
    assert found == ["LookupError('earlier')"]


def test_without_the_receiver_it_is_the_one_at_hand() -> None:
    event = GotRequestException(got_request_exception, None, {"request": None})
    assert event.exception is None
    at_hand: Any = None
    try:
        raise LookupError
    except LookupError:
        at_hand = event.exception
    assert isinstance(at_hand, LookupError)


def test_sent_by_hand_with_nothing(seen: list[Any]) -> None:
    event = RequestStarted(request_started, None, {})
    assert (event.method, event.path, event.is_async) == ("", "", False)
    assert (event.environ, event.scope) == (None, None)
