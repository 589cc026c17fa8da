"""``use()`` and ``current()``: nesting, inheritance, and that nothing stays behind."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from contextvars import Context as PythonContext
from contextvars import copy_context
from dataclasses import FrozenInstanceError
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest
from django.test import RequestFactory
from django.utils.functional import SimpleLazyObject
from hypothesis import given
from hypothesis import strategies as st

from signalkit.context import Actor, Context, current, use
from signalkit.context.current import CONTEXT
from tests.testapp.models import Author


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    assert CONTEXT.get() is None
    yield
    assert CONTEXT.get() is None


class TestWithoutOne:
    def test_it_is_that_of_the_process(self) -> None:
        context = current()
        assert (context.source, context.actor, context.request) == ("process", None, None)
        assert (context.address, context.reason) == (None, "")

    def test_a_process_has_one_correlation_id(self) -> None:
        assert current() is current()
        assert len(current().correlation_id) == 32

    def test_a_forked_process_has_another(self) -> None:
        code = (
            "import os, django\n"
            "from signalkit.context import current\n"
            "read, write = os.pipe()\n"
            "ours = current().correlation_id\n"
            "if os.fork() == 0:\n"
            "    os.write(write, current().correlation_id.encode())\n"
            "    os._exit(0)\n"
            "os.wait()\n"
            "theirs = os.read(read, 100).decode()\n"
            "assert len(theirs) == 32 and theirs != ours == current().correlation_id\n"
        )
        subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


class TestValues:
    def test_what_is_not_given_stays(self) -> None:
        with use(actor="import", reason="because", correlation_id="abcdefgh", source="task"):
            with use(detail="inner") as inner:
                assert current() is inner
                assert inner.actor == Actor("system", "", "import")
                assert (inner.reason, inner.correlation_id) == ("because", "abcdefgh")
                assert (inner.source, inner.detail) == ("task", "inner")
            assert current().detail != "inner"

    def test_outermost_it_goes_on_from_the_process(self) -> None:
        with use(reason="because") as context:
            pass
        assert context.correlation_id == current().correlation_id
        assert context.source == "process"

    def test_a_context_is_read_only(self) -> None:
        with use(actor="import") as context:
            with pytest.raises(FrozenInstanceError):
                context.reason = "another"  # type: ignore[misc]
            # Python 3.11 says it in a TypeError of its own.
            with pytest.raises((AttributeError, TypeError)):
                context.actor = None  # type: ignore[misc]

    def test_no_secret_is_in_its_repr(self, rf: RequestFactory) -> None:
        with use(request=rf.get("/", {"token": "s3cret"}), actor=User(username="eve")) as context:
            assert "s3cret" not in repr(context)

    @pytest.mark.parametrize("name", ["detail", "reason"])
    def test_texts_are_cut_and_can_be_stored(self, name: str) -> None:
        with use(**{name: "a\x00b\ud800c\nd" + "e" * 300}) as context:  # type: ignore[arg-type]
            assert getattr(context, name) == "a\ufffdb\ufffdc\ufffdd" + "e" * 193

    def test_a_block_is_entered_when_it_is_entered(self) -> None:
        block = use(detail="later")
        with use(actor="import"), block as context:
            assert context.actor == Actor("system", "", "import")

    def test_a_block_is_entered_once(self) -> None:
        block = use(actor="import")
        with block, pytest.raises(RuntimeError, match=r"entered before.*Call use\(\) for each"):
            block.__enter__()

    def test_a_block_that_was_never_entered_ends_nothing(self) -> None:
        with use(actor="import") as context:
            use(actor="another").__exit__(None, None, None)
            assert current() is context

    def test_an_error_ends_the_block(self) -> None:
        with pytest.raises(LookupError), use(actor="import"):
            raise LookupError
        assert current().actor is None


class TestActors:
    def test_a_user(self) -> None:
        with use(actor=User(pk=7, username="eve")) as context:
            assert context.actor == Actor(type="auth.User", id="7", label="eve")

    def test_an_unsaved_user(self) -> None:
        with use(actor=User(username="eve")) as context:
            assert context.actor == Actor(type="auth.User", id="", label="eve")

    def test_a_user_of_another_class(self) -> None:
        class Device:
            pk = "d-1"
            is_authenticated = True

            def __str__(self) -> str:
                return "till 4"

        with use(actor=Device()) as context:
            assert context.actor is not None
            assert (context.actor.id, context.actor.label) == ("d-1", "till 4")
            assert context.actor.type.endswith("Device")

    def test_another_model(self) -> None:
        with use(actor=Author(pk=3, name="Woolf")) as context:
            assert context.actor == Actor("testapp.Author", "3", "Woolf")

    def test_a_proxy_is_the_same_user(self) -> None:
        class Clerk(User):
            class Meta:
                proxy = True
                app_label = "testapp"

        try:
            with use(actor=Clerk(pk=7, username="eve")) as context:
                assert context.actor == Actor("auth.User", "7", "eve")
        finally:
            from django.apps import apps

            del apps.all_models["testapp"]["clerk"]
            apps.clear_cache()

    def test_a_lazy_user(self) -> None:
        lazy = SimpleLazyObject(lambda: User(pk=7, username="eve"))
        with use(actor=lazy) as context:
            assert context.actor == Actor("auth.User", "7", "eve")

    @pytest.mark.parametrize("nobody", [None, AnonymousUser()])
    def test_nobody(self, nobody: Any) -> None:
        with use(actor="import"), use(actor=nobody) as context:
            assert context.actor is None

    def test_an_actor(self) -> None:
        actor = Actor("robot", "r2", "R2")
        with use(actor=actor) as context:
            assert context.actor is actor

    def test_long_and_odd_texts(self) -> None:
        assert Actor("a" * 300, "\x00", "n\tn") == Actor("a" * 200, "\ufffd", "n\ufffdn")


class TestRefusals:
    @pytest.mark.parametrize(
        ("given", "error", "message"),
        [
            ({"actor": 7}, TypeError, "got 7; expected a user or another model instance, an Actor"),
            ({"actor": User}, TypeError, "expected a user"),
            ({"actor": True}, TypeError, "expected a user"),
            ({"actor": " "}, ValueError, "names nobody; expected a label. Give None for nobody."),
            ({"reason": None}, TypeError, "use(reason=...) got None; expected a string."),
            ({"detail": 3}, TypeError, "use(detail=...) got 3; expected a string."),
            ({"correlation_id": "short"}, ValueError, "got 'short'; expected 8 to 64 ASCII lett"),
            ({"correlation_id": "a" * 65}, ValueError, "expected 8 to 64"),
            ({"correlation_id": "line\nbreak"}, ValueError, "expected 8 to 64"),
            ({"correlation_id": "abcdefgh\n"}, ValueError, "expected 8 to 64"),
            ({"correlation_id": "ümlauts-8"}, ValueError, "expected 8 to 64"),
            ({"correlation_id": 12345678}, TypeError, "got 12345678; expected a string: 8 to 64"),
            ({"correlation_id": None}, TypeError, "expected a string"),
            ({"source": "cron"}, TypeError, "got 'cron'; expected one of: request, command, shell"),
            ({"source": []}, TypeError, "got []; expected one of"),
            ({"request": "GET /"}, TypeError, "got 'GET /'; expected Django's HttpRequest, or"),
        ],
    )
    def test_what_is_wrong_is_said_at_once(
        self, given: dict[str, Any], error: type[Exception], message: str
    ) -> None:
        with pytest.raises(error) as raised:
            use(**given)
        assert message in str(raised.value)

    @pytest.mark.parametrize("field", ["type", "id", "label"])
    def test_an_actor_is_made_of_strings(self, field: str) -> None:
        texts: dict[str, Any] = {"type": "auth.User", "id": "1", "label": "eve", field: 1}
        with pytest.raises(TypeError, match=rf"Actor.{field} is 1; expected a string. Give"):
            Actor(**texts)


class TestRequests:
    def test_its_user_is_the_actor(self, rf: RequestFactory) -> None:
        with use(actor="import"), use(request=_from(rf, User(pk=7, username="eve"))) as context:
            assert context.actor == Actor("auth.User", "7", "eve")
            with use(actor="import") as inner:
                assert inner.actor == Actor("system", "", "import")
                assert inner.request is context.request

    def test_an_actor_that_is_given_comes_first(self, rf: RequestFactory) -> None:
        with use(request=_from(rf, User(pk=7)), actor="import") as context:
            assert context.actor == Actor("system", "", "import")

    def test_to_let_go_of_it_keeps_the_actor(self, rf: RequestFactory) -> None:
        with use(request=_from(rf, User(pk=7, username="eve"))), use(request=None) as context:
            assert context.request is None
            assert context.address is None
            assert context.actor == Actor("auth.User", "7", "eve")

    def test_blocks_inside_share_who_it_is(self, rf: RequestFactory) -> None:
        request = _from(rf, User(pk=7, username="eve"))
        with use(request=request) as outer:
            with use(reason="because") as inner:
                assert inner.actor is not None
            request.user = AnonymousUser()
            assert outer.actor is inner.actor


class TestElsewhere:
    def test_a_thread_begins_without(self) -> None:
        seen: list[Context] = []
        with use(actor="import"):
            _in_thread(lambda: seen.append(current()))
        assert seen[0].actor is None

    def test_a_copied_context_takes_it_along(self) -> None:
        seen: list[Context] = []
        with use(actor="import") as context:
            here = copy_context()
            _in_thread(lambda: here.run(lambda: seen.append(current())))
        assert seen == [context]

    def test_a_task_keeps_what_it_began_with(self) -> None:
        async def later(go: asyncio.Event) -> Context:
            await go.wait()
            return current()

        async def main() -> None:
            go = asyncio.Event()
            with use(actor="import") as context:
                task = asyncio.create_task(later(go))
                await asyncio.sleep(0)
            go.set()
            assert await task is context
            assert CONTEXT.get() is None

        asyncio.run(main())

    def test_a_generator_that_is_collected_elsewhere_changes_nothing_there(self) -> None:
        def parts() -> Iterator[Context]:
            with use(actor="generator"):
                yield current()

        abandoned = [parts()]

        def begin() -> None:
            with use(actor="where it began"):
                next(abandoned[0])

        PythonContext().run(begin)
        with use(actor="here") as here:
            abandoned.clear()
            gc.collect()
            assert current() is here

    def test_what_was_never_ended_inside_goes_with_the_block(self) -> None:
        with use(actor="outer"):
            use(actor="forgotten").__enter__()
            use(actor="and another").__enter__()
        assert CONTEXT.get() is None


programs = st.lists(
    st.recursive(
        st.just("wait"),
        lambda inner: st.tuples(
            st.dictionaries(
                st.sampled_from(["actor", "reason", "detail"]),
                st.sampled_from(["a", "b", "c"]),
                min_size=1,
            ),
            st.lists(inner, max_size=3),
            st.booleans(),
        ),
        max_leaves=8,
    ),
    max_size=4,
)


@given(st.lists(programs, min_size=2, max_size=4))
def test_blocks_of_several_tasks_never_meet(tasks: list[Any]) -> None:
    """Tasks that take turns inside nested blocks, some of which fail, each see their own."""

    class Expected(Exception):
        pass

    def check(expected: dict[str, str]) -> None:
        context = current()
        assert (context.actor.label if context.actor else "") == expected["actor"]
        assert context.reason == expected["reason"]
        assert context.detail == expected["detail"]

    async def run(program: list[Any], expected: dict[str, str]) -> None:
        for step in program:
            check(expected)
            if step == "wait":
                await asyncio.sleep(0)
            else:
                changes, inner, fails = step
                try:
                    with use(**changes):
                        await run(inner, {**expected, **changes})
                        if fails:
                            raise Expected
                except Expected:
                    pass
            check(expected)

    async def main() -> None:
        outside = {"actor": "", "reason": "", "detail": current().detail}
        await asyncio.gather(*(run(program, outside) for program in tasks))
        check(outside)

    asyncio.run(main())


def _from(rf: RequestFactory, user: User) -> HttpRequest:
    request = rf.get("/")
    request.user = user
    return request


def _in_thread(work: Callable[[], None]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_tasks_that_start_tasks_hold_no_context_but_their_own() -> None:
    alive: weakref.WeakSet[Context] = weakref.WeakSet()
    latest: asyncio.Task[None]

    async def step(left: int, done: asyncio.Future[int]) -> None:
        nonlocal latest
        with use(reason=str(left)) as context:
            alive.add(context)
            if left:
                latest = asyncio.create_task(step(left - 1, done))
        if not left:
            gc.collect()
            done.set_result(len(alive))

    async def chain() -> int:
        nonlocal latest
        done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        latest = asyncio.create_task(step(100, done))
        return await done

    assert asyncio.run(chain()) < 5
