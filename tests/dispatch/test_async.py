"""``async def`` receivers, reached from everywhere."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import connection, connections, transaction
from django.db.models.signals import post_save
from django.dispatch import Signal
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.urls import path

import signalkit
from signalkit import Event, ModelReceiver, Phase, Receiver
from tests.dispatch.recording import listen, real_commits, undone
from tests.testapp.models import Book, Record, Tag

pytestmark = real_commits

ACTOR: contextvars.ContextVar[str] = contextvars.ContextVar("actor", default="nobody")


class Boom(Exception):
    pass


def declare(kind: str, sent: Signal, body: Callable[..., Any], **options: Any) -> None:
    """Declare an async receiver of either kind around a coroutine function."""
    if kind == "function":

        @signalkit.receiver(sent, **{"name": "tests.function"} | options)
        async def react(**kwargs: Any) -> Any:
            return await body(kwargs)

        return

    async def handle(self: Receiver, event: Event) -> Any:
        return await body({"signal": event.signal, "sender": event.sender, **event.payload})

    type(
        "Reacts", (Receiver,), {"signal": sent, "handle": handle, "__module__": __name__, **options}
    )


kinds = pytest.mark.parametrize("kind", ["function", "class"])


@kinds
class TestEntrances:
    @pytest.fixture
    def sent(self, kind: str) -> Signal:
        sent = Signal()

        async def body(named: dict[str, Any]) -> str:
            await asyncio.sleep(0)
            if named.get("fail"):
                raise Boom
            return f"for {named['sender']}"

        declare(kind, sent, body)
        return sent

    def test_send(self, sent: Signal) -> None:
        assert [answer for _, answer in sent.send(sender="me")] == ["for me"]
        with pytest.raises(Boom):
            sent.send(sender="me", fail=True)

    def test_send_robust(self, sent: Signal) -> None:
        assert [answer for _, answer in sent.send_robust(sender="me")] == ["for me"]
        assert [type(answer) for _, answer in sent.send_robust(sender="me", fail=True)] == [Boom]

    def test_asend(self, sent: Signal) -> None:
        async def scenario() -> None:
            assert [answer for _, answer in await sent.asend(sender="me")] == ["for me"]
            with pytest.raises(Boom):
                await sent.asend(sender="me", fail=True)

        asyncio.run(scenario())

    def test_asend_robust(self, sent: Signal) -> None:
        async def scenario() -> None:
            assert [answer for _, answer in await sent.asend_robust(sender="me")] == ["for me"]
            answers = await sent.asend_robust(sender="me", fail=True)
            assert [type(answer) for _, answer in answers] == [Boom]

        asyncio.run(scenario())

    def test_asend_below_sync_code(self, sent: Signal) -> None:
        async def scenario() -> Any:
            return await sent.asend(sender="me")

        assert [answer for _, answer in async_to_sync(scenario)()] == ["for me"]

    def test_send_from_a_thread_of_async_code(self, sent: Signal) -> None:
        async def scenario() -> Any:
            return await sync_to_async(sent.send)(sender="me")

        assert [answer for _, answer in asyncio.run(scenario())] == ["for me"]

    def test_send_inside_a_running_loop_is_djangos_error(self, sent: Signal) -> None:
        plain = Signal()

        async def plainly(**kwargs: Any) -> None:
            """Do nothing."""

        plain.connect(plainly)

        async def scenario(signal: Signal) -> str:
            with pytest.raises(RuntimeError) as raised:
                signal.send(sender="me")
            return str(raised.value)

        assert asyncio.run(scenario(sent)) == asyncio.run(scenario(plain))

    def test_robustly_inside_a_running_loop(self, sent: Signal) -> None:
        async def scenario() -> Any:
            return sent.send_robust(sender="me")

        assert [type(answer) for _, answer in asyncio.run(scenario())] == [RuntimeError]


@kinds
class TestContext:
    def test_variables_are_seen_and_flow_back(self, kind: str) -> None:
        sent, seen = Signal(), []

        async def body(named: dict[str, Any]) -> None:
            seen.append(ACTOR.get())
            ACTOR.set("the receiver")

        declare(kind, sent, body)

        def scenario() -> None:
            ACTOR.set("the sender")
            sent.send(sender=None)
            seen.append(ACTOR.get())

        contextvars.copy_context().run(scenario)
        assert seen == ["the sender", "the receiver"]

    def test_order_is_kept_among_sync_and_async(self, kind: str) -> None:
        """Django alone would run the sync ones first and the async ones all at once."""
        sent, seen = Signal(), []

        def body(name: str) -> Callable[[dict[str, Any]], Any]:
            async def react(named: dict[str, Any]) -> None:
                seen.append(f"{name} begins")
                await asyncio.sleep(0)
                seen.append(f"{name} ends")

            return react

        declare(kind, sent, body("third"), order=3, name="tests.third")
        declare(kind, sent, body("first"), order=1, name="tests.first")
        listen(sent, order=2, note=lambda named: seen.append("second"))
        expected = ["first begins", "first ends", "second", "third begins", "third ends"]
        sent.send(sender=None)
        assert seen == expected
        asyncio.run(sent.asend(sender=None))
        assert seen == expected * 2

    def test_an_error_stops_the_later_ones(self, kind: str) -> None:
        sent = Signal()

        async def fail(named: dict[str, Any]) -> None:
            raise Boom

        declare(kind, sent, fail, order=1)
        seen = listen(sent, order=2)
        with pytest.raises(Boom):
            sent.send(sender=None)
        with pytest.raises(Boom):
            asyncio.run(sent.asend(sender=None))
        assert seen == []


@kinds
class TestInTheSendersTransaction:
    async def write(self, named: dict[str, Any]) -> None:
        text = f"{await Tag.objects.acount()} tags"
        await Record.objects.acreate(text=text)

    def test_it_sees_what_is_not_committed_and_commits_with_it(self, kind: str) -> None:
        declare(kind, post_save, self.write, when=of_tags(kind))
        with transaction.atomic():
            Tag.objects.create(name="a")
            assert Record.objects.get().text == "1 tags"
        assert Record.objects.get().text == "1 tags"

    def test_it_vanishes_with_the_rollback(self, kind: str) -> None:
        declare(kind, post_save, self.write, when=of_tags(kind))
        with undone():
            Tag.objects.create(name="a")
            assert Record.objects.exists()
        assert not Record.objects.exists()

    def test_below_async_code(self, kind: str) -> None:
        declare(kind, post_save, self.write, when=of_tags(kind))

        def save() -> None:
            with undone():
                Tag.objects.create(name="a")
                assert Record.objects.exists()

        async def scenario() -> None:
            await sync_to_async(save)()
            assert not await Record.objects.aexists()
            await Tag.objects.acreate(name="b")
            assert await Record.objects.acount() == 1
            await sync_to_async(connections.close_all)()

        asyncio.run(scenario())

    def test_isolate_undoes_what_it_wrote(self, kind: str) -> None:
        async def write_and_fail(named: dict[str, Any]) -> None:
            await Record.objects.acreate(text="half-way")
            await Tag.objects.acreate(name="a")

        declare(
            kind,
            post_save,
            write_and_fail,
            when=of_tags(kind),
            on_error="isolate",
            reentry="skip",
        )
        with transaction.atomic():
            Tag.objects.create(name="a")
            assert Tag.objects.count() == 1
        assert Tag.objects.exists()
        assert not Record.objects.exists()

    @pytest.mark.parametrize("phase", [Phase.BEFORE_COMMIT, Phase.AFTER_COMMIT])
    def test_in_deferred_phases(self, kind: str, phase: Phase) -> None:
        seen: list[bool] = []

        async def body(named: dict[str, Any]) -> None:
            await Record.objects.acreate(text="later")
            seen.append(await sync_to_async(lambda: connection.in_atomic_block)())

        declare(kind, post_save, body, when=of_tags(kind), phase=phase)
        with transaction.atomic():
            Tag.objects.create(name="a")
            assert seen == []
        assert seen == [phase is Phase.BEFORE_COMMIT]
        assert Record.objects.get().text == "later"

    def test_after_a_rollback(self, kind: str) -> None:
        async def body(named: dict[str, Any]) -> None:
            await Record.objects.acreate(text="lost")

        declare(kind, post_save, body, when=of_tags(kind), phase=Phase.AFTER_ROLLBACK)
        with undone():
            Tag.objects.create(name="a")
        assert Record.objects.get().text == "lost"

    def test_a_before_commit_receiver_that_fails(self, kind: str) -> None:
        async def fail(named: dict[str, Any]) -> None:
            raise Boom

        declare(kind, post_save, fail, when=of_tags(kind), phase=Phase.BEFORE_COMMIT)
        with pytest.raises(Boom), transaction.atomic():
            Tag.objects.create(name="a")
        assert not Tag.objects.exists()

    def test_it_reaches_itself_again(self, kind: str) -> None:
        seen = []

        async def save_again(named: dict[str, Any]) -> None:
            seen.append(threading.current_thread().name)
            await named["instance"].asave()

        declare(kind, post_save, save_again, when=of_tags(kind), reentry="skip")
        Tag.objects.create(name="a")
        asyncio.run(close_after(Tag.objects.acreate(name="b")))
        assert len(seen) == 2


async def close_after(work: Any) -> None:
    await work
    await sync_to_async(connections.close_all)()


def of_tags(kind: str) -> Callable[..., bool]:
    if kind == "function":
        return lambda sender, **kwargs: sender is Tag
    return lambda self, event: event.sender is Tag


@kinds
class TestCancelled:
    def declare(self, kind: str, sent: Signal, **options: Any) -> list[str]:
        seen: list[str] = []

        async def body(named: dict[str, Any]) -> None:
            seen.append("begins")
            cancelled = asyncio.get_running_loop().create_future()
            cancelled.cancel()
            await cancelled

        declare(kind, sent, body, **options)
        return seen

    def test_after_the_commit_it_is_a_failure_of_its_own(
        self, kind: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        sent = Signal()
        seen = self.declare(kind, sent, phase=Phase.AFTER_COMMIT)
        listen(sent, phase=Phase.AFTER_COMMIT, note=lambda named: seen.append("the next"))
        with transaction.atomic():
            sent.send(sender=None)
        assert seen == ["begins", "the next"]
        (record,) = caplog.records
        assert record.exc_info is not None
        assert record.exc_info[0] is asyncio.CancelledError

    def test_which_is_raised_when_asked_for_once_all_have_run(self, kind: str) -> None:
        sent = Signal()
        seen = self.declare(kind, sent, phase=Phase.AFTER_COMMIT, on_error="raise")
        listen(sent, phase=Phase.AFTER_COMMIT, note=lambda named: seen.append("the next"))
        with pytest.raises(asyncio.CancelledError), transaction.atomic():
            sent.send(sender=None)
        assert seen == ["begins", "the next"]

    @pytest.mark.parametrize("phase", [Phase.INLINE, Phase.BEFORE_COMMIT])
    def test_before_it_whoever_waits_is_cancelled(self, kind: str, phase: Phase) -> None:
        sent = Signal()
        seen = self.declare(kind, sent, phase=phase, on_error="isolate")
        with pytest.raises(asyncio.CancelledError), transaction.atomic():
            sent.send(sender=None)
        assert seen == ["begins"]


class TestClasses:
    def test_an_async_handle_of_a_model_receiver(self) -> None:
        seen = []

        class Written(ModelReceiver):
            signal = post_save
            sender = Tag
            created = True

            async def handle(self, event: Event) -> None:
                seen.append(await Tag.objects.aget(pk=event.pk))

        tag = Tag.objects.create(name="a")
        tag.save()
        assert seen == [tag]


def sell(request: HttpRequest) -> HttpResponse:
    with transaction.atomic():
        Book.objects.create(title="sold")
    return HttpResponse("sold")


def lose(request: HttpRequest) -> HttpResponse:
    with undone():
        Book.objects.create(title="lost")
    return HttpResponse("lost")


async def asell(request: HttpRequest) -> HttpResponse:
    await sync_to_async(sell)(request)
    return HttpResponse("asold")


urlpatterns = [path("sell/", sell), path("asell/", asell), path("lose/", lose)]


# Middleware needs its apps.
@pytest.mark.django_db(transaction=True)
@pytest.mark.urls(__name__)
@pytest.mark.parametrize("serve", ["wsgi", "asgi"])
class TestRequests:
    """Real requests, through Django's handlers."""

    def get(self, serve: str, where: str) -> bytes:
        return self.wsgi(where) if serve == "wsgi" else asyncio.run(self.asgi(where))

    def wsgi(self, where: str) -> bytes:
        environ = RequestFactory().get(where).environ

        def start_response(status: str, headers: Any, exc_info: Any = None, /) -> Any:
            assert status == "200 OK"

        response = WSGIHandler()(environ, start_response)
        body = b"".join(response)
        response.close()
        return body

    def communicator(self, where: str) -> Any:
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "path": where,
            "query_string": b"",
            "headers": [(b"host", b"testserver")],
        }
        # asgiref leaves it untyped
        make: Any = ApplicationCommunicator
        return make(ASGIHandler(), scope)

    async def asgi(self, where: str) -> bytes:
        communicator = self.communicator(where)
        await communicator.send_input({"type": "http.request"})
        start = await communicator.receive_output(10)
        assert start["status"] == 200
        body = await communicator.receive_output(10)
        await communicator.wait(10)
        return bytes(body["body"])

    def receivers(self) -> list[str]:
        seen: list[str] = []

        @signalkit.receiver(post_save, sender=Book, name="tests.inline")
        async def inline(instance: Book, **kwargs: Any) -> None:
            await Record.objects.acreate(text="inline")
            seen.append(f"inline {await Book.objects.acount()}")

        class Later(ModelReceiver):
            signal = post_save
            sender = Book
            phase = Phase.AFTER_COMMIT

            async def handle(self, event: Event) -> None:
                await Record.objects.acreate(text="after")
                seen.append("after")

        class Isolated(ModelReceiver):
            signal = post_save
            sender = Book
            on_error = "isolate"

            async def handle(self, event: Event) -> None:
                await Record.objects.acreate(text="half-way")
                raise Boom

        return seen

    @pytest.mark.parametrize("where", ["/sell/", "/asell/"])
    def test_a_sale(self, serve: str, where: str) -> None:
        seen = self.receivers()
        assert self.get(serve, where) in (b"sold", b"asold")
        assert seen == ["inline 1", "after"]
        assert list(Record.objects.order_by("pk").values_list("text", flat=True)) == [
            "inline",
            "after",
        ]

    def test_a_sale_that_is_lost(self, serve: str) -> None:
        seen = self.receivers()
        assert self.get(serve, "/lose/") == b"lost"
        assert seen == ["inline 1"]
        assert not Book.objects.exists()
        assert not Record.objects.exists()

    def test_a_client_that_goes_away_takes_no_work_along(self, serve: str) -> None:
        if serve == "wsgi":
            pytest.skip("a WSGI server does not tell")
        seen: list[str] = []
        started, go_on = asyncio.Event(), asyncio.Event()

        class Slow(ModelReceiver):
            signal = post_save
            sender = Book
            phase = Phase.AFTER_COMMIT

            async def handle(self, event: Event) -> None:
                started.set()
                await go_on.wait()
                seen.append("slow")

        listen(post_save, Book, phase=Phase.AFTER_COMMIT, note=lambda named: seen.append("mail"))

        async def leave() -> None:
            communicator = self.communicator("/asell/")
            await communicator.send_input({"type": "http.request"})
            await started.wait()
            await communicator.send_input({"type": "http.disconnect"})
            await communicator.wait(10)

        asyncio.run(leave())
        assert Book.objects.exists()
        assert seen == ["mail"]

    def test_the_signals_of_the_request(self, serve: str) -> None:
        seen = []

        class Requests(Receiver):
            signal = [request_started, request_finished]

            async def handle(self, event: Event) -> None:
                await asyncio.sleep(0)
                seen.append(event.signal is request_started)

        self.get(serve, "/sell/")
        assert seen == [True, False]
