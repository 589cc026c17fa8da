"""What a typed signal is declared with, and what is refused."""

from __future__ import annotations

import dataclasses
import re
import typing
from dataclasses import InitVar, dataclass, field
from datetime import date
from typing import Any, Generic, NoReturn, Self, TypeVar

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.dispatch import Signal, receiver

from signalkit import TypedSignal
from signalkit.exceptions import DeclarationError, PayloadError
from signalkit.signals import BookPublished
from tests.testapp.models import Author, Book
from tests.typed.making import listen, payload_of, typed

T = TypeVar("T")


@dataclass(frozen=True)
class Base:
    book: Book
    note: str = "none"


@dataclass(frozen=True)
class Child(Base):
    price: int = 3
    note: str = "a child's"


@dataclass(frozen=True, slots=True)
class Slotted:
    book: Book


@dataclass(frozen=True)
class Dated:
    date: date | None = None  # the default has the name of its type
    kind: Kind | None = None

    class Kind:
        pass


@dataclass(frozen=True)
class Changed(Generic[T]):
    book: T


@dataclass(frozen=True)
class Nothing:
    pass


class Undecorated(Base):
    extra: int


@dataclass
class Thawed:
    book: Book


@dataclass(frozen=True)
class WithInitVar:
    raw: InitVar[str]
    book: Book


@dataclass(frozen=True, init=False)
class OwnConstructor:
    book: Book

    def __init__(self, title: str) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Computing:
    price: int
    copies: int = 1
    total: int = field(init=False)
    currency: str = field(init=False, default="EUR")

    def __post_init__(self) -> None:
        if self.price < 0:
            raise ValueError("a negative price")
        object.__setattr__(self, "total", self.price * self.copies)


def refusal(payload: Any, **options: Any) -> str:
    with pytest.raises(DeclarationError) as error:
        TypedSignal(payload, **options)
    assert isinstance(error.value, ImproperlyConfigured)
    assert error.value.filename is not None
    return str(error.value)


class TestTheSignal:
    def test_it_is_djangos(self) -> None:
        signal = TypedSignal(Base)
        assert isinstance(signal, Signal)
        assert not signal.use_caching
        assert signal.payload is Base
        assert signal.fields == {"book": "Book", "note": "str"}
        assert re.fullmatch(r"<TypedSignal of Base at 0x[0-9a-f]+>", repr(signal))

    @pytest.mark.parametrize("use_caching", [False, True])
    def test_plain_receivers(self, use_caching: bool) -> None:
        signal = TypedSignal(Base, use_caching=use_caching)
        assert signal.use_caching is use_caching
        seen: list[Any] = []

        @receiver(signal, sender=Book)
        def receive(sender: Any, book: Book, **kwargs: Any) -> int:
            seen.append((sender, book, kwargs))
            return 7

        book = Book()
        for _ in range(2):
            assert signal.send(sender=Book, book=book) == [(receive, 7)]
            assert signal.send(Author, book=book) == []
        assert seen == [(Book, book, {"signal": signal, "note": "none"})] * 2
        assert signal.has_listeners(Book)
        assert signal.disconnect(receive, sender=Book)
        assert signal.send(sender=Book, book=book) == []

    def test_a_subclass_of_it(self) -> None:
        class Mine(TypedSignal[...]):
            pass

        seen = listen(signal := Mine(Base))
        signal.send(sender=None, book=Book())
        assert len(seen) == 1

    def test_one_that_nobody_refers_to_is_freed(self) -> None:
        import gc
        import weakref

        signal = TypedSignal(Base)
        gone = weakref.ref(signal)
        del signal
        gc.collect()
        assert gone() is None

    @pytest.mark.parametrize(
        ("annotation", "shown"),
        [
            (Book, "Book"),
            ("Book", "Book"),
            ("'testapp.Book'", "testapp.Book"),
            (list[int], "list[int]"),
            (typing.Optional["testapp.Book"], "Optional[testapp.Book]"),  # noqa: F821
            (typing.Any, "Any"),
            (None, "None"),
        ],
    )
    def test_what_it_carries_is_said_as_it_was_written(self, annotation: Any, shown: str) -> None:
        fields = [("book", annotation)]
        payload = dataclasses.make_dataclass(
            "Made", fields, frozen=True, namespace={"__module__": __name__}
        )
        assert TypedSignal(payload).fields == {"book": shown}


