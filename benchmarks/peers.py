"""One send beside other libraries' dispatchers, where they are installed. For information only."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db.models.signals import post_save

from benchmarks import receivers
from benchmarks.measure import Comparison, Prepare, Repeat, Subject
from benchmarks.sends import sending
from tests.testapp.models import Author

GROUP = "peers"


def comparisons() -> list[Comparison]:
    """Return what this room compares."""
    subjects = [
        Subject(
            "signalkit, function: created",
            sending(receivers.function(created=True), post_save),
        ),
        Subject(
            "signalkit, class: created",
            sending(receivers.model_receiver(created=True), post_save),
        ),
    ]
    for name, prepare in (("blinker", _blinker), ("psygnal", _psygnal)):
        try:
            library = importlib.import_module(name)
        except ImportError:
            continue
        subjects.append(Subject(name, prepare(library)))
    plain = Subject("Django, plain receiver", sending(receivers.plain(), post_save))
    return [Comparison(GROUP, "one send elsewhere", plain, subjects, rounds=3)]


def _blinker(blinker: Any) -> Prepare:
    def repeated(author: Author) -> Repeat:
        signal = blinker.Signal()
        signal.connect(receivers.read, sender=Author)

        def repeat(count: int) -> None:
            for _ in range(count):
                signal.send(
                    Author,
                    instance=author,
                    created=True,
                    update_fields=None,
                    raw=False,
                    using="default",
                )

        return repeat

    return _library(repeated)


def _psygnal(psygnal: Any) -> Prepare:
    def repeated(author: Author) -> Repeat:
        # It knows no senders and passes by position.
        signal = psygnal.SignalInstance((object, object, bool, object, bool, str))
        signal.connect(_read_by_position)

        def repeat(count: int) -> None:
            for _ in range(count):
                signal.emit(Author, author, True, None, False, "default")

        return repeat

    return _library(repeated)


def _read_by_position(sender: Any, instance: Any, *more: Any) -> object:
    return instance.name


def _library(repeated: Callable[[Author], Repeat]) -> Prepare:
    @contextmanager
    def prepare() -> Iterator[Repeat]:
        yield repeated(Author(name="Ada"))

    return prepare
