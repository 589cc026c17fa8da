"""signalkit's own receivers of a typed signal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from django.db import transaction

import signalkit
from signalkit import Event, ModelReceiver, Phase, Receiver, TypedSignal
from signalkit.exceptions import DeclarationError
from tests.dispatch.recording import both_aliases, listen, real_commits
from tests.testapp.models import Author, Book
from tests.typed.making import typed
from tests.typed.payloads import Published


@dataclass(frozen=True, kw_only=True)
class Stored:
    instance: Book
    created: bool
    using: str = "default"


published = TypedSignal(Published)
stored = TypedSignal(Stored)


def test_a_class() -> None:
    events: list[Event] = []

    class Announce(Receiver):
        signal = published
        sender = "testapp.Book"

        def handle(self, event: Event) -> None:
            events.append(event)

    book = Book()
    published.send(sender=Book, book=book)
    published.send(sender=Author, book=book)
    (event,) = events
    assert event.payload == {"book": book, "author": None, "tags": []}
    assert event.book is book
    assert event.author is None
    assert event.signal is published
    assert event.sender is Book


def test_a_function_with_conditions() -> None:
    seen = listen(
        published,
        when=lambda author, **kwargs: author is not None,
        note=lambda named: named["author"],
    )
    author = Author()
    published.send(sender=Book, book=Book())
    published.send(sender=Book, book=Book(), author=author)
    assert seen == [author]


def test_fields_with_a_meaning_to_conditions() -> None:
    created = listen(stored, created=True, note=lambda named: named["created"])
    updated = listen(stored, created=False, note=lambda named: named["created"])

    class Follow(ModelReceiver):
        signal = stored
        sender = Book
        created = True

        def handle(self, event: Event) -> None:
            created.append((event.instance, event.using))

    book = Book()
    stored.send(sender=Book, instance=book, created=True)
    stored.send(sender=Book, instance=book, created=False)
    assert created == [True, (book, "default")]
    assert updated == [False]


class TestWhatItDoesNotCarry:
    """Of a plain signal that is found out at the send; a typed one says it at once."""

    def test_created(self) -> None:
        with pytest.raises(DeclarationError, match="published does not say what was created"):
            listen(published, created=True)

    def test_an_instance(self) -> None:
        with pytest.raises(DeclarationError, match="published is not about an instance"):

            class Follow(ModelReceiver):
                signal = published

                def handle(self, event: Event) -> None: ...


@real_commits
def test_phases() -> None:
    seen: dict[Phase, list[Any]] = {
        phase: listen(published, phase=phase, note=lambda named: named["tags"])
        for phase in (Phase.INLINE, Phase.BEFORE_COMMIT, Phase.AFTER_COMMIT)
    }
    with transaction.atomic():
        published.send(sender=Book, book=Book(), tags=["a"])
        assert [*seen.values()] == [[["a"]], [], []]
    assert [*seen.values()] == [[["a"]]] * 3


@both_aliases
def test_a_field_using_says_whose_transaction_counts() -> None:
    seen = listen(stored, phase=Phase.AFTER_COMMIT, note=lambda named: named["using"])
    with transaction.atomic(using="other"):
        stored.send(sender=Book, instance=Book(), created=True, using="other")
        assert seen == []
        stored.send(sender=Book, instance=Book(), created=True)
        assert seen == ["default"]
    assert seen == ["default", "other"]


@both_aliases
def test_what_the_receiver_names_as_using_comes_before_the_field() -> None:
    seen = listen(stored, phase=Phase.AFTER_COMMIT, using="other")
    with transaction.atomic(using="other"):
        stored.send(sender=Book, instance=Book(), created=True)
        assert seen == []
    assert len(seen) == 1


def test_an_error_that_is_isolated(caplog: pytest.LogCaptureFixture) -> None:
    @signalkit.receiver(published, on_error="isolate", name="tests.fails")
    def fails(**kwargs: Any) -> None:
        raise ValueError

    published.send(sender=None, book=Book())
    assert f"Receiver tests.fails failed in phase inline of {__name__}.published" in caplog.text


def test_one_that_is_refused_reaches_no_receiver() -> None:
    signal = typed(number=int)
    seen = listen(signal)
    with pytest.raises(TypeError):
        signal.send(sender=None, number="x")
    assert seen == []
