"""Which values an annotation lets through."""

# Old and new ways to write one annotation are meant.
# ruff: noqa: UP007, UP045

import collections.abc
import datetime as dt
import enum
import typing
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, NewType, Optional, Protocol, TypeVar, Union
from unittest import mock

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Model
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy

from signalkit.exceptions import PayloadError
from tests.testapp.models import Audiobook, Author, Bestseller, Book
from tests.typed.making import typed

T = TypeVar("T")
Bound = TypeVar("Bound", bound=Book)
Late = TypeVar("Late", bound="testapp.Book")  # type: ignore[name-defined]  # noqa: F821
Text = TypeVar("Text", str, bytes)
BookId = NewType("BookId", int)
OfIds = NewType("OfIds", list[int])


class Page(typing.Generic[T]):
    pass


class Options(typing.TypedDict):
    colour: str


class Point(typing.NamedTuple):
    x: int


class ForCheckers(Protocol):
    def publish(self) -> None: ...


@typing.runtime_checkable
class Publishes(Protocol):
    def publish(self) -> None: ...


@typing.runtime_checkable
class Titled(Protocol):
    title: str

    def publish(self) -> None: ...


class Publisher:
    title = "x"

    def publish(self) -> None: ...


class Status(enum.Enum):
    OUT = "out"


class Quoted(str):
    __slots__ = ()


def lets_through(annotation: Any, value: Any) -> bool:
    signal = typed(field=annotation)
    try:
        signal.send(sender=None, field=value)
    except PayloadError:
        return False
    return True


ACCEPTED = [
    (Any, object()),
    (object, 3),
    (None, None),
    (int, 1),
    (int, True),
    (float, 1),
    (float, True),
    (complex, 1.5),
    (str, Quoted("x")),
    (dt.date, dt.datetime(2026, 1, 1, tzinfo=dt.UTC)),
    (Status, Status.OUT),
    (Book, Book()),
    (Book, Bestseller()),
    (Book, Audiobook()),
    (Model, Book()),
    (Optional[Book], None),
    (Optional[Book], Book()),
    (Union[int, str, None], "x"),
    (int | str, 3),
    (int | Literal["all"], "all"),
    (int | float, True),
    (Literal["a", 2, None], "a"),
    (Literal["a", 2, None], None),
    (Literal[Status.OUT], Status.OUT),
    (list[int], ["not an int"]),
    (typing.List[int], []),  # noqa: UP006
    (typing.List, []),  # noqa: UP006
    (dict[str, int], {}),
    (tuple[int, ...], ()),
    (collections.abc.Sequence[int], []),
    (collections.abc.Iterable[int], iter(())),
    (typing.Callable[[int], str], len),
    (collections.abc.Callable[..., Any], len),
    (type[Book], Author),
    (Page[int], Page()),
    (Options, {"colour": 3}),
    (Point, Point(1)),
    (ForCheckers, 3),
    (Publishes, Publisher()),
    (Titled, Publisher()),
    (Titled | None, Publisher()),
    (Annotated[int, "more"], 3),
    (Final[int], 3),
    (Annotated[Optional[Book], "more"], None),
    (BookId, 3),
    (OfIds, []),
    (T, object()),
    (Bound, Book()),
    (Late, Book()),
    (Text, b""),
    (typing.LiteralString, "x"),
    ("int | None", None),
    ("list['Book']", []),
    (get_user_model(), User()),
    (Book, mock.Mock(spec=Book)),
]

REFUSED = [
    (None, 0),
    (int, 1.0),
    (int, "1"),
    (int, Decimal(1)),
    (float, Decimal(1)),
    (float, "1"),
    (complex, "1"),
    (bool, 1),
    (str, b""),
    (str, None),
    (str, gettext_lazy("x")),
    (dt.datetime, dt.date(2026, 1, 1)),
    (Status, "out"),
    (Book, Author()),
    (Book, Book),
    (Book, 1),
    (Book, None),
    (Bestseller, Book()),
    (Optional[Book], Author()),
    (Union[int, str], None),
    (int | str, 1.5),
    (int | Literal["all"], "none"),
    (Literal["a", 2], "b"),
    (Literal[1], True),
    (Literal["a"], Quoted("a")),
    (list[int], ()),
    (dict[str, int], []),
    (collections.abc.Sequence[int], {1}),
    (collections.abc.Callable[..., Any], 3),
    (type[Book], Book()),
    (Page[int], 3),
    (Options, [("colour", "red")]),
    (Point, (1,)),
    (Publishes, 3),
    (Titled, object()),
    (Titled | None, 3),
    (Annotated[int, "more"], "x"),
    (Final[int], "x"),
    (BookId, "3"),
    (OfIds, ()),
    (Bound, Author()),
    (Late, Author()),
    (Text, 3),
    (typing.LiteralString, 3),
    ("int | None", "x"),
    ("list['Book']", ()),
    (get_user_model(), AnonymousUser()),
]


@pytest.mark.parametrize(("annotation", "value"), ACCEPTED, ids=repr)
def test_let_through(annotation: Any, value: Any) -> None:
    assert lets_through(annotation, value)


@pytest.mark.parametrize(("annotation", "value"), REFUSED, ids=repr)
def test_refused(annotation: Any, value: Any) -> None:
    assert not lets_through(annotation, value)


class TestLazyObjects:
    """``request.user`` is one; to look at it may take a query, which a coroutine may not make."""

    def test_one_that_nobody_has_looked_at_is_believed_and_left_asleep(self) -> None:
        def look() -> User:
            raise AssertionError("somebody looked")

        assert lets_through(User, SimpleLazyObject(look))
        assert lets_through(User | None, SimpleLazyObject(look))
        assert lets_through(Literal["a"], SimpleLazyObject(look))

    @pytest.mark.parametrize(("user", "is_user"), [(User(), True), (AnonymousUser(), False)])
    def test_of_one_that_is_awake_what_is_in_it_counts(self, user: Any, is_user: bool) -> None:
        lazy = SimpleLazyObject(lambda: user)
        assert not lazy.is_superuser  # looks at it
        assert lets_through(User, lazy) is is_user
        assert lets_through(User | AnonymousUser, lazy)

    def test_one_in_another(self) -> None:
        inner = SimpleLazyObject(AnonymousUser)
        outer = SimpleLazyObject(lambda: inner)
        assert not outer.is_superuser
        assert not lets_through(User, outer)

    def test_receivers_get_the_lazy_object_itself(self) -> None:
        lazy = SimpleLazyObject(User)
        signal = typed(user=User)
        signal.connect(lambda user, **named: user is lazy, weak=False)
        assert signal.send(sender=None, user=lazy)[0][1] is True
