"""Real requests, through Django's WSGI and ASGI handlers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.db import connections
from django.test import RequestFactory, override_settings

from tests.transactions import urls
from tests.transactions.conftest import Committed
from tests.transactions.support import real_commits

pytestmark = real_commits


@pytest.fixture(autouse=True)
def views() -> Iterator[None]:
    urls.log.clear()
    with override_settings(ROOT_URLCONF=urls.__name__, MIDDLEWARE=[]):
        yield
    connections.close_all()


@pytest.fixture
def atomic_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connections["default"].settings_dict, "ATOMIC_REQUESTS", True)


# asgiref leaves it untyped
_COMMUNICATOR: Any = ApplicationCommunicator


def get_by_wsgi(path: str) -> str:
    """Ask Django's WSGI handler; return the status."""
    statuses: list[str] = []
    environ = RequestFactory().get(path).environ

    def start_response(
        status: str, headers: object, error: object = None, /
    ) -> Callable[[bytes], object]:
        statuses.append(status)
        return bytes

    response = get_wsgi_application()(environ, start_response)
    b"".join(response)
    response.close()
    return statuses[0]


def get_by_asgi(path: str, query: bytes = b"") -> int:
    """Ask Django's ASGI handler; return the status."""

    async def ask() -> int:
        communicator = _COMMUNICATOR(
            get_asgi_application(),
            {
                "type": "http",
                "http_version": "1.1",
                "method": "GET",
                "path": path,
                "query_string": query,
                "headers": [(b"host", b"testserver")],
            },
        )
        await communicator.send_input({"type": "http.request"})
        start = await communicator.receive_output(timeout=20)
        while (await communicator.receive_output(timeout=20)).get("more_body"):
            pass
        await communicator.wait(timeout=20)
        status: int = start["status"]
        return status

    return async_to_sync(ask)()


@pytest.mark.usefixtures("atomic_requests")
class TestAtomicRequests:
    def test_work_ends_with_the_request(self, committed: Committed) -> None:
        assert get_by_wsgi("/succeed/") == "200 OK"
        assert urls.log == ["view in_atomic_block=True", "before", "after"]
        assert committed() == ["row", "before"]

    def test_a_view_that_fails(self, committed: Committed) -> None:
        assert get_by_wsgi("/fail/").startswith("500")
        assert urls.log == ["view in_atomic_block=True", "undone"]
        assert committed() == ["undone"]

    def test_a_view_that_takes_no_part(self, committed: Committed) -> None:
        assert get_by_wsgi("/without/") == "200 OK"
        assert urls.log == ["before", "after", "view in_atomic_block=False"]
        assert committed() == ["row", "before"]

    def test_by_asgi(self, committed: Committed) -> None:
        assert get_by_asgi("/succeed/") == 200
        assert get_by_asgi("/fail/") == 500
        inside = "view in_atomic_block=True"
        assert urls.log == [inside, "before", "after", inside, "undone"]
        assert committed() == ["row", "before", "undone"]

    def test_request_after_request_on_a_persistent_connection(
        self, committed: Committed, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(connections["default"].settings_dict, "CONN_MAX_AGE", None)
        connections["default"].close()
        for _ in range(3):
            get_by_wsgi("/succeed/")
            get_by_wsgi("/fail/")
        assert committed() == ["row", "before", "undone"] * 3


class TestAsynchronousViews:
    def test_work_ends_with_the_block(self, committed: Committed) -> None:
        assert get_by_asgi("/asynchronous/") == 200
        assert urls.log == ["view in_atomic_block=True", "before", "after"]
        assert committed() == ["row", "before"]

    def test_a_block_that_fails(self, committed: Committed) -> None:
        assert get_by_asgi("/asynchronous/", b"fails=") == 500
        assert urls.log == ["view in_atomic_block=True", "undone"]
        assert committed() == ["undone"]
