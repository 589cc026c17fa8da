"""What surrounds every request of the shop."""

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest
from django.utils.decorators import sync_and_async_middleware

from .journal import journal


@sync_and_async_middleware
def in_a_chapter(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Give each request its chapter in the journal.

    A receiver of request_started could not: under ASGI what it sets in a context variable is lost,
    for Django runs it in a task of its own. The title has the path alone, because a query string
    may hold what is nobody's business.
    """
    if iscoroutinefunction(get_response):

        async def answer_async(request: HttpRequest) -> Any:
            with journal.chapter(f"{request.method} {request.path}"):
                return await get_response(request)

        return answer_async

    def answer(request: HttpRequest) -> Any:
        with journal.chapter(f"{request.method} {request.path}"):
            return get_response(request)

    return answer
