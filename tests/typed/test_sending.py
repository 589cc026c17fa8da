"""What a send accepts, refuses and answers, by each of the four entrances."""

from __future__ import annotations

import asyncio
import inspect
import logging
from dataclasses import field
from functools import partial
from typing import Any, Literal

import pytest
from django.dispatch import Signal
from hypothesis import given
from hypothesis import strategies as st

from signalkit import TypedSignal
from signalkit.exceptions import PayloadError, SignalkitError
from tests.testapp.models import Author, Book
from tests.typed.making import ENTRANCES, Nameless, listen, send_by, typed
from tests.typed.payloads import Published, Texts

each_entrance = pytest.mark.parametrize("entrance", ENTRANCES)

published = TypedSignal(Published)
TAKES = "It takes book: Book, author: Author | None, tags: list[str]."


@pytest.fixture
def book() -> Book:
    return Book()


@each_entrance
class TestEveryEntrance:
    def test_receivers_get_every_field(self, entrance: str, book: Book) -> None:
        signal = TypedSignal(Published)
        seen = listen(signal)
        (answer,) = send_by(entrance, signal, sender=Book, book=book)
        assert answer[1] == 1
        assert seen == [
            {"signal": signal, "sender": Book, "book": book, "author": None, "tags": []}
        ]

    def test_async_receivers_too(self, entrance: str, book: Book) -> None:
        signal = TypedSignal(Published)

        async def receive(author: Author | None, **kwargs: Any) -> tuple[Any, list[str]]:
            return author, sorted(kwargs)

        signal.connect(receive)
        assert send_by(entrance, signal, Book, book=book) == [
            (receive, (None, ["book", "sender", "signal", "tags"]))
        ]

    @pytest.mark.parametrize(
        ("named", "why"),
        [
            ({}, "'book' is missing"),
            ({"author": None}, "'book' is missing"),
            ({"bok": 1}, "it takes no 'bok' (did you mean 'book'?); 'book' is missing"),
            ({"book": Book(), "colour": 1}, "it takes no 'colour'"),
            ({"book": Book(), "buch": 1, "name": 2}, "it takes no 'buch'; it takes no 'name'"),
            ({"book": Book(), "autor": 1}, "it takes no 'autor' (did you mean 'author'?)"),
            ({"book": 1}, "'book' is of type int, expected Book"),
            ({"book": Book}, "'book' is the class Book, expected Book"),
            ({"book": None}, "'book' is None, expected Book"),
            (
                {"book": Author(), "author": Book(), "tags": "x"},
                (
                    "'book' is of type Author, expected Book; 'author' is of type Book, expected "
                    "Author | None; 'tags' is of type str, expected list[str]"
                ),
            ),
            (
                {"tag": [], "author": "secret"},
                (
                    "it takes no 'tag' (did you mean 'tags'?); 'book' is missing; 'author' is of "
                    "type str, expected Author | None"
                ),
            ),
        ],
    )
    def test_refusals(self, entrance: str, named: dict[str, Any], why: str) -> None:
        seen = listen(published)
        with pytest.raises(PayloadError) as error:
            send_by(entrance, published, sender=None, **named)
        assert str(error.value) == f"{__name__}.published.{entrance}(): {why}. {TAKES}"
        assert isinstance(error.value, TypeError)
        assert isinstance(error.value, SignalkitError)
        assert seen == []

    def test_several_are_missing(self, entrance: str) -> None:
        with pytest.raises(PayloadError, match="'x', 'y' are missing"):
            send_by(entrance, typed(x=int, y=int), sender=None)

    def test_without_any_receiver_as_well(self, entrance: str) -> None:
        with pytest.raises(PayloadError, match="'book' is missing"):
            send_by(entrance, TypedSignal(Published), sender=None)

    def test_positional_arguments(self, entrance: str, book: Book) -> None:
        with pytest.raises(PayloadError) as error:
            send_by(entrance, published, None, book)
        assert str(error.value) == (
            f"{__name__}.published.{entrance}(): besides the sender it takes keywords alone, such "
            "as book=. For type checkers to say so, write @dataclass(frozen=True, kw_only=True) "
            "for Published."
        )

    def test_positional_arguments_at_the_very_first_send(self, entrance: str) -> None:
        with pytest.raises(PayloadError, match="takes keywords alone, such as renamed="):
            send_by(entrance, TypedSignal(Texts), None, 3)
        with pytest.raises(PayloadError, match=r"takes keywords alone\. For type checkers"):
            send_by(entrance, typed(), None, 3)

    def test_without_a_sender(self, entrance: str, book: Book) -> None:
        with pytest.raises(TypeError, match="sender"):
            send_by(entrance, published, book=book)

    def test_a_mapping_that_is_sent_stays_as_it_is(self, entrance: str, book: Book) -> None:
        given = {"book": book}
        send_by(entrance, TypedSignal(Published), None, **given)
        assert given == {"book": book}


RULES: dict[str, Any] = {
    "number": lambda value: isinstance(value, int),
    "text": lambda value: value is None or isinstance(value, str),
    "anything": lambda value: True,
    "choice": lambda value: value == "a",
    "listed": lambda value: isinstance(value, list),
}
DEFAULTS = {"text": "none", "listed": []}
ruled = typed(
    ("text", "str | None", field(default="none")),
    ("listed", list[int], field(default_factory=list)),
    number=int,
    anything=Any,
    choice=Literal["a"],
)
keywords = st.sampled_from([*RULES, "nummer", "texts", "x"])
values = st.sampled_from([0, True, None, "a", "b", 1.5, [1], ["x"], (), object()])


