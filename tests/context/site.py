"""Views that tell what context they run in, and the site around them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, Protocol, TypeVar

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.contrib import messages
from django.contrib.auth import alogin, alogout, login, logout
from django.contrib.auth.models import User
from django.core.handlers.asgi import ASGIHandler
from django.db import connections, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.test import override_settings
from django.urls import path

from signalkit.context import current, notify_user, use
from tests.context.showing import shown
from tests.testapp.models import Author

OURS = "signalkit.context.middleware.ContextMiddleware"
SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"
USERS = "django.contrib.auth.middleware.AuthenticationMiddleware"
MESSAGES = "django.contrib.messages.middleware.MessageMiddleware"


F = TypeVar("F", bound=Callable[..., Any])
R = TypeVar("R")


class Settings(Protocol):
    """``override_settings``, whose stubs say too little of what it does to a function."""

    def __call__(self, decorated: F) -> F: ...
    def __enter__(self) -> Any: ...
    def __exit__(self, *error: Any) -> Any: ...


def site(*middleware: str, **settings: Any) -> Settings:
    """Return settings under which the views below are served."""
    decorator: Any = override_settings(
        ROOT_URLCONF=__name__, MIDDLEWARE=list(middleware), ALLOWED_HOSTS=["*"], **settings
    )
    served: Settings = decorator
    return served


def quiet(request: HttpRequest) -> HttpResponse:
    return HttpResponse("nothing")


def show(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    return JsonResponse(shown(current()))


async def ashow(request: HttpRequest) -> HttpResponse:
    return JsonResponse(shown(current()))


async def ashow_loaded(request: HttpRequest) -> HttpResponse:
    before = current().actor
    await request.auser()
    return JsonResponse({"before": before is not None, **shown(current())})


async def ashow_in_a_thread(request: HttpRequest) -> HttpResponse:
    return JsonResponse(await sync_to_async(shown)(current()))


def header(request: HttpRequest) -> HttpResponse:
    return HttpResponse(headers={"X-Request-ID": "its-own-id"})


def broken(request: HttpRequest) -> HttpResponse:
    raise LookupError("broken")


async def abroken(request: HttpRequest) -> HttpResponse:
    raise LookupError("broken")


def forgetful(request: HttpRequest) -> HttpResponse:
    use(actor="never ended").__enter__()
    return HttpResponse()


def sign_in(request: HttpRequest) -> HttpResponse:
    before = current().actor
    login(request, User.objects.get(username="eve"))
    after = current().actor
    logout(request)
    kept = current().actor
    return JsonResponse({"before": str(before), "after": str(after), "kept": kept == after})


async def asign_in(request: HttpRequest) -> HttpResponse:
    before = current().actor
    await alogin(request, await User.objects.aget(username="eve"))
    after = current().actor
    await alogout(request)
    kept = current().actor
    return JsonResponse({"before": str(before), "after": str(after), "kept": kept == after})


def sign_out_first(request: HttpRequest) -> HttpResponse:
    logout(request)
    return JsonResponse(shown(current()))


def notify(request: HttpRequest) -> HttpResponse:
    done = notify_user("saved", messages.SUCCESS, "big")
    queued = [str(m) for m in messages.get_messages(request)]
    return JsonResponse({"done": done, "queued": queued})


def stream(request: HttpRequest) -> HttpResponseBase:
    def parts() -> Iterator[str]:
        for _ in range(3):
            yield f"{current().correlation_id}\n"

    return StreamingHttpResponse(parts())


async def astream(request: HttpRequest) -> HttpResponseBase:
    async def parts() -> AsyncIterator[str]:
        for _ in range(3):
            await asyncio.sleep(0)
            yield f"{current().correlation_id}\n"

    return StreamingHttpResponse(parts())


@transaction.atomic
def write(request: HttpRequest) -> HttpResponse:
    for _ in range(int(request.GET["rows"])):
        Author.objects.create(name=request.GET["name"])
    return HttpResponse()


async def awrite(request: HttpRequest) -> HttpResponse:
    for _ in range(int(request.GET["rows"])):
        await Author.objects.acreate(name=request.GET["name"])
    return HttpResponse()


urlpatterns = [
    path(f"{view.__name__}/", view)
    for view in (
        quiet,
        show,
        ashow,
        ashow_loaded,
        ashow_in_a_thread,
        header,
        broken,
        abroken,
        forgetful,
        sign_in,
        asign_in,
        sign_out_first,
        notify,
        stream,
        astream,
        write,
        awrite,
    )
] + [path("any/<path:rest>", show)]


def sync_only(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Any:
    """A middleware that Django has to adapt under ASGI."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        return get_response(request)

    return middleware


class AsyncOnly:
    """A middleware that Django has to adapt under WSGI."""

    sync_capable = False
    async_capable = True

    def __init__(self, get_response: Any) -> None:
        assert iscoroutinefunction(get_response)
        self.get_response = get_response
        markcoroutinefunction(self)

    async def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response: HttpResponseBase = await self.get_response(request)
        return response


def asgi_scope(target: str, headers: dict[str, str]) -> dict[str, Any]:
    """Return what a server hands to Django for a GET request."""
    where, _, query = target.partition("?")
    return {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "path": where,
        "query_string": query.encode(),
        "headers": [(k.lower().encode(), v.encode()) for k, v in headers.items()],
        "client": ("192.0.2.9", 5000),
        "server": ("testserver", 80),
    }


def run_async(main: Callable[[], Coroutine[Any, Any, R]]) -> R:
    """Run a coroutine function, and close the connections of the thread that its ORM works in."""

    async def whole() -> R:
        try:
            return await main()
        finally:
            await sync_to_async(connections.close_all)()

    return asyncio.run(whole())


async def asgi_get(handler: ASGIHandler, target: str, headers: dict[str, str]) -> tuple[int, bytes]:
    """Send a request through the real ASGI handler.

    Returns:
        the status and the body.
    """
    finished = asyncio.Event()
    requests = itertools.chain([{"type": "http.request", "body": b""}])
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        for message in requests:
            return message
        await finished.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await handler(asgi_scope(target, headers), receive, send)
    finished.set()
    return sent[0]["status"], b"".join(m.get("body", b"") for m in sent[1:])
