"""Ten thousand writes by threads, tasks and requests at once: each is put down to who did it."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.db import connections, transaction
from django.db.models.signals import post_save
from django.test import Client

import signalkit
from signalkit import Phase
from signalkit.context import current, use
from signalkit.context.current import CONTEXT
from tests.context.site import OURS, SESSIONS, USERS, asgi_get, site
from tests.testapp.models import Author

BATCH = 20
"""Rows that one block or request writes."""

WORKERS = 4
"""Threads of each kind, and as many tasks at a time."""

ROUNDS = {"threads": 40, "wsgi": 40, "tasks": 22, "asgi": 23}
"""Batches that each worker of a kind writes."""


def name_of(actor: str, correlation_id: str) -> str:
    """Return what a row is called that is written in a context, so that it can be compared."""
    return f"{actor} {correlation_id}"


@pytest.fixture
def cookies() -> list[tuple[str, str]]:
    """Sign users in, and return who each is and what its browser sends."""
    found = []
    for number in range(WORKERS):
        client = Client()
        client.force_login(User.objects.create_user(f"user-{number}"))
        found.append((f"user-{number}", f"sessionid={client.cookies['sessionid'].value}"))
    return found


class Seen:
    """What the receivers found, in each phase: the row's name, and their context."""

    def __init__(self) -> None:
        self.inline: list[tuple[str, str]] = []
        self.after_commit: list[tuple[str, str]] = []

    def listen(self) -> None:
        @signalkit.receiver(post_save, sender=Author, phase=Phase.INLINE)
        def inline(sender: Any, instance: Author, **kwargs: Any) -> None:
            self.inline.append((instance.name, self._context()))

        @signalkit.receiver(post_save, sender=Author, phase=Phase.AFTER_COMMIT)
        def after_commit(sender: Any, instance: Author, **kwargs: Any) -> None:
            self.after_commit.append((instance.name, self._context()))

    @staticmethod
    def _context() -> str:
        context = current()
        return name_of(context.actor.label if context.actor else "", context.correlation_id)


@pytest.mark.django_db(transaction=True)
@site(OURS, SESSIONS, USERS)
def test_ten_thousand_writes_none_misattributed(cookies: list[tuple[str, str]]) -> None:
    seen = Seen()
    seen.listen()
    leaks: list[Any] = []
    threads = [
        *(_thread(leaks, _write_in_blocks, number) for number in range(WORKERS)),
        *(_thread(leaks, _send_to_wsgi, *cookie) for cookie in cookies),
        _thread(leaks, asyncio.run, _everything_async(leaks, cookies)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert leaks == [None] * len(leaks)
    assert len(leaks) == len(threads) + 2 * WORKERS
    total = sum(ROUNDS.values()) * WORKERS * BATCH
    assert total == 10_000
    for found in (seen.inline, seen.after_commit):
        assert [(name, context) for name, context in found if name != context] == []
        assert len(found) == total
        # each batch has a correlation id of its own
        assert set(Counter(found).values()) == {BATCH}
    assert Author.objects.count() == total


def _thread(leaks: list[Any], work: Callable[..., Any], *args: Any) -> threading.Thread:
    def run() -> None:
        try:
            work(*args)
            leaks.append(CONTEXT.get())
        except BaseException as error:
            leaks.append(error)
            raise
        finally:
            connections.close_all()

    return threading.Thread(target=run)


def _write_in_blocks(number: int) -> None:
    for turn in range(ROUNDS["threads"]):
        actor, given = f"thread-{number}", f"thread-{number}-{turn}"
        with use(actor=actor, correlation_id=given), transaction.atomic():
            for _ in range(BATCH):
                Author.objects.create(name=name_of(actor, given))


def _query(actor: str, given: str) -> str:
    return urlencode({"rows": BATCH, "name": name_of(actor, given)})


def _send_to_wsgi(user: str, cookie: str) -> None:
    handler: Any = WSGIHandler()

    def start_response(*args: Any) -> None:
        """Take no notice: the response is looked at itself."""

    for turn in range(ROUNDS["wsgi"]):
        given = f"wsgi-{user}-{turn}"
        environ = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": "/write/",
            "QUERY_STRING": _query(user, given),
            "SERVER_NAME": "testserver",
            "SERVER_PORT": "80",
            "wsgi.input": BytesIO(),
            "wsgi.url_scheme": "http",
            "HTTP_COOKIE": cookie,
            "HTTP_X_REQUEST_ID": given,
        }
        response: Any = handler(environ, start_response)
        b"".join(response)
        response.close()
        assert (response.status_code, response["X-Request-ID"]) == (200, given)


async def _everything_async(leaks: list[Any], cookies: list[tuple[str, str]]) -> None:
    handler = ASGIHandler()

    async def tasks(number: int) -> None:
        for turn in range(ROUNDS["tasks"]):
            actor, given = f"task-{number}", f"task-{number}-{turn}"
            with use(actor=actor, correlation_id=given):
                for _ in range(BATCH):
                    await Author.objects.acreate(name=name_of(actor, given))
        leaks.append(CONTEXT.get())

    async def asgi(user: str, cookie: str) -> None:
        for turn in range(ROUNDS["asgi"]):
            given = f"asgi-{user}-{turn}"
            headers = {"Host": "testserver", "Cookie": cookie, "X-Request-ID": given}
            status, _ = await asgi_get(handler, f"/awrite/?{_query(user, given)}", headers)
            assert status == 200
        leaks.append(CONTEXT.get())

    try:
        await asyncio.gather(
            *(tasks(number) for number in range(WORKERS)),
            *(asgi(*cookie) for cookie in cookies),
        )
    finally:
        await sync_to_async(connections.close_all)()
