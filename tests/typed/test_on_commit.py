"""``send_on_commit()``, with real commits and rollbacks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.exceptions import SynchronousOnlyOperation
from django.db import connections, transaction
from django.dispatch import receiver
from django.test import TestCase, override_settings
from django.utils.functional import SimpleLazyObject

import signalkit
from signalkit import Event, Phase, Receiver, TypedSignal
from signalkit.context.current import current, use
from signalkit.dispatch.observation import Run, run_finished
from signalkit.exceptions import PayloadError
from signalkit.runs.statements import forget, statements_of
from signalkit.testing import run_on_commit
from signalkit.transactions.hooks import observer_for
from tests.dispatch.recording import both_aliases, undone
from tests.testapp.models import Author, Book, Record, Tag
from tests.transactions.support import raising
from tests.typed.making import Nameless, listen, typed
from tests.typed.payloads import Published


@dataclass(frozen=True, kw_only=True)
class Counted:
    number: int


@dataclass(frozen=True, kw_only=True)
class Placed:
    number: int
    using: str | None = None


counted = TypedSignal(Counted)
published = TypedSignal(Published)
placed = TypedSignal(Placed)


@pytest.fixture(autouse=True)
def nobody_listens() -> Iterator[None]:
    yield
    for signal in (counted, published, placed):
        signal.receivers.clear()


def numbers(signal: Any = counted) -> list[int]:
    """Listen to a signal; return the list of the numbers that it is sent with."""
    seen: list[int] = []
    signal.connect(lambda number, **named: seen.append(number), weak=False)
    return seen


@both_aliases
class TestWhen:
    def test_after_the_outermost_commit(self) -> None:
        seen: list[tuple[int, bool]] = []

        @receiver(counted)
        def note(sender: Any, number: int, **kwargs: Any) -> None:
            seen.append((number, connections["default"].in_atomic_block))

        with transaction.atomic():
            with transaction.atomic():
                counted.send_on_commit(sender=None, number=1)
            counted.send_on_commit(sender=None, number=2)
            assert seen == []
        assert seen == [(1, False), (2, False)]

    def test_at_once_without_a_transaction(self) -> None:
        seen = numbers()
        counted.send_on_commit(sender=None, number=1)
        assert seen == [1]

    def test_never_after_a_rollback(self) -> None:
        seen = numbers()
        with undone():
            counted.send_on_commit(sender=None, number=1)
        with transaction.atomic():
            with undone():
                counted.send_on_commit(sender=None, number=2)
            counted.send_on_commit(sender=None, number=3)
        assert seen == [3]

    def test_among_django_s_callbacks_in_their_order(self) -> None:
        seen: list[Any] = numbers()
        with transaction.atomic():
            transaction.on_commit(lambda: seen.append("before"))
            counted.send_on_commit(sender=None, number=1)
            transaction.on_commit(lambda: seen.append("after"))
        assert seen == ["before", 1, "after"]

    def test_a_foreign_callback_that_fails_does_not_take_it_with_it(self) -> None:
        seen = numbers()
        with raising(ZeroDivisionError):
            transaction.on_commit(lambda: 1 / 0)
            counted.send_on_commit(sender=None, number=1)
        assert seen == [1]

    def test_the_sender_counts(self) -> None:
        ours, theirs = listen(counted, sender=Book), listen(counted, sender=Author)
        with transaction.atomic():
            counted.send_on_commit(Book, number=1)
        assert len(ours) == 1
        assert ours[0]["sender"] is Book
        assert theirs == []

    def test_whoever_is_connected_by_then_hears_it(self) -> None:
        with transaction.atomic():
            counted.send_on_commit(sender=None, number=1)
            seen = numbers()
        assert seen == [1]

    def test_what_it_writes_stays(self) -> None:
        @receiver(counted)
        def write(number: int, **kwargs: Any) -> None:
            Record.objects.create(text=str(number))

        with transaction.atomic():
            counted.send_on_commit(sender=None, number=1)
        assert Record.objects.get().text == "1"

    def test_a_default_is_made_at_the_call(self) -> None:
        seen = listen(published)
        book = Book.objects.create(title="Emma")
        with transaction.atomic():
            published.send_on_commit(sender=Book, book=book)
        assert seen == [
            {"signal": published, "sender": Book, "book": book, "author": None, "tags": []}
        ]


@both_aliases
class TestRefusals:
    """They come at the call: at the commit nobody could do anything about them."""

    @pytest.mark.parametrize(
        ("args", "named", "why"),
        [
            ((), {}, "'number' is missing. It takes number: int."),
            ((), {"number": "x"}, "'number' is of type str, expected int."),
            ((), {"number": 1, "nummer": 1}, "it takes no 'nummer'."),
            ((), {"number": 1, "using": 3}, "got using=3; expected one of the database aliases"),
            (
                (),
                {"number": 1, "using": "othr"},
                "aliases default, other. Did you mean 'other'?",
            ),
            ((), {"number": 1, "robust": None}, "got robust=None; expected True or False."),
            ((1,), {}, "it takes keywords alone, such as number=."),
        ],
    )
    def test_at_once(self, args: tuple[Any, ...], named: dict[str, Any], why: str) -> None:
        signal: Any = counted
        seen = numbers()
        with transaction.atomic():
            with pytest.raises(PayloadError) as error:
                signal.send_on_commit(None, *args, **named)
            assert not connections["default"].run_on_commit
        message = str(error.value)
        assert message.startswith(f"{__name__}.counted.send_on_commit()")
        assert why in message
        assert seen == []

    def test_in_a_coroutine(self) -> None:
        """Its connection is another than that of the transaction which it may be part of."""
        seen = numbers()

        async def main() -> None:
            with pytest.raises(SynchronousOnlyOperation, match="a coroutine has none"):
                counted.send_on_commit(sender=None, number=1)
            await sync_to_async(in_transaction)()

        def in_transaction() -> None:
            with transaction.atomic():
                counted.send_on_commit(sender=None, number=2)
                assert seen == []
            connections.close_all()

        asyncio.run(main())
        assert seen == [2]


class Replicas:
    """Reads from one database, writes to another."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "other"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "default"


