"""Callables that answer to every attribute are declared, named and run, as with Django."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
from django.dispatch import Signal

import signalkit
from signalkit.declaration import Declaration
from signalkit.declare.naming import attribute, coded, layers
from signalkit.registry import registry

HERE = __name__


class Proxy:
    """Leads to itself, whatever it is asked for."""

    def __getattr__(self, name: str) -> Any:
        return self

    def __call__(self, **kwargs: Any) -> str:
        return "called"


class Fluent:
    """Leads to something new, whatever it is asked for."""

    def __getattr__(self, name: str) -> Any:
        return Fluent()

    def __call__(self, **kwargs: Any) -> str:
        return "called"


class Own:
    """Wraps itself."""

    def __init__(self) -> None:
        self.__wrapped__ = self

    def __call__(self, **kwargs: Any) -> str:
        return "called"


class Pair:
    """Wraps another, which wraps it."""

    def __init__(self, other: Pair | None = None) -> None:
        self.__wrapped__: Pair = Pair(self) if other is None else other

    def __call__(self, **kwargs: Any) -> str:
        return "called"


class Fives:
    """Has the same answer to everything."""

    def __getattribute__(self, name: str) -> Any:
        return object.__getattribute__(self, name) if name == "__class__" else 5

    def __call__(self, **kwargs: Any) -> str:
        return "called"


class Secretive:
    """Raises for what no instance has to have."""

    def __getattr__(self, name: str) -> Any:
        if name in ("__wrapped__", "__qualname__"):
            raise RuntimeError(name)
        raise AttributeError(name)

    def __call__(self, **kwargs: Any) -> str:
        return "called"


STRANGE = [Proxy, Fluent, Own, Pair, Fives, Secretive]


@pytest.fixture
def signal() -> Iterator[Signal]:
    """Return a signal that lets go of everything: some of these cannot be disconnected."""
    made = Signal()
    yield made
    made.receivers.clear()


def declare(signal: Signal, func: Any, **options: Any) -> Declaration:
    assert signalkit.receiver(signal, order=1, **options)(func) is func
    return registry.all()[-1]


@pytest.mark.parametrize("make", STRANGE)
def test_it_is_declared_and_runs(signal: Signal, make: type) -> None:
    declaration = declare(signal, make())

    assert [answer for _, answer in signal.send(None)] == ["called"]
    assert declaration.name == f"{HERE}.{make.__name__}"
    assert declaration.origin.code is make.__call__.__code__
    assert declaration.origin.file == __file__


@pytest.mark.parametrize("make", STRANGE)
def test_it_is_seen_within_a_partial(signal: Signal, make: type) -> None:
    declaration = declare(signal, functools.partial(make(), a=1))

    assert declaration.origin.qualname == make.__name__


def test_what_answers_to_everything_by_a_name_of_its_own(signal: Signal) -> None:
    declaration = declare(signal, mock.call)

    assert declaration.name == f"unittest.mock.{type(mock.call).__name__}"
    ((_, answer),) = signal.send("me", a=1)
    assert answer == mock.call(a=1, sender="me", signal=signal)


def test_a_mock_that_is_awaited(signal: Signal) -> None:
    double = mock.AsyncMock(return_value=1)

    declaration = declare(signal, double)

    assert declaration.is_async
    assert declaration.name == "unittest.mock.AsyncMock"
    answers: list[Any] = [answer for _, answer in signal.send(None)]
    assert answers == [1]
    double.assert_awaited_once()


def test_code_that_is_only_claimed_is_none() -> None:
    # It says itself that its __code__ is a code object.
    assert coded(mock.AsyncMock()) is mock.AsyncMock.__call__


def test_code_without_what_it_runs_in_is_none() -> None:
    class Bare:
        __code__ = declare.__code__
        __call__ = print

    assert coded(Bare()) is None


def test_an_attribute_that_only_claims_to_be_of_a_kind() -> None:
    double = mock.Mock(text=mock.Mock(spec=str))

    assert isinstance(double.text, str)
    assert attribute(double, "text", str) is None


def test_where_nothing_is_known_it_is_the_place_that_declares_it(signal: Signal) -> None:
    class Nameless:
        __call__ = mock.Mock(return_value="called")

    Nameless.__module__ = None  # type: ignore[assignment]  # that is the point

    declaration = declare(signal, Nameless())

    assert declaration.origin.module == HERE
    assert declaration.origin.file == __file__
    assert declaration.name == f"{HERE}.Nameless"


def test_a_module_that_is_no_string_is_the_one_that_runs(signal: Signal) -> None:
    def hear(**kwargs: Any) -> None: ...

    hear.__module__ = 5  # type: ignore[assignment]  # that is the point

    assert declare(signal, hear).origin.module == HERE


def test_code_that_runs_in_no_module(signal: Signal) -> None:
    namespace: dict[str, Any] = {"__name__": 5}
    exec("def hear(**kwargs): pass", namespace)

    assert declare(signal, namespace["hear"], name="lib.hear").origin.module == ""


def test_many_layers_are_seen_through(signal: Signal) -> None:
    def hear(**kwargs: Any) -> None: ...

    func: Any = hear
    for _ in range(20):
        func = functools.wraps(func)(lambda **kwargs: None)

    assert [*layers(func)][-1] is hear
    assert declare(signal, func).origin.code is hear.__code__
