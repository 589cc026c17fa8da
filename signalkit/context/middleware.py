"""The context of a request, from its first middleware to the last part of its body."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase

from signalkit.conf import config
from signalkit.context.correlation import is_well_formed, new_correlation_id
from signalkit.context.current import Context, use
from signalkit.context.streaming import keep_context

__all__ = ["ContextMiddleware"]


class ContextMiddleware:
    """Sets the context of each request. It is best the first in ``MIDDLEWARE``.

    The correlation id is the one that the request brings in ``X-Request-ID``, if that is well
    formed, and otherwise a new one. The response takes it back.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        """Wrap what answers a request.

        Args:
            get_response: a function or a coroutine function; the middleware is then of that kind.
        """
        self._get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Answer a request in its context."""
        if self._is_async:
            return self._answer(request)
        with _context_of(request) as context:
            response: HttpResponseBase = self._get_response(request)
            return _finished(response, context)

    async def _answer(self, request: HttpRequest) -> HttpResponseBase:
        with _context_of(request) as context:
            response: HttpResponseBase = await self._get_response(request)
            return _finished(response, context)


def _context_of(request: HttpRequest) -> AbstractContextManager[Context]:
    header = config().CONTEXT.CORRELATION_HEADER
    given = request.META.get(f"HTTP_{header.upper().replace('-', '_')}") if header else None
    return use(
        request=request,
        correlation_id=given if is_well_formed(given) else new_correlation_id(),
        source="request",
        detail=f"{request.method} {request.path}",
        reason="",
    )


def _finished(response: HttpResponseBase, context: Context) -> HttpResponseBase:
    header = config().CONTEXT.CORRELATION_HEADER
    if header and header not in response.headers:
        response.headers[header] = context.correlation_id
    if isinstance(response, StreamingHttpResponse):
        keep_context(response, context)
    return response
