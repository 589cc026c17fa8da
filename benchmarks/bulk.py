"""What bulk writes cost while a model is watched: that one, or another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from django.db import transaction

from benchmarks.measure import NO_DIFFERENCE, Comparison, Prepare, Repeat, Subject
from signalkit import bulk
from signalkit.bulk.signals import SIGNALS
from tests.testapp.models import Author, Tag

GROUP = "bulk"

Around = Callable[[], AbstractContextManager[object]]


def comparisons() -> list[Comparison]:
    """Return what this room compares."""
    return [
        _compared("update() of a row, in autocommit", _update),
        _compared("update() of a row, in atomic()", _update, in_atomic=True),
        _compared("bulk_create() of 10 objects, in atomic()", _create, in_atomic=True),
        _compared("bulk_update() of 10 objects, in atomic()", _bulk_update, in_atomic=True),
    ]


def _compared(
    title: str, make: Callable[[], Callable[[], object]], *, in_atomic: bool = False
) -> Comparison:
    def under(around: Around) -> Prepare:
        @contextmanager
        def prepare() -> Iterator[Repeat]:
            write = make()

            def repeat(count: int) -> None:
                for _ in range(count):
                    write()

            with around(), _undone() if in_atomic else nullcontext():
                yield repeat

        return prepare

    return Comparison(
        GROUP,
        title,
        Subject("nothing watched", under(nullcontext)),
        [
            Subject("again, to see the noise", under(nullcontext)),
            Subject("another model watched", under(lambda: bulk.watched(Tag)), NO_DIFFERENCE),
            Subject("watched, and nobody listens", under(lambda: bulk.watched(Author))),
            Subject("watched, with a receiver", under(lambda: _heard(pks=False))),
            Subject("watched, with a receiver, and the keys", under(lambda: _heard(pks=True))),
        ],
        slice_ms=10,
        rounds=3,
    )


@contextmanager
def _undone() -> Iterator[None]:
    """Leave no rows behind, or each round would find more of them."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def _hear(**kwargs: Any) -> None:
    """Do nothing, after the write."""


@contextmanager
def _heard(*, pks: bool) -> Iterator[None]:
    heard = SIGNALS[1::2]
    for signal in heard:
        signal.connect(_hear, sender=Author)
    try:
        with bulk.watched(Author, pks=pks):
            yield
    finally:
        for signal in heard:
            signal.disconnect(_hear, sender=Author)


# What is done --------------------------------------------------------------------------------


def _update() -> Callable[[], object]:
    pk = _author(0).pk
    return lambda: Author.objects.filter(pk=pk).update(email="ada@example.com")


def _create() -> Callable[[], object]:
    return lambda: Author.objects.bulk_create([Author(name="Ada") for _ in range(10)])


def _bulk_update() -> Callable[[], object]:
    authors = [_author(number) for number in range(10)]
    return lambda: Author.objects.bulk_update(authors, ["email"])


def _author(number: int) -> Author:
    # What the other rooms leave behind has other names.
    return Author.objects.get_or_create(name=f"in bulk {number}")[0]
