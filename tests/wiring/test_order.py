"""``order`` and ``after``: in which order receivers run, whenever they are declared."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from django.dispatch import Signal
from hypothesis import given
from hypothesis import strategies as st

import signalkit
from signalkit import Event, Receiver
from signalkit.declaration import Declaration, Origin
from signalkit.dispatch import connector
from signalkit.dispatch.order import in_order
from signalkit.dispatch.slots import arrange, holder
from signalkit.exceptions import OrderError
from signalkit.registry import registry
from tests.testapp.models import Author, Book


def declare(signal: Any, name: str, **options: Any) -> Callable[..., Any]:
    """Declare a function that answers with its name."""

    def f(**kwargs: Any) -> str:
        return name

    return signalkit.receiver(signal, name=name, **options)(f)


def answers(signal: Signal, sender: Any = None) -> list[Any]:
    return [answer for _, answer in signal.send(sender)]


class TestOrder:
    def test_lower_first_then_as_declared(self) -> None:
        signal = Signal()
        for name, order in (("c", 0), ("d", 0), ("e", 7), ("a", -2), ("b", -1)):
            declare(signal, name, order=order)
        assert answers(signal) == ["a", "b", "c", "d", "e"]

    def test_plain_receivers_keep_their_place(self) -> None:
        signal = Signal()
        declare(signal, "second", order=2)

        def plain(**kwargs: Any) -> str:
            return "plain"

        signal.connect(plain)
        declare(signal, "first", order=1)
        assert answers(signal) == ["first", "plain", "second"]

    def test_across_sync_and_async(self) -> None:
        signal = Signal()
        declare(signal, "b", order=2)

        @signalkit.receiver(signal, order=1)
        async def a(**kwargs: Any) -> str:
            return "a"

        declare(signal, "c", order=3)
        assert answers(signal) == ["a", "b", "c"]

        async def send() -> list[Any]:
            return [answer for _, answer in await signal.asend(None)]

        assert asyncio.run(send()) == ["a", "b", "c"]

    def test_each_sender_hears_its_own_in_order(self) -> None:
        signal = Signal()
        declare(signal, "both", order=2, sender=[Author, Book])
        declare(signal, "book", order=1, sender=Book)
        declare(signal, "anyone", order=0)
        assert answers(signal, Book) == ["anyone", "book", "both"]
        assert answers(signal, Author) == ["anyone", "both"]


class TestAfter:
    def test_by_name_function_and_class(self) -> None:
        signal_ = Signal()

        class First(Receiver):
            signal = signal_
            order = 9

            def handle(self, event: Event) -> str:
                return "first"

        second = declare(signal_, "second", after=First)
        declare(signal_, "third", after=[second], order=-9)
        declare(signal_, "fourth", after=("third", First))
        assert answers(signal_) == ["first", "second", "third", "fourth"]

    def test_by_alias(self) -> None:
        signal = Signal()
        declare(signal, "late", after="former", order=-1)
        declare(signal, "new", aliases=["former"])
        assert answers(signal) == ["new", "late"]

    def test_a_function_stands_for_all_that_it_was_declared_as(self) -> None:
        one, two = Signal(), Signal()

        @signalkit.receiver(one, order=5)
        @signalkit.receiver(two, order=5)
        def f(**kwargs: Any) -> str:
            return "f"

        declare([one, two], "late", after=f)
        assert answers(one) == answers(two) == ["f", "late"]

    def test_names_that_nobody_has_do_not_matter(self) -> None:
        signal = Signal()
        declare(signal, "a", after="nobody.Such")
        assert answers(signal) == ["a"]

    def test_a_late_declaration_takes_its_place(self) -> None:
        signal = Signal()
        declare(signal, "a")
        declare(signal, "c", after="b")
        declare(signal, "d")
        declare(signal, "b", order=1)
        assert answers(signal) == ["a", "d", "b", "c"]

    @pytest.mark.parametrize(
        ("declared", "cycle"),
        [
            ([("a", "a")], "a after a"),
            ([("a", "b"), ("b", "a")], "a after b after a"),
            ([("a", "b"), ("b", "c"), ("c", "a")], "a after b after c after a"),
            ([("0", "a"), ("c", "b"), ("a", "b"), ("b", "a")], "a after b after a"),
        ],
    )
    def test_cycles_are_refused_and_named(
        self, declared: list[tuple[str, str]], cycle: str
    ) -> None:
        signal = Signal()
        *fine, last = declared
        for name, other in fine:
            declare(signal, name, after=other)
        before = answers(signal), connector.connections(), registry.all()
        with pytest.raises(OrderError) as error:
            declare(signal, last[0], after=last[1])
        assert f"the next: {cycle}. Drop one" in str(error.value)
        assert (answers(signal), connector.connections(), registry.all()) == before

    def test_after_a_former_name_of_its_own(self) -> None:
        with pytest.raises(OrderError, match="a after a"):
            declare(Signal(), "a", aliases=["old"], after="old")


ORIGIN = Origin("m", "q", "f", 1, (lambda: None).__code__)


@st.composite
def graphs(draw: st.DrawFn) -> list[Declaration]:
    """Draw declarations whose ``after`` never form a circle: each names only later ranks."""
    size = draw(st.integers(0, 12))
    ranks = draw(st.permutations(range(size)))
    made = []
    for rank in ranks:
        lower = [other for other in ranks if other < rank]
        after = draw(st.lists(st.sampled_from(lower), unique=True)) if lower else []
        made.append(
            Declaration(
                name=f"r{rank}",
                aliases=(f"old{rank}",),
                call=print,
                kind="function",
                origin=ORIGIN,
                signals=(),
                order=draw(st.integers(-2, 2)),
                after=tuple(draw(st.sampled_from([f"r{other}", f"old{other}"])) for other in after),
            )
        )
    return made


@given(graphs())
def test_any_order_without_a_cycle_is_kept_and_stable(given_: list[Declaration]) -> None:
    done = in_order(given_)
    place = {name: at for at, each in enumerate(done) for name in (each.name, *each.aliases)}
    assert sorted(each.name for each in done) == sorted(each.name for each in given_)
    for declaration in given_:
        assert all(place[name] < place[declaration.name] for name in declaration.after)
    # Whatever runs earlier than its order or declaration says does so for somebody's after.
    position = {declaration: at for at, declaration in enumerate(given_)}
    for earlier, later in pairwise(done):
        assert (earlier.order, position[earlier]) < (later.order, position[later]) or {
            earlier.name,
            *earlier.aliases,
        }.intersection(later.after)


@given(graphs(), st.data())
def test_any_cycle_is_refused(given_: list[Declaration], data: st.DataObject) -> None:
    if not given_:
        return
    first, last = data.draw(st.sampled_from(given_)), data.draw(st.sampled_from(given_))
    looped = [
        Declaration(
            name=each.name,
            call=print,
            kind="function",
            origin=ORIGIN,
            signals=(),
            aliases=each.aliases,
            after=(
                *each.after,
                *([last.name] if each is first else ()),
                *([first.name] if each is last else ()),
            ),
        )
        for each in given_
    ]
    with pytest.raises(OrderError) as error:
        in_order(looped)
    names = str(error.value).partition("next: ")[2].partition(". Drop")[0].split(" after ")
    assert names[0] == names[-1]
    by_name = {each.name: each for each in looped}
    for name, other in pairwise(names):
        assert {other, other.replace("r", "old")}.intersection(by_name[name].after)


class TestSlots:
    """The list that Django keeps: the one thing of Django's that is touched."""

    def test_only_the_places_of_the_named_are_used(self) -> None:
        signal = Signal()
        functions = [lambda number=number, **kwargs: number for number in range(5)]
        for func in functions:
            signal.connect(func)
        strong = [lambda name=name, **kwargs: name for name in "ab"]
        signal.connect(strong[1], weak=False)
        signal.connect(functions[0], sender=Book)
        signal.connect(strong[0], weak=False)
        arrange(signal, strong)
        assert answers(signal, Book) == [0, 1, 2, 3, 4, "a", 0, "b"]
        assert signal.disconnect(strong[0])
        assert signal.disconnect(strong[1])

    def test_what_is_not_connected_is_passed_over(self) -> None:
        signal = Signal()
        arrange(signal, [print])
        assert answers(signal) == []

    def test_cached_senders_see_the_new_order(self) -> None:
        signal = Signal(use_caching=True)
        declare(signal, "b", order=2)
        declare(signal, "a", order=3)
        assert answers(signal, Book) == ["b", "a"]
        declare(signal, "0", order=1)
        assert answers(signal, Book) == ["0", "b", "a"]

    def test_a_send_between_connecting_and_arranging_leaves_no_trace(self) -> None:
        signal = Signal(use_caching=True)
        receivers = [lambda name=name, **kwargs: name for name in "ba"]
        for receiver in receivers:
            signal.connect(receiver, weak=False)
        assert answers(signal, Book) == ["b", "a"]
        arrange(signal, receivers[::-1])
        assert answers(signal, Book) == ["a", "b"]

    def test_nobody_holds_what_is_free(self) -> None:
        assert holder(Signal(), "uid", None) is None


