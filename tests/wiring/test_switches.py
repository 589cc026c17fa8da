"""Switching receivers off: by settings, for the process, and in one context alone."""

from __future__ import annotations

import asyncio
import copy
import sys
import threading
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.dispatch import Signal
from django.test import override_settings

import signalkit
from signalkit import Event, Receiver, disable, enable, muted
from signalkit.dispatch.switches import switches
from signalkit.exceptions import DeclarationError, UnknownReceiver
from signalkit.registry import registry

signal = Signal()


class House:
    """Two receivers of one signal."""

    def heard(self) -> list[Any]:
        return [answer for _, answer in signal.send(None) if answer is not None]


@pytest.fixture
def house() -> Iterator[House]:
    class One(Receiver):
        signal = globals()["signal"]
        name = "shop.One"
        aliases = ["shop.Former"]

        def handle(self, event: Event) -> str:
            return "one"

    @signalkit.receiver(signal, name="shop.two")
    def two(**kwargs: Any) -> str:
        return "two"

    House.one, House.two = One, staticmethod(two)  # type: ignore[attr-defined]  # for the tests
    yield House()
    enable("shop.One", "shop.two")
    assert not switches.engaged


class TestSettings:
    @pytest.mark.parametrize(
        ("setting", "expected"),
        [
            ({}, ["one", "two"]),
            ({"ENABLED": True}, ["one", "two"]),
            ({"ENABLED": False}, []),
            ({"DISABLED": ["shop.One"]}, ["two"]),
            ({"DISABLED": ["shop.Former", "shop.two"]}, []),
            ({"DISABLED": ["shop.Unknown"]}, ["one", "two"]),
        ],
    )
    def test_are_followed_live(
        self, house: House, setting: dict[str, Any], expected: list[str]
    ) -> None:
        with override_settings(SIGNALKIT=setting):
            assert house.heard() == expected
        assert house.heard() == ["one", "two"]

    def test_the_kill_switch_leaves_djangos_own(self, house: House) -> None:
        @signalkit.receiver(signal)
        def plain(**kwargs: Any) -> str:
            return "plain"

        with override_settings(SIGNALKIT={"ENABLED": False}):
            assert house.heard() == ["plain"]

    def test_live_switches_do_not_undo_them(self, house: House) -> None:
        with override_settings(SIGNALKIT={"DISABLED": ["shop.One"]}):
            enable("shop.One")
            assert house.heard() == ["two"]


class TestLive:
    @pytest.mark.parametrize("by", ["shop.One", "shop.Former", "the class"])
    def test_for_the_process(self, house: House, by: Any) -> None:
        disable(House.one if by == "the class" else by)  # type: ignore[attr-defined]  # the fixture
        assert house.heard() == ["two"]
        with ThreadPoolExecutor() as pool:
            assert pool.submit(house.heard).result() == ["two"]
        enable("shop.One")
        assert house.heard() == ["one", "two"]

    def test_by_function_and_several_at_once(self, house: House) -> None:
        disable(House.two, "shop.One")  # type: ignore[attr-defined]  # the fixture
        assert house.heard() == []

    def test_twice_is_once(self, house: House) -> None:
        disable("shop.One")
        disable("shop.One")
        enable("shop.One")
        enable("shop.One")
        assert house.heard() == ["one", "two"]

    @pytest.mark.parametrize("switch", [disable, enable, muted])
    def test_unknown_names(self, house: House, switch: Any) -> None:
        with pytest.raises(
            UnknownReceiver, match=r"No receiver is named 'shop.Two'\. Did you mean"
        ):
            switch("shop.Two")
        with pytest.raises(DeclarationError, match="expected the name of a receiver"):
            switch(print)
        assert not switches.engaged


