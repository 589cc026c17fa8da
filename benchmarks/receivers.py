"""The receivers that are compared. All do the same: they read one attribute."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

from django.db import transaction
from django.dispatch import Signal

import signalkit
from signalkit import Event, ModelReceiver
from signalkit.declaration import Declaration
from signalkit.registry import registry
from tests.testapp.models import Author

Connected = Callable[[Signal], AbstractContextManager[object]]
"""Connects a receiver of :class:`Author` to a signal for the length of a ``with`` block."""


def read(sender: Any, instance: Any, **kwargs: Any) -> object:
    """Do what every receiver here does."""
    return instance.name


def plain() -> Connected:
    """Return Django's own way, the measure of the others."""
    return lambda signal: _with_plain(signal, [read])


def plain_on_commit() -> Connected:
    """Return what people write by hand where signalkit has AFTER_COMMIT."""

    def by_hand(sender: Any, instance: Any, using: str, **kwargs: Any) -> None:
        transaction.on_commit(partial(read, sender, instance), using=using)

    return lambda signal: _with_plain(signal, [by_hand])


def many_plain(count: int) -> Connected:
    """Return several plain receivers."""
    functions = [_another_read() for _ in range(count)]
    return lambda signal: _with_plain(signal, functions)


def function(**options: Any) -> Connected:
    """Return a function receiver with some of signalkit's options."""
    return many_functions(1, **options)


def many_functions(count: int, **options: Any) -> Connected:
    """Return several function receivers with the same options."""
    functions = [_another_read() for _ in range(count)]
    return _declared(
        lambda signal: [
            signalkit.receiver(signal, sender=Author, **options)(each) for each in functions
        ]
    )


def model_receiver(**options: Any) -> Connected:
    """Return a class-based receiver with its defaults and some more options."""

    def handle(self: ModelReceiver, event: Event) -> object:
        return event.instance.name

    def declare(signal: Signal) -> object:
        body = {"signal": signal, "sender": Author, "handle": handle, **options}
        return type("Reader", (ModelReceiver,), body)

    return _declared(declare)


def drop_in() -> Connected:
    """Return ``@signalkit.receiver`` without any keyword of its own, which is Django's."""

    @contextmanager
    def connected(signal: Signal) -> Iterator[None]:
        signalkit.receiver(signal, sender=Author)(read)
        # Whatever the figure says, it is Django's own connection of the very function.
        if signal._live_receivers(Author)[0][-1] is not read:
            raise RuntimeError("@signalkit.receiver without keywords connected something else.")
        try:
            yield
        finally:
            signal.disconnect(read, sender=Author)

    return connected


def _another_read() -> Callable[..., object]:
    def another(sender: Any, instance: Any, **kwargs: Any) -> object:
        return instance.name

    return another


@contextmanager
def _with_plain(signal: Signal, functions: list[Callable[..., object]]) -> Iterator[None]:
    for each in functions:
        signal.connect(each, sender=Author)
    try:
        yield
    finally:
        for each in functions:
            signal.disconnect(each, sender=Author)


def _declared(declare: Callable[[Signal], object]) -> Connected:
    """Declare once for each signal; afterwards only connect and disconnect."""
    known: dict[Signal, tuple[Declaration, ...]] = {}

    @contextmanager
    def connected(signal: Signal) -> Iterator[None]:
        if signal in known:
            for declaration in known[signal]:
                registry.add(declaration)
        else:
            before = registry.all()
            declare(signal)
            known[signal] = tuple(each for each in registry.all() if each not in before)
        try:
            yield
        finally:
            for declaration in known[signal]:
                registry.remove(declaration)

    return connected