@given(st.dictionaries(keywords, values))
def test_what_is_sent_is_what_was_declared_and_nothing_else(named: dict[str, Any]) -> None:
    """Whatever it is sent with: receivers get every field and right values, or it is refused."""
    expected = {**DEFAULTS, **named}
    is_right = expected.keys() == RULES.keys() and all(
        RULES[name](value) for name, value in expected.items()
    )
    seen = listen(ruled, dispatch_uid="recorder")
    try:
        for entrance in ("send", "send_robust"):
            send = partial(getattr(ruled, entrance), None, **named)
            if is_right:
                send()
                received = seen.pop()
                del received["signal"], received["sender"]
                assert received == expected
                continue
            with pytest.raises(PayloadError) as error:
                send()
            wrong = {*named} - {*RULES} or {*RULES} - {*expected}
            assert all(repr(name) in str(error.value) for name in wrong)
    finally:
        ruled.disconnect(dispatch_uid="recorder")
    assert seen == []


def test_values_are_not_in_the_message() -> None:
    class Secret:
        def __repr__(self) -> str:
            return "hunter2"

    with pytest.raises(PayloadError) as error:
        typed(field=int).send(sender=None, field=Secret(), other=Secret())
    assert "hunter2" not in str(error.value)
    assert "Secret, expected int" in str(error.value)


class TestErrors:
    @pytest.mark.parametrize("entrance", ["send", "asend"])
    def test_of_a_receiver_propagate(self, entrance: str, book: Book) -> None:
        signal = TypedSignal(Published)
        signal.connect(Nameless(lambda **named: 1 / 0), weak=False)
        with pytest.raises(ZeroDivisionError):
            send_by(entrance, signal, None, book=book)


def failing(**named: Any) -> None:
    raise ValueError("boom")


async def failing_async(**named: Any) -> None:
    raise ValueError("boom")


class Strange:
    """A receiver that cannot even be asked for its name."""

    def __call__(self, **named: Any) -> None:
        raise ValueError("boom")

    def __getattr__(self, name: str) -> Any:
        if name in ("__qualname__", "__wrapped__"):
            raise RuntimeError("do not ask")
        raise AttributeError(name)


@pytest.mark.parametrize("entrance", ["send_robust", "asend_robust"])
class TestRobust:
    @pytest.mark.parametrize(
        ("receiver", "called"),
        [
            (failing, f"{__name__}.failing"),
            (failing_async, f"{__name__}.failing_async"),
            (partial(failing, more=1), f"partial of {__name__}.failing"),
            (Nameless(failing), "tests.typed.making.Nameless"),
            (Strange(), "Strange"),
        ],
        ids=["function", "coroutine function", "partial", "instance", "strange"],
    )
    def test_it_answers_for_each(
        self,
        entrance: str,
        receiver: Any,
        called: str,
        book: Book,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        signal = TypedSignal(Published)
        seen = listen(signal)
        signal.connect(receiver, weak=False)
        after = listen(signal)
        with caplog.at_level(logging.ERROR, logger="django.dispatch"):
            answers = dict(send_by(entrance, signal, Book, book=book))
        error = answers.pop(receiver)
        assert isinstance(error, ValueError)
        assert [*answers.values()] == [1, 1]
        assert len(seen) == len(after) == 1
        (record,) = caplog.records
        assert record.exc_info is not None
        assert record.exc_info[1] is error
        assert called in record.getMessage()
        assert record.getMessage().endswith(f"{signal!r}.send_robust() (boom)")

    def test_djangos_own_does_not(self, entrance: str) -> None:
        """What makes ours needed. If this fails, Django has mended it."""
        signal = Signal()
        signal.connect(Nameless(failing), weak=False)
        with pytest.raises(AttributeError, match="__qualname__"):
            send_by(entrance, signal, None)

    def test_the_log_names_the_signal(
        self, entrance: str, book: Book, caplog: pytest.LogCaptureFixture
    ) -> None:
        published.connect(failing)
        try:
            send_by(entrance, published, None, book=book)
        finally:
            published.disconnect(failing)
        assert caplog.messages == [
            f"Error calling {__name__}.failing in {__name__}.published.send_robust() (boom)"
        ]

    def test_what_is_no_exception_passes_through(self, entrance: str, book: Book) -> None:
        class Stop(BaseException):
            pass

        def stop(**named: Any) -> None:
            raise Stop

        signal = TypedSignal(Published)
        signal.connect(Nameless(stop), weak=False)
        with pytest.raises(Stop):
            send_by(entrance, signal, None, book=book)


class TestAwaiting:
    def test_coroutine_functions_stay_what_they_are(self) -> None:
        for entrance in ("asend", "asend_robust"):
            assert inspect.iscoroutinefunction(getattr(published, entrance))

    def test_in_a_loop(self, book: Book) -> None:
        signal = TypedSignal(Published)
        ran: list[str] = []

        async def receive(**named: Any) -> None:
            await asyncio.sleep(0)
            ran.append("async")

        def receive_too(**named: Any) -> None:
            ran.append("sync")

        signal.connect(receive)
        signal.connect(receive_too)

        async def main() -> None:
            await signal.asend(sender=Book, book=book)
            await signal.asend_robust(sender=Book, book=book)

        asyncio.run(main())
        assert sorted(ran) == ["async"] * 2 + ["sync"] * 2