@pytest.mark.parametrize("use_caching", [False, True])
def test_no_send_misses_a_receiver_while_others_are_declared(use_caching: bool) -> None:
    """A declaration that goes before all others moves them, and disconnects none meanwhile."""
    signal = Signal(use_caching=use_caching)
    stay = [f"stay.{number}" for number in range(20)]
    for name in stay:
        declare(signal, name)
    missed: list[set[str]] = []
    twice: list[list[str]] = []
    stop = threading.Event()

    def send() -> None:
        while not stop.is_set():
            heard = answers(signal, Book)
            if missing := {*stay} - {*heard}:
                missed.append(missing)
            if len(heard) != len({*heard}):
                twice.append(heard)
            if [name for name in heard if name in stay] != stay:
                twice.append(heard)

    threads = [threading.Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for number in range(150):
            declare(signal, f"late.{number}", order=-number)
            if number % 3 == 0:
                registry.remove(registry.get(f"late.{number}"))
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not missed
    assert not twice
    assert answers(signal, Book)[-20:] == stay


def test_closures_declared_in_several_threads_are_all_numbered() -> None:
    signal = Signal()
    barrier = threading.Barrier(4)
    before = len(registry.all())

    def declare_some() -> None:
        barrier.wait()
        for _ in range(25):

            @signalkit.receiver(signal, order=1)
            def closure(**kwargs: Any) -> int:
                return 1

    threads = [threading.Thread(target=declare_some) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(registry.all()) == before + 100
    assert answers(signal) == [1] * 100
