"""What signalkit costs where it is installed and nothing uses it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import signals

from benchmarks.measure import NO_DIFFERENCE, Comparison, Prepare, Repeat, Subject
from signalkit.dispatch.entrance import DECLARATION
from signalkit.transactions import after_commit, observer, watch
from tests.testapp.models import Author, Book

GROUP = "unused"

INSTALLED = "default"
"""As every connection of a project with signalkit."""

USED = "used"
"""One on which something once waited for a commit, so that its observer is certainly there."""

BARE = "bare"
CONTROL = "control"


def comparisons() -> list[Comparison]:
    """Return what this room compares, once the connections differ as they should."""
    _open()
    return [
        _unused("save() in autocommit", _autocommit),
        _unused("save() in atomic()", _atomic),
        _unused("save() in atomic() in atomic()", _nested),
        _unused("100 saves in atomic()", _hundred),
        _unused("QuerySet.get()", _get),
        _unused("create(), and delete() with a cascade", _cascade),
        _unused("atomic() around nothing", _empty, judged=False),
    ]


def _unused(title: str, repeated: Callable[[str], Repeat], *, judged: bool = True) -> Comparison:
    target = NO_DIFFERENCE if judged else None

    def on(alias: str) -> Prepare:
        @contextmanager
        def prepare() -> Iterator[Repeat]:
            yield repeated(alias)

        return prepare

    return Comparison(
        GROUP,
        title,
        Subject("a connection without signalkit", on(BARE)),
        [
            Subject("another one without, to see the noise", on(CONTROL)),
            Subject("signalkit installed", on(INSTALLED), target),
            Subject("signalkit used before, nothing waiting", on(USED), target),
        ],
        slice_ms=10,
        rounds=3,
    )


# The connections -----------------------------------------------------------------------------


def _open() -> None:
    """Open the connections, and make sure that they are what they are compared as."""
    for alias in (INSTALLED, USED, BARE, CONTROL):
        connections[alias].ensure_connection()
    _use(USED)
    for alias in (BARE, CONTROL):
        _strip(connections[alias])
    for alias in (INSTALLED, USED, BARE, CONTROL):
        calls = _calls_of_the_observer(alias)
        if bool(calls) is not (alias in (INSTALLED, USED)):
            raise RuntimeError(f"A transaction on {alias!r} made {calls} calls of the observer.")
    for signal in (signals.pre_save, signals.post_save, signals.pre_delete, signals.post_delete):
        for _, receiver, *_ in signal.receivers:
            if hasattr(receiver, DECLARATION):
                raise RuntimeError(f"{receiver} is connected, so signalkit is not unused.")


def _use(alias: str) -> None:
    """Let something wait for a commit once."""
    ran: list[str] = []
    with transaction.atomic(using=alias):
        after_commit(lambda: ran.append(alias), using=alias)
    if ran != [alias]:
        raise RuntimeError(f"What waited for the commit on {alias!r} ran {len(ran)} times.")


def _strip(connection: BaseDatabaseWrapper) -> None:
    """Leave a connection as Django made it."""
    if vars(connection).pop(watch._ATTRIBUTE, None) is not None:
        for name in observer.STOOD_BEFORE:
            delattr(connection, name)


def _calls_of_the_observer(alias: str) -> int:
    """Count the calls of functions of the observer's module in one transaction that writes."""
    calls = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        calls += event == "call" and frame.f_code.co_filename == observer.__file__

    sys.setprofile(count)
    try:
        with transaction.atomic(using=alias):
            Author.objects.using(alias).create(name="Ada")
    finally:
        sys.setprofile(None)
    return calls


# What is done --------------------------------------------------------------------------------


def _autocommit(alias: str) -> Repeat:
    author = Author.objects.using(alias).create(name="Ada")

    def repeat(count: int) -> None:
        for _ in range(count):
            author.save()

    return repeat


def _atomic(alias: str) -> Repeat:
    author = Author.objects.using(alias).create(name="Ada")

    def repeat(count: int) -> None:
        for _ in range(count):
            with transaction.atomic(using=alias):
                author.save()

    return repeat


def _nested(alias: str) -> Repeat:
    author = Author.objects.using(alias).create(name="Ada")

    def repeat(count: int) -> None:
        for _ in range(count):
            with transaction.atomic(using=alias), transaction.atomic(using=alias):
                author.save()

    return repeat


def _hundred(alias: str) -> Repeat:
    author = Author.objects.using(alias).create(name="Ada")

    def repeat(count: int) -> None:
        for _ in range(count):
            with transaction.atomic(using=alias):
                for _ in range(100):
                    author.save()

    return repeat


def _get(alias: str) -> Repeat:
    pk = Author.objects.using(alias).create(name="Ada").pk

    def repeat(count: int) -> None:
        for _ in range(count):
            Author.objects.using(alias).get(pk=pk)

    return repeat


def _cascade(alias: str) -> Repeat:
    authors, books = Author.objects.using(alias), Book.objects.using(alias)

    def repeat(count: int) -> None:
        for _ in range(count):
            author = authors.create(name="Ada")
            books.bulk_create([Book(title="Notes", author=author), Book(author=author)])
            author.delete()

    return repeat


def _empty(alias: str) -> Repeat:
    def repeat(count: int) -> None:
        for _ in range(count):
            with transaction.atomic(using=alias):
                pass

    return repeat