class TestMuted:
    def test_some_or_all(self, house: House) -> None:
        with muted("shop.One"):
            assert house.heard() == ["two"]
        with muted():
            assert house.heard() == []
        assert house.heard() == ["one", "two"]

    def test_nested_blocks_restore_what_they_found(self, house: House) -> None:
        with muted("shop.One"):
            with muted("shop.two"):
                assert house.heard() == []
                with muted():
                    assert house.heard() == []
            assert house.heard() == ["two"]
            with muted("shop.One"):
                pass
            assert house.heard() == ["two"]

    def test_it_ends_with_an_exception(self, house: House) -> None:
        with pytest.raises(LookupError), muted():
            raise LookupError
        assert house.heard() == ["one", "two"]

    def test_one_block_entered_again(self, house: House) -> None:
        block = muted("shop.One")
        with block, block:
            assert house.heard() == ["two"]
        with block:
            assert house.heard() == ["two"]
        assert house.heard() == ["one", "two"]

    def test_a_task_that_outlives_its_block_hears_again(self, house: House) -> None:
        async def begin() -> list[list[Any]]:
            ended = asyncio.Event()

            async def listen() -> list[Any]:
                await ended.wait()
                # Whether anybody else mutes anything meanwhile must not matter.
                with muted("shop.two"):
                    return house.heard()

            with muted("shop.One"):
                task = asyncio.create_task(listen())
                await asyncio.sleep(0)
                inside = house.heard()
            ended.set()
            return [inside, await task]

        assert asyncio.run(begin()) == [["two"], ["one"]]

    def test_entered_in_one_context_and_left_in_another(self, house: House) -> None:
        block, elsewhere = muted("shop.One"), copy_context()
        elsewhere.run(block.__enter__)
        block.__exit__(None, None, None)
        assert elsewhere.run(house.heard) == house.heard() == ["one", "two"]
        with muted("shop.two"):
            assert house.heard() == ["one"]

    def test_other_threads_hear(self, house: House) -> None:
        with muted(), ThreadPoolExecutor() as pool:
            assert pool.submit(house.heard).result() == ["one", "two"]

    def test_one_block_in_several_threads(self, house: House) -> None:
        """Each leaves its own: the inner mute of one is not what the other restores."""
        block, inside, leave = muted("shop.One"), threading.Barrier(2), threading.Barrier(2)
        heard: dict[str, list[Any]] = {}

        def run(name: str, outer: Any) -> None:
            with outer:
                with block:
                    inside.wait()
                    leave.wait()
                heard[name] = house.heard()

        threads = [
            threading.Thread(target=run, args=args)
            for args in (("muted", muted("shop.two")), ("free", muted("shop.One")))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert heard == {"muted": ["one"], "free": ["two"]}

    def test_other_tasks_hear_and_their_own_threads_do_not(self, house: House) -> None:
        async def mutes(entered: asyncio.Event, done: asyncio.Event) -> list[Any]:
            with muted("shop.One"):
                entered.set()
                await done.wait()
                return await sync_to_async(house.heard)()

        async def listens(entered: asyncio.Event, done: asyncio.Event) -> list[Any]:
            await entered.wait()
            heard = house.heard()
            done.set()
            return heard

        async def both() -> tuple[list[Any], list[Any]]:
            entered, done = asyncio.Event(), asyncio.Event()
            first, second = await asyncio.gather(mutes(entered, done), listens(entered, done))
            return first, second

        assert asyncio.run(both()) == (["two"], ["one", "two"])

    def test_a_function(self, house: House) -> None:
        @muted("shop.One")
        def quiet(number: int) -> Any:
            """Say something."""
            if number:
                return quiet(number - 1)
            return house.heard()

        assert quiet(2) == ["two"]
        assert quiet.__doc__ == "Say something."
        assert house.heard() == ["one", "two"]

    def test_a_coroutine_function(self, house: House) -> None:
        @muted("shop.One")
        async def quiet() -> list[Any]:
            await asyncio.sleep(0)
            return house.heard()

        async def several() -> list[Any]:
            return [*(await asyncio.gather(quiet(), quiet())), house.heard()]

        assert asyncio.run(several()) == [["two"], ["two"], ["one", "two"]]

    def test_what_would_mute_somebody_else(self, house: House) -> None:
        def generator() -> Iterator[int]:
            yield 1

        async def asynchronous() -> Any:
            yield 1

        for func in (generator, asynchronous):
            with pytest.raises(DeclarationError, match="what follows its yield would mute"):
                muted()(func)

    def test_a_class(self, house: House) -> None:
        with pytest.raises(
            DeclarationError, match=r"cannot decorate the class House\. Decorate its"
        ):
            muted()(House)


class TestWhy:
    def test_nothing(self, house: House) -> None:
        assert switches.why_off(registry.get("shop.One")) is None

    @pytest.mark.parametrize(
        ("setting", "why"),
        [({"ENABLED": False}, "kill_switch"), ({"DISABLED": ["shop.Former"]}, "settings")],
    )
    def test_settings(self, house: House, setting: dict[str, Any], why: str) -> None:
        with override_settings(SIGNALKIT=setting):
            assert switches.why_off(registry.get("shop.One")) == why

    def test_live(self, house: House) -> None:
        with muted("shop.One"):
            assert switches.why_off(registry.get("shop.One")) == "muted"
            disable("shop.One")
            assert switches.why_off(registry.get("shop.One")) == "process"
        assert switches.why_off(registry.get("shop.two")) is None


def test_a_block_may_end_while_another_one_ends() -> None:
    """As the garbage collector ends a generator, at any step of anything."""
    quiet = signalkit.muted()
    steps = 0

    def generate() -> Generator[None]:
        with quiet:
            yield

    left = [generate() for _ in range(40)]
    for generator in left:
        next(generator)

    def end_another(frame: object, event: str, argument: object) -> Any:
        nonlocal steps
        steps += 1
        if left:
            sys.settrace(None)
            left.pop().close()
            sys.settrace(end_another)
        return end_another

    sys.settrace(end_another)
    try:
        with quiet:
            pass
    finally:
        sys.settrace(None)
    assert steps > 5
    while left:
        left.pop().close()
    assert not switches.engaged
    assert copy.deepcopy(quiet) is not quiet
