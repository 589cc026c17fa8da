"""Bodies that are produced after the middleware has returned, still in the request's context."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from django.http import StreamingHttpResponse

from signalkit.context.current import CONTEXT, Context


def keep_context(response: StreamingHttpResponse, context: Context) -> None:
    """Have each part of a body produced in a context.

    Args:
        response: any but one whose file the server sends itself: to touch its content would have
            Python send it.
        context: the context.
    """
    if getattr(response, "file_to_stream", None) is not None:
        return
    body = response.streaming_content
    if isinstance(body, AsyncIterator):
        response.streaming_content = _async_parts(body, context)
    else:
        response.streaming_content = _parts(body, context)


# Not one block around the loop: between two parts the server does other things in this thread, and
# each part may be asked for in another one.


def _parts(body: Iterator[bytes], context: Context) -> Iterator[bytes]:
    while True:
        previous = CONTEXT.get()
        CONTEXT.set(context)
        try:
            part = next(body)
        except StopIteration:
            return
        finally:
            CONTEXT.set(previous)
        yield part


async def _async_parts(body: AsyncIterator[bytes], context: Context) -> AsyncIterator[bytes]:
    while True:
        previous = CONTEXT.get()
        CONTEXT.set(context)
        try:
            part = await anext(body)
        except StopAsyncIteration:
            return
        finally:
            CONTEXT.set(previous)
        yield part