@both_aliases
class TestAlias:
    def waits_for(self, alias: str, send: Any, seen: list[Any]) -> bool:
        """Say whether a send waits for the transaction on an alias."""
        with transaction.atomic(using=alias):
            send()
            waited = not seen
        return waited and len(seen) == 1

    @pytest.mark.parametrize(
        ("using", "alias"), [(None, "default"), ("default", "default"), ("other", "other")]
    )
    def test_as_it_is_told(self, using: str | None, alias: str) -> None:
        for each in ("default", "other"):
            seen = numbers()
            waits = self.waits_for(
                each, lambda: counted.send_on_commit(sender=None, number=1, using=using), seen
            )
            assert waits is (each == alias)

    @pytest.mark.parametrize("alias", ["default", "other"])
    def test_where_what_it_carries_is_saved(self, alias: str) -> None:
        seen = listen(published)
        book = Book.objects.using(alias).create(title="Emma")
        assert self.waits_for(alias, lambda: published.send_on_commit(Book, book=book), seen)

    def test_what_it_is_told_comes_first(self) -> None:
        seen = listen(published)
        book = Book.objects.using("other").create(title="Emma")
        assert self.waits_for(
            "default", lambda: published.send_on_commit(Book, using="default", book=book), seen
        )

    def test_several_are_refused_unless_it_is_told(self) -> None:
        seen = listen(published)
        book = Book.objects.using("other").create(title="Emma")
        author = Author.objects.create(name="Jane Austen")
        with pytest.raises(PayloadError) as error:
            published.send_on_commit(Book, book=book, author=author)
        assert str(error.value) == (
            f"{__name__}.published.send_on_commit() cannot tell which database's commit to wait "
            "for: what it carries is saved to several, book (other), author (default). Give using=."
        )
        published.send_on_commit(Book, book=book, author=author, using="other")
        assert len(seen) == 1

    def test_what_was_read_from_a_replica_is_saved_elsewhere(self) -> None:
        book = Book.objects.using("other").create(title="Emma")
        seen = listen(published)
        with override_settings(DATABASE_ROUTERS=[Replicas()]):
            book = Book.objects.get(pk=book.pk)
            assert book._state.db == "other"
            assert self.waits_for(
                "default", lambda: published.send_on_commit(Book, book=book), seen
            )

    def test_of_a_lazy_object_that_is_awake_what_is_in_it_counts(self) -> None:
        signal = typed(book=Book)
        book = Book.objects.using("other").create(title="Emma")
        awake: Any = SimpleLazyObject(lambda: book)
        assert awake.title == "Emma"
        assert self.waits_for(
            "other", lambda: signal.send_on_commit(Book, book=awake), listen(signal)
        )

    def test_lazy_objects_are_not_woken(self) -> None:
        signal = typed(book=Book)
        book = SimpleLazyObject(lambda: pytest.fail("somebody looked"))
        assert self.waits_for(
            "default", lambda: signal.send_on_commit(Book, book=book), listen(signal)
        )

    @pytest.mark.parametrize(
        ("named", "alias"),
        [({"using": "other"}, "other"), ({"using": None}, "default"), ({}, "default")],
    )
    def test_a_field_of_that_name(self, named: dict[str, Any], alias: str) -> None:
        seen = listen(placed)
        assert self.waits_for(
            alias, lambda: placed.send_on_commit(sender=None, number=1, **named), seen
        )
        assert seen[0]["using"] == named.get("using")

    def test_a_field_of_that_name_that_is_no_alias(self) -> None:
        with pytest.raises(PayloadError, match="got using='stripe'; expected one of the database"):
            placed.send_on_commit(sender=None, number=1, using="stripe")