class TestPayloads:
    def test_of_a_child_the_fields_of_its_parent_as_well(self) -> None:
        signal = TypedSignal(Child)
        seen = listen(signal)
        signal.send(sender=None, book=(book := Book()))
        assert seen[0].items() >= {"book": book, "note": "a child's", "price": 3}.items()

    def test_of_a_child_in_another_module(self) -> None:
        """The annotations of its parent are read where they were written."""
        from tests.typed.payloads import Published

        @dataclass(frozen=True, kw_only=True)
        class More(Published):
            price: int

        signal = TypedSignal(More)
        signal.send(sender=None, book=Book(), price=3)
        with pytest.raises(PayloadError, match=r"'author' is of type int, expected Author \| None"):
            signal.send(sender=None, book=Book(), author=3, price=3)  # type: ignore[arg-type]

    def test_with_slots(self) -> None:
        signal = TypedSignal(Slotted)
        with pytest.raises(PayloadError, match="'book' is of type int"):
            signal.send(sender=None, book=3)  # type: ignore[arg-type]

    def test_fields_that_are_called_as_their_types(self) -> None:
        signal: Any = TypedSignal(Dated)
        signal.send(sender=None, date=date(2026, 1, 1), kind=Dated.Kind())
        signal.send(sender=None)
        with pytest.raises(PayloadError, match="'date' is of type int"):
            signal.send(sender=None, date=3)
        with pytest.raises(PayloadError, match="'kind' is of type int"):
            signal.send(sender=None, kind=3)

    def test_without_fields(self) -> None:
        signal = TypedSignal(Nothing)
        seen = listen(signal)
        signal.send(sender=None)
        assert [*seen[0]] == ["signal", "sender"]
        with pytest.raises(PayloadError, match=r"takes no 'book'\. It takes no keywords\."):
            signal.send(sender=None, book=3)  # type: ignore[call-arg]

    def test_a_generic_one_with_an_argument(self) -> None:
        seen = listen(signal := TypedSignal(Changed[Book]))
        signal.send(sender=None, book=(book := Book()))
        assert signal.payload is Changed
        assert seen[0]["book"] is book

    def test_what_it_computes_reaches_receivers(self) -> None:
        signal = TypedSignal(Computing)
        seen = listen(signal)
        signal.send(sender=None, price=5, copies=2)
        del seen[0]["signal"], seen[0]["sender"]
        assert seen == [{"price": 5, "copies": 2, "total": 10, "currency": "EUR"}]
        assert [*signal.fields] == [*seen[0]]

    def test_what_it_refuses_itself_reaches_the_sender(self) -> None:
        seen = listen(signal := TypedSignal(Computing))
        with pytest.raises(ValueError, match="a negative price"):
            signal.send(sender=None, price=-1)
        assert seen == []

    def test_what_it_computes_cannot_be_sent(self) -> None:
        signal: Any = TypedSignal(Computing)
        with pytest.raises(PayloadError, match=r"takes no 'total'\. It takes price: int, copies"):
            signal.send(sender=None, price=5, total=3)

    def test_a_default_is_made_anew_each_time(self) -> None:
        signal = typed(("tags", list[str], field(default_factory=list)))
        seen = listen(signal)
        signal.send(sender=None)
        signal.send(sender=None)
        first, second = (named["tags"] for named in seen)
        assert first == second == []
        assert first is not second

    def test_what_a_factory_makes_is_checked(self) -> None:
        signal = typed(("tags", list[str], field(default_factory=tuple)))
        with pytest.raises(PayloadError, match="'tags' is of type tuple, expected list"):
            signal.send(sender=None)


