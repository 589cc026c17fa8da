"""Bodies that are produced after the middleware has returned."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from django.core.handlers.asgi import ASGIHandler
from django.http import FileResponse, HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.test import Client, RequestFactory

from signalkit.context import current
from signalkit.context.current import CONTEXT
from signalkit.context.middleware import ContextMiddleware
from tests.context.site import OURS, asgi_get, site

GZIP = "django.middleware.gzip.GZipMiddleware"


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    assert CONTEXT.get() is None
    yield
    assert CONTEXT.get() is None


def answered(rf: RequestFactory, response: HttpResponseBase) -> Any:
    def get_response(request: HttpRequest) -> HttpResponseBase:
        return response

    return ContextMiddleware(get_response)(rf.get("/"))


class TestUnderWsgi:
    @site(OURS)
    @pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume")
    @pytest.mark.parametrize("address", ["/stream/", "/astream/"])
    def test_every_part_is_the_request_s(self, client: Client, address: str) -> None:
        response: Any = client.get(address, headers={"x-request-id": "abcdefgh"})
        assert b"".join(response) == b"abcdefgh\n" * 3

    @site(GZIP, OURS)
    def test_a_middleware_outside_that_reads_it(self, client: Client) -> None:
        response: Any = client.get("/stream/", headers={"x-request-id": "abcdefgh"})
        assert response.getvalue() == b"abcdefgh\n" * 3

    def test_between_two_parts_the_thread_is_free(self, rf: RequestFactory) -> None:
        def parts() -> Iterator[str]:
            for _ in range(2):
                yield current().source

        body = answered(rf, StreamingHttpResponse(parts()))
        seen = [(part, current().source) for part in body]
        assert seen == [(b"request", "process")] * 2

    def test_each_part_may_be_asked_for_in_another_thread(self, rf: RequestFactory) -> None:
        def parts() -> Iterator[str]:
            for _ in range(2):
                yield current().source

        body = iter(answered(rf, StreamingHttpResponse(parts())))
        seen: list[Any] = []
        for _ in range(2):
            thread = threading.Thread(target=lambda: seen.append((next(body), CONTEXT.get())))
            thread.start()
            thread.join()
        assert seen == [(b"request", None)] * 2

    def test_a_part_that_fails(self, rf: RequestFactory) -> None:
        def parts() -> Iterator[str]:
            yield "one"
            raise LookupError(current().source)

        body = iter(answered(rf, StreamingHttpResponse(parts())))
        assert next(body) == b"one"
        with pytest.raises(LookupError, match="request"):
            next(body)
        assert CONTEXT.get() is None

    def test_the_body_is_closed_with_the_response(self, rf: RequestFactory) -> None:
        closed = []

        def parts() -> Iterator[str]:
            try:
                yield "one"
                yield "two"
            finally:
                closed.append(True)

        response = answered(rf, StreamingHttpResponse(parts()))
        next(iter(response))
        response.close()
        assert closed == [True]

    def test_the_server_may_still_send_a_file_itself(self, rf: RequestFactory) -> None:
        file = io.BytesIO(b"content")
        response = answered(rf, FileResponse(file))
        assert response.file_to_stream is file
        assert b"".join(response) == b"content"


class TestUnderAsgi:
    @site(OURS)
    @pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume")
    @pytest.mark.parametrize("address", ["/stream/", "/astream/"])
    def test_every_part_is_the_request_s(self, address: str) -> None:
        async def main() -> tuple[int, bytes]:
            headers = {"Host": "testserver", "X-Request-ID": "abcdefgh"}
            return await asgi_get(ASGIHandler(), address, headers)

        assert asyncio.run(main()) == (200, b"abcdefgh\n" * 3)

    def test_two_bodies_that_take_turns(self, rf: RequestFactory) -> None:
        async def parts() -> AsyncIterator[str]:
            for _ in range(3):
                await asyncio.sleep(0)
                yield current().correlation_id

        async def get_response(request: HttpRequest) -> StreamingHttpResponse:
            return StreamingHttpResponse(parts())

        async def main() -> None:
            middleware: Any = ContextMiddleware(get_response)
            one, two = [
                await middleware(rf.get("/", headers={"x-request-id": given}))
                for given in ("first-id", "second-id")
            ]
            seen = []
            async for first in one:
                second = await anext(aiter(two.streaming_content))
                seen.append((first, second, CONTEXT.get()))
            assert seen == [(b"first-id", b"second-id", None)] * 3

        asyncio.run(main())
