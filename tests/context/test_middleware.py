"""The context of a request: its id, its actor, and that nothing of it stays behind."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core.handlers.asgi import ASGIHandler
from django.core.signals import request_finished, request_started
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, RequestFactory, override_settings
from django.utils.functional import SimpleLazyObject
from pytest_django import DjangoAssertNumQueries

from signalkit.context import Actor, current, use
from signalkit.context.current import CONTEXT
from signalkit.context.middleware import ContextMiddleware
from tests.context.site import MESSAGES, OURS, SESSIONS, USERS, asgi_get, run_async, site

FULL = (OURS, SESSIONS, USERS, MESSAGES)
SYNC_ONLY = "tests.context.site.sync_only"
ASYNC_ONLY = "tests.context.site.AsyncOnly"


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    assert CONTEXT.get() is None
    yield
    assert CONTEXT.get() is None


@pytest.fixture
def eve(db: None) -> User:
    return User.objects.create_user("eve", password="x")


@pytest.fixture
def signed_in(eve: User, client: Client) -> Client:
    client.force_login(eve)
    return client


class TestTheCorrelationId:
    @pytest.mark.parametrize("given", ["abcdefgh", "a-b_c.d:e", "0" * 64])
    @site(OURS)
    def test_a_well_formed_one_is_kept(self, client: Client, given: str) -> None:
        response = client.get("/show/", headers={"x-request-id": given})
        assert response.json()["correlation_id"] == response["X-Request-ID"] == given

    @pytest.mark.parametrize(
        "given", [None, "", "short", "0" * 65, "a b c d e f", "eight<><>", "x,y" * 4]
    )
    @site(OURS)
    def test_otherwise_there_is_a_new_one(self, client: Client, given: str | None) -> None:
        headers = {} if given is None else {"x-request-id": given}
        seen = {client.get("/show/", headers=headers)["X-Request-ID"] for _ in range(2)}
        assert len(seen) == 2
        assert all(re.fullmatch(r"[0-9a-f]{32}", one) for one in seen)

    @site(OURS)
    def test_a_response_keeps_its_own_header(self, client: Client) -> None:
        assert client.get("/header/")["X-Request-ID"] == "its-own-id"

    @site(OURS)
    @pytest.mark.parametrize("address", ["/broken/", "/abroken/", "/nowhere/"])
    def test_an_error_has_it_too(self, address: str) -> None:
        client = Client(raise_request_exception=False)
        response = client.get(address, headers={"x-request-id": "abcdefgh"})
        assert response.status_code in (404, 500)
        assert response["X-Request-ID"] == "abcdefgh"

    @site(OURS, SIGNALKIT={"CONTEXT": {"CORRELATION_HEADER": "Traced-By"}})
    def test_another_header(self, client: Client) -> None:
        response = client.get(
            "/show/", headers={"traced-by": "abcdefgh", "x-request-id": "not-this-one"}
        )
        assert response.json()["correlation_id"] == response["Traced-By"] == "abcdefgh"
        assert "X-Request-ID" not in response

    @site(OURS, SIGNALKIT={"CONTEXT": {"CORRELATION_HEADER": None}})
    def test_no_header(self, client: Client) -> None:
        response = client.get("/show/", headers={"x-request-id": "abcdefgh"})
        assert response.json()["correlation_id"] != "abcdefgh"
        assert "X-Request-ID" not in response


class TestTheRest:
    @site(OURS)
    def test_the_detail_has_no_query_string(self, client: Client) -> None:
        seen = client.post("/show/?token=s3cret", REMOTE_ADDR="192.0.2.9").json()
        assert (seen["source"], seen["detail"]) == ("request", "POST /show/")
        assert (seen["address"], seen["reason"], seen["actor"]) == ("192.0.2.9", "", None)

    @site(OURS)
    def test_the_detail_is_cut_and_can_be_stored(self, client: Client) -> None:
        assert client.get("/any/a%00b/").json()["detail"] == "GET /any/a\ufffdb/"
        assert len(client.get("/any/" + "a" * 300).json()["detail"]) == 200

    @site(OURS)
    def test_it_begins_anew_inside_of_another(self, client: Client) -> None:
        with use(actor="a test", reason="because", correlation_id="abcdefgh") as around:
            seen = client.get("/show/").json()
            assert current() is around
        assert (seen["actor"], seen["reason"], seen["source"]) == (None, "", "request")
        assert seen["correlation_id"] != "abcdefgh"


class TestTheActor:
    @pytest.mark.parametrize(
        "order", [(OURS, SESSIONS, USERS), (SESSIONS, USERS, OURS), (SESSIONS, OURS, USERS)]
    )
    def test_wherever_the_middleware_stands(
        self, signed_in: Client, eve: User, order: tuple[str, ...]
    ) -> None:
        with site(*order):
            assert signed_in.get("/show/").json()["actor"] == ["auth.User", str(eve.pk), "eve"]

    @pytest.mark.parametrize(("address", "expected"), [("/quiet/", 0), ("/show/", 2)])
    def test_nobody_asks_nothing_is_loaded(
        self,
        signed_in: Client,
        address: str,
        expected: int,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        with site(*FULL), django_assert_num_queries(expected):
            response = signed_in.get(address)
        session = response.wsgi_request.session
        assert session.accessed is (expected > 0)

    @site(*FULL)
    def test_anonymous(self, client: Client, db: None) -> None:
        assert client.get("/show/").json()["actor"] is None

    @site(*FULL)
    def test_a_login_is_noticed_and_a_logout_is_not(self, client: Client, eve: User) -> None:
        who = str(Actor("auth.User", str(eve.pk), "eve"))
        expected = {"before": "None", "after": who, "kept": True}
        assert client.get("/sign_in/").json() == expected
        assert client.get("/asign_in/").json() == expected

    @site(*FULL)
    def test_nobody_has_asked_before_the_logout(self, signed_in: Client) -> None:
        assert signed_in.get("/sign_out_first/").json()["actor"] is None

    @site(OURS)
    def test_without_users(self, client: Client) -> None:
        assert client.get("/show/").json()["actor"] is None

    @override_settings(INSTALLED_APPS=["signalkit", "tests.testapp"])
    @site(OURS)
    def test_without_the_app(self, client: Client) -> None:
        assert client.get("/show/").json()["actor"] is None

    def test_a_user_that_cannot_be_loaded(
        self, rf: RequestFactory, caplog: pytest.LogCaptureFixture
    ) -> None:
        def load() -> User:
            if failures:
                raise failures.pop()
            return User(pk=7, username="eve")

        failures = [DatabaseError("gone"), RuntimeError("no session")]
        request = rf.get("/")
        request.user = SimpleLazyObject(load)  # type: ignore[assignment]
        with use(request=request) as context, caplog.at_level("DEBUG", "signalkit.context"):
            # the third time the database is back
            seen = [context.actor for _ in range(3)]
        assert seen == [None, None, Actor("auth.User", "7", "eve")]
        assert [record.levelname for record in caplog.records] == ["DEBUG", "DEBUG"]

    def test_a_user_who_is_known_is_not_asked_for_again(self, rf: RequestFactory) -> None:
        class Counting:
            asked = 0

            @property
            def is_authenticated(self) -> bool:
                Counting.asked += 1
                return True

        request = rf.get("/")
        request.user = Counting()  # type: ignore[assignment]
        with use(request=request) as context, use(reason="because") as inner:
            assert context.actor is context.actor is inner.actor
        assert Counting.asked == 1

    def test_whoever_loads_the_user_may_ask_who_it_is(self, rf: RequestFactory) -> None:
        asked = []

        def load() -> User:
            asked.append(current().actor)
            return User(pk=7, username="eve")

        request = rf.get("/")
        request.user = SimpleLazyObject(load)  # type: ignore[assignment]
        with use(request=request) as context:
            assert context.actor == Actor("auth.User", "7", "eve")
        assert asked == [None]

    def test_a_user_of_another_kind(self, rf: RequestFactory) -> None:
        request = rf.get("/")
        request.user = AnonymousUser()
        with use(request=request) as context:
            assert context.actor is None
            request.user = "eve"  # type: ignore[assignment]
            assert context.actor == Actor("str", "", "eve")


@pytest.mark.django_db(transaction=True)
class TestUnderAsgi:
    @pytest.mark.parametrize(
        "middleware",
        [
            FULL,
            (SYNC_ONLY, *FULL),
            (OURS, SYNC_ONLY, SESSIONS, USERS),
            (ASYNC_ONLY, *FULL),
            (OURS, ASYNC_ONLY, SESSIONS, USERS),
        ],
    )
    @pytest.mark.parametrize("address", ["/show/", "/ashow_in_a_thread/", "/ashow_loaded/"])
    def test_who_it_is(self, eve: User, middleware: tuple[str, ...], address: str) -> None:
        async def main() -> Any:
            client = AsyncClient()
            await client.aforce_login(eve)
            response = await client.get(address, headers={"x-request-id": "abcdefgh"})
            assert CONTEXT.get() is None
            return response

        with site(*middleware):
            response = run_async(main)
            seen = response.json()
            assert seen["actor"] == ["auth.User", str(eve.pk), "eve"]
            assert response["X-Request-ID"] == seen["correlation_id"] == "abcdefgh"
            client = Client()
            client.force_login(eve)
            seen = client.get(address, headers={"x-request-id": "abcdefgh"}).json()
            assert seen["actor"] == ["auth.User", str(eve.pk), "eve"]

    def test_in_the_event_loop_an_unloaded_user_is_nobody(self, eve: User) -> None:
        async def main() -> Any:
            client = AsyncClient()
            await client.aforce_login(eve)
            return await client.get("/ashow/")

        with site(*FULL):
            assert run_async(main).json()["actor"] is None

    def test_no_thread_is_entered_for_it(self) -> None:
        async def main() -> None:
            import threading

            threads = set()

            async def get_response(request: HttpRequest) -> HttpResponse:
                threads.add(threading.get_ident())
                return HttpResponse()

            middleware: Any = ContextMiddleware(get_response)
            await middleware(RequestFactory().get("/"))
            assert threads == {threading.get_ident()}

        run_async(main)

    def test_one_task_answers_two_requests(self, eve: User) -> None:
        async def main() -> list[bytes]:
            handler = ASGIHandler()
            bodies = []
            for given in ("first-id", "second-id"):
                headers = {"Host": "testserver", "X-Request-ID": given}
                bodies.append((await asgi_get(handler, "/ashow/", headers))[1])
                assert CONTEXT.get() is None
            return bodies

        with site(OURS):
            first, second = run_async(main)
        assert b"first-id" in first
        assert b"second-id" in second

    def test_a_view_that_is_cancelled(self) -> None:
        async def main() -> None:
            begun = asyncio.Event()

            async def get_response(request: HttpRequest) -> HttpResponse:
                begun.set()
                await asyncio.Event().wait()
                raise AssertionError

            middleware: Any = ContextMiddleware(get_response)

            async def answer() -> bool:
                try:
                    await middleware(RequestFactory().get("/"))
                except asyncio.CancelledError:
                    return CONTEXT.get() is None
                return False

            task = asyncio.create_task(answer())
            await begun.wait()
            task.cancel()
            assert await task

        run_async(main)


class TestNothingStays:
    @site(OURS)
    @pytest.mark.parametrize(
        "address", ["/show/", "/broken/", "/abroken/", "/nowhere/", "/forgetful/"]
    )
    def test_after_whatever_came_of_it(self, address: str) -> None:
        client = Client(raise_request_exception=False)
        client.get(address)
        assert CONTEXT.get() is None

    def test_after_an_error_that_no_response_was_made_of(self, rf: RequestFactory) -> None:
        def get_response(request: HttpRequest) -> HttpResponse:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            ContextMiddleware(get_response)(rf.get("/"))
        assert CONTEXT.get() is None

    @site(OURS)
    def test_what_the_signals_around_a_request_see(self, client: Client) -> None:
        seen = {}

        def started(**kwargs: Any) -> None:
            seen["started"] = current().source

        def finished(**kwargs: Any) -> None:
            seen["finished"] = current().source

        request_started.connect(started)
        request_finished.connect(finished)
        try:
            client.get("/show/")
        finally:
            request_started.disconnect(started)
            request_finished.disconnect(finished)
        assert seen == {"started": "process", "finished": "process"}


class TestCommands:
    @site(OURS)
    def test_one_that_a_request_calls_keeps_its_context(self, rf: RequestFactory) -> None:
        from django.core.management import call_command
        from django.core.management.base import BaseCommand

        seen = []

        class Command(BaseCommand):
            requires_system_checks = []

            def handle(self, *args: Any, **options: Any) -> None:
                seen.append(current())

        def get_response(request: HttpRequest) -> HttpResponse:
            call_command(Command())
            return HttpResponse()

        ContextMiddleware(get_response)(rf.get("/orders/"))
        assert [context.detail for context in seen] == ["GET /orders/"]