class TestRefusals:
    def test_it_says_who_and_where(self) -> None:
        message = refusal(Thawed)
        assert re.match(
            r"TypedSignal\(tests\.typed\.test_declaring\.Thawed\) "
            r"\(.*/tests/typed/test_declaring\.py:\d+\): expected a frozen dataclass, and this one "
            r"can be changed\. Write @dataclass\(frozen=True\)\.",
            message,
        )

    @pytest.mark.parametrize(
        ("payload", "why"),
        [
            (Nothing(), "not an instance of one. Give the class."),
            (int, "expected a frozen dataclass. Decorate the class with"),
            (Undecorated, "expected a frozen dataclass. Decorate the class with"),
            (lambda book: book, "expected a frozen dataclass, found <function"),
            (["book", "author"], "expected a frozen dataclass, found ['book', 'author']."),
            (None, "expected a frozen dataclass, found None."),
            (
                WithInitVar,
                "its constructor takes book, raw, and it keeps book as its fields.",
            ),
            (OwnConstructor, "its constructor takes title, and it keeps book as its fields."),
        ],
        ids=repr,
    )
    def test_what_is_no_frozen_dataclass(self, payload: Any, why: str) -> None:
        assert why in refusal(payload)

    @pytest.mark.parametrize("name", ["signal", "sender", "self", "robust"])
    def test_names_that_a_send_has_a_use_for(self, name: str) -> None:
        assert f"no field can be called {name!r}: " in refusal(payload_of(**{name: int}))

    @pytest.mark.parametrize(
        ("annotation", "why"),
        [
            (5, "is nothing that a value can be checked against"),
            (..., "is nothing that a value can be checked against"),
            (NoReturn, "is nothing that a value can be checked against"),
            (Self, "is nothing that a value can be checked against"),
            ("int |", "is no annotation"),
            ("len('hello')", "is nothing that a value can be checked against"),
            ("int[str", "is no annotation"),
            ("int.nothing", "does not resolve: type object 'int' has no attribute 'nothing'"),
            ("int[str]", "cannot be evaluated"),
            ("{}['x']", "cannot be evaluated ('x')"),
            ("testapp", "is nothing that a value can be checked against"),
            ("Boook", "'Boook' is not defined in tests.typed.making."),
            ("payload_off", "Did you mean 'payload_of'?"),
            ("testap.Book", "Did you mean 'testapp'?"),
            ("testapp.Boook", "there is no 'testapp.Boook'. Did you mean 'testapp.Book'?"),
            ("testapp.Boook | None", "there is no 'testapp.Boook'."),
        ],
        ids=repr,
    )
    def test_annotations_that_cannot_be_read(self, annotation: Any, why: str) -> None:
        message = refusal(payload_of(book=annotation))
        assert "the field 'book', annotated with " in message
        assert why in message

    @pytest.mark.parametrize(
        ("annotation", "default", "why"),
        [
            (str, None, "is of type NoneType; expected str. Write str | None."),
            (int, "3", "is of type str; expected int."),
        ],
    )
    def test_a_default_of_another_type(self, annotation: Any, default: Any, why: str) -> None:
        message = refusal(payload_of(("note", annotation, field(default=default))))
        assert f"the default of 'note' {why}" in message

    def test_a_subclass_says_where_it_is_used(self) -> None:
        class Mine(TypedSignal[...]):
            pass

        with pytest.raises(DeclarationError, match=r"test_declaring\.py:\d+"):
            Mine(Thawed)

    def test_nothing_of_it_stays(self) -> None:
        from signalkit.typed.signal import _unread

        before = set(_unread)
        refusal(payload_of(book="Boook"))
        assert set(_unread) == before


def test_its_own_payloads_are_described() -> None:
    assert TypedSignal(BookPublished).fields == {"book": "Any", "author": "Any"}
    assert dataclasses.is_dataclass(BookPublished)
