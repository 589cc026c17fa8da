"""Views that write, queue work, and fail or not."""

from __future__ import annotations

from asgiref.sync import sync_to_async
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path

from signalkit.transactions import after_commit, after_rollback, before_commit
from tests.transactions.support import Boom, Log, write

#: What ran in the views' transactions; the tests empty it.
log = Log()


def queue() -> None:
    write("row")
    before_commit(log.write("before"))
    after_commit(log.note("after"))
    after_rollback(log.write("undone"))
    log.append(f"view in_atomic_block={connection.in_atomic_block}")


def succeed(request: HttpRequest) -> HttpResponse:
    queue()
    return HttpResponse("fine")


def fail(request: HttpRequest) -> HttpResponse:
    queue()
    raise Boom


@transaction.non_atomic_requests
def without(request: HttpRequest) -> HttpResponse:
    queue()
    return HttpResponse("fine")


def _in_a_block(*, fails: bool) -> None:
    with transaction.atomic():
        queue()
        if fails:
            raise Boom


async def asynchronous(request: HttpRequest) -> HttpResponse:
    await sync_to_async(_in_a_block)(fails="fails" in request.GET)
    return HttpResponse("fine")


urlpatterns = [
    path("succeed/", succeed),
    path("fail/", fail),
    path("without/", without),
    path("asynchronous/", asynchronous),
]