@both_aliases
class TestErrors:
    def test_robustly_they_are_logged_and_stop_nobody(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        counted.connect(Nameless(lambda **named: 1 / 0), weak=False)
        seen = numbers()
        with caplog.at_level(logging.ERROR, logger="django.dispatch"), transaction.atomic():
            counted.send_on_commit(sender=None, number=1)
        assert seen == [1]
        (message,) = caplog.messages
        assert message == (
            "Error calling tests.typed.making.Nameless.__call__ in "
            f"{__name__}.counted.send_robust() (division by zero)"
        )

    def test_otherwise_they_reach_whoever_commits_after_everybody_s_turn(self) -> None:
        counted.connect(Nameless(lambda number, **named: 1 // (number - 1)), weak=False)
        seen = numbers()
        with raising(ZeroDivisionError):
            Record.objects.create(text="kept")
            counted.send_on_commit(sender=None, number=1, robust=False)
            counted.send_on_commit(sender=None, number=2, robust=False)
        assert seen == [2]
        assert Record.objects.exists()

    def test_what_waits_can_be_told_by_its_name(self) -> None:
        with transaction.atomic():
            counted.send_on_commit(sender=None, number=1)
            (entry,) = observer_for("default")._waiting.entries
            assert repr(entry) == f"<after_commit: {__name__}.counted.send_on_commit()>"


@both_aliases
class TestContext:
    """What the receivers do is put down to whoever called ``send_on_commit()``."""

    def test_the_context_of_the_call(self) -> None:
        seen: list[tuple[str, str]] = []

        @receiver(counted)
        def note(number: int, **kwargs: Any) -> None:
            seen.append((f"{number}", current().reason))

        with use(reason="commits"):
            with transaction.atomic():
                with use(reason="sends"):
                    counted.send_on_commit(sender=None, number=1)
                assert current().reason == "commits"
            assert current().reason == "commits"
        assert seen == [("1", "sends")]

    def test_it_is_restored_after_an_error(self) -> None:
        counted.connect(Nameless(lambda **named: 1 / 0), weak=False)
        with use(reason="commits"):
            with suppress(ZeroDivisionError), transaction.atomic(), use(reason="sends"):
                counted.send_on_commit(sender=None, number=1, robust=False)
            assert current().reason == "commits"

    def test_the_run_of_the_call_is_the_parent(self) -> None:
        runs: list[Run] = []
        tagged = typed(tag=Tag)

        class Sends(Receiver):
            signal = tagged
            name = "tests.sends"

            def handle(self, event: Event) -> None:
                counted.send_on_commit(sender=None, number=1)

        class Hears(Receiver):
            signal = counted
            name = "tests.hears"

            def handle(self, event: Event) -> None: ...

        class Commits(Receiver):
            signal = placed
            name = "tests.commits"

            def handle(self, event: Event) -> None:
                with transaction.atomic():
                    counted.send_on_commit(sender=None, number=2)

        def note(run: Run, **kwargs: Any) -> None:
            runs.append(run)

        run_finished.connect(note)
        try:
            with transaction.atomic():
                tagged.send(sender=None, tag=Tag())
                counted.send_on_commit(sender=None, number=3)
            placed.send(sender=None, number=1)
        finally:
            run_finished.disconnect(note)
        sends, first, third, second, commits = runs
        assert [run.receiver.name for run in (sends, commits)] == ["tests.sends", "tests.commits"]
        assert [run.event.number for run in (first, second, third)] == [1, 2, 3]
        assert first.parent == sends.number
        assert second.parent == commits.number
        assert third.parent is None

    def test_a_commit_in_a_receiver_is_not_the_cause_of_what_waited(self) -> None:
        """On another alias: there, a transaction may end while a receiver is at work."""
        runs: list[Run] = []

        class Hears(Receiver):
            signal = counted

            def handle(self, event: Event) -> None: ...

        outer = transaction.atomic(using="other")

        class Commits(Receiver):
            signal = placed

            def handle(self, event: Event) -> None:
                outer.__exit__(None, None, None)

        def note(run: Run, **kwargs: Any) -> None:
            runs.append(run)

        run_finished.connect(note)
        try:
            outer.__enter__()
            counted.send_on_commit(sender=None, number=1, using="other")
            placed.send(sender=None, number=1)
        finally:
            run_finished.disconnect(note)
        heard, commits = runs
        assert heard.event.number == 1
        assert heard.parent is None
        assert commits.event.signal is placed

    def test_who_is_at_work_stays_guarded_against_itself(self) -> None:
        ran: list[int] = []

        class Again(Receiver):
            signal = counted
            reentry = "skip"

            def handle(self, event: Event) -> None:
                ran.append(event.number)
                if len(ran) < 5:
                    with transaction.atomic():
                        counted.send_on_commit(sender=None, number=event.number)

        counted.send(sender=None, number=1)
        assert ran == [1]

    def test_statements_at_the_commit_are_those_of_who_commits(self) -> None:
        runs: list[Run] = []

        @receiver(counted)
        def write(**kwargs: Any) -> None:
            Record.objects.create(text="plain")

        class Commits(Receiver):
            signal = placed

            def handle(self, event: Event) -> None:
                counted.send_on_commit(sender=None, number=1)

        def note(run: Run, **kwargs: Any) -> None:
            runs.append(run)

        run_finished.connect(note)
        try:
            # To open one takes statements, too.
            connections["default"].ensure_connection()
            statements_of(connections["default"])
            placed.send(sender=None, number=1)
        finally:
            run_finished.disconnect(note)
            forget(connections["default"])
        assert [run.queries for run in runs] == [1]


class TestPhases:
    @both_aliases
    def test_receivers_of_every_phase(self) -> None:
        seen: list[str] = []
        for phase in (Phase.INLINE, Phase.BEFORE_COMMIT, Phase.AFTER_COMMIT):

            @signalkit.receiver(counted, phase=phase, name=f"tests.{phase.value}")
            def note(phase: Phase = phase, **kwargs: Any) -> None:
                seen.append(phase.value)

        with transaction.atomic():
            counted.send_on_commit(sender=None, number=1)
            assert seen == []
        assert seen == ["inline", "before_commit", "after_commit"]


class TestInTestCase(TestCase):
    def test_it_is_a_callback_as_any_other(self) -> None:
        seen = numbers()
        with self.captureOnCommitCallbacks(execute=True) as callbacks:
            counted.send_on_commit(sender=None, number=1)
            with transaction.atomic():
                counted.send_on_commit(sender=None, number=2)
            with undone():
                counted.send_on_commit(sender=None, number=3)
            assert seen == []
        assert len(callbacks) == 2
        assert seen == [1, 2]

    def test_signalkit_acts_out_the_commit(self) -> None:
        seen = numbers()
        counted.send_on_commit(sender=None, number=1)
        assert seen == []
        run_on_commit()
        assert seen == [1]
