"""Transitions of a field: from which value to which, whatever the instance in hand says."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from django.core import serializers
from django.db import DatabaseError, models, transaction
from django.db.models import F, Value
from django.db.models.functions import Concat, Upper
from django.db.models.signals import post_delete, post_save, pre_save

from signalkit import Phase, Veto
from signalkit.exceptions import DeclarationError, UnknownOption
from signalkit.receivers import ABSENT, ANY, StatusChanged, Transition
from signalkit.testing import raise_failures
from tests.dispatch.recording import both_aliases, queries, undone
from tests.receivers.models import Errand
from tests.testapp.models import Audiobook, Author, Bestseller, Book

pytestmark = pytest.mark.django_db(databases=["default", "other"])


def hear(named: Any = Book, field: Any = "status", **options: Any) -> list[tuple[Any, Any]]:
    """Declare a receiver; return the list to which it adds the old and the new value."""
    seen: list[tuple[Any, Any]] = []

    def on_transition(self: Any, event: Transition[Any]) -> None:
        seen.append((event.old, event.new))

    body = {"__module__": __name__, "model": named, "field": field}
    type("Heard", (StatusChanged,), {"on_transition": on_transition, **body, **options})
    return seen


@pytest.fixture
def book() -> Book:
    return Book.objects.create(title="The Lathe", status="draft")


def move(book: Book, *statuses: str) -> None:
    for status in statuses:
        book.status = status
        book.save()


class TestWhichCount:
    def test_any_by_default(self, book: Book) -> None:
        seen = hear()
        move(book, "draft", "sent", "sent", "paid")
        assert seen == [("draft", "sent"), ("sent", "paid")]

    def test_one_value(self, book: Book) -> None:
        seen = hear(from_="sent", to="paid")
        move(book, "paid", "sent", "paid", "draft")
        assert seen == [("sent", "paid")]

    @pytest.mark.parametrize("kind", [list, tuple, set, frozenset])
    def test_several_values(self, book: Book, kind: Any) -> None:
        seen = hear(from_=kind(["draft", "sent"]), to=kind(["paid", "lost"]))
        move(book, "sent", "paid", "lost", "draft", "lost")
        assert seen == [("sent", "paid"), ("draft", "lost")]

    def test_one_side_alone(self, book: Book) -> None:
        came, went = hear(to="paid"), hear(name="test.went", from_="paid")
        move(book, "paid", "lost", "paid")
        assert (came, went) == ([("draft", "paid"), ("lost", "paid")], [("paid", "lost")])

    def test_null_is_a_value(self) -> None:
        author = Author.objects.create(name="Ursula")
        book = Book.objects.create(title="The Lathe")
        came, went = hear(field="author", from_=None), hear(field="author", name="t.w", to=None)
        book.author = author
        book.save()
        book.author = None
        book.save()
        assert (came, went) == ([(None, author.pk)], [(author.pk, None)])

    def test_the_old_value_is_that_of_the_database(self, book: Book) -> None:
        seen = hear()
        stale = Book.objects.get(pk=book.pk)
        move(book, "sent")
        move(stale, "paid")
        Book(pk=book.pk, title="by hand", status="lost").save()
        assert seen == [("draft", "sent"), ("sent", "paid"), ("paid", "lost")]

    def test_update_fields(self, book: Book) -> None:
        seen = hear()
        book.status = "sent"
        book.save(update_fields=["title"])
        assert seen == []
        book.save(update_fields=["status"])
        assert seen == [("draft", "sent")]

    def test_an_expression(self, book: Book) -> None:
        seen = hear(to="draft!")
        numbers = hear(field="stock", name="test.stock", to=3)
        book.status = Concat(F("status"), Value("!"))
        book.stock = F("stock") + 3
        book.save()
        assert (seen, numbers) == ([("draft", "draft!")], [(0, 3)])

    def test_a_value_is_compared_as_it_will_be_read(self, book: Book) -> None:
        seen = hear(field="stock", to=7)
        book.stock = "7"
        book.save()
        assert seen == [(0, 7)]

    def test_an_enum(self, book: Book) -> None:
        class Status(models.TextChoices):
            DRAFT = "draft"
            SENT = "sent"

        seen = hear(from_=Status.DRAFT, to=Status.SENT)
        move(book, Status.SENT)
        assert seen == [("draft", "sent")]

    def test_children(self) -> None:
        seen = hear(include_subclasses=True)
        for model in (Audiobook, Bestseller):
            book = model.objects.create(title="a", status="draft")
            move(book, "sent")
        assert seen == [("draft", "sent")] * 2

    def test_a_number_comes_as_its_column_rounds_it(self) -> None:
        seen = hear(field="price", from_=(ABSENT, ANY))
        before = hear(field="price", name="test.before", signal=pre_save, to=Decimal("2.13"))
        book = Book.objects.create(title="The Lathe", price="1.128")
        book.price = 2.126
        book.save()
        assert seen == [(ABSENT, Decimal("1.13")), (Decimal("1.13"), Decimal("2.13"))]
        assert before == [(Decimal("1.13"), Decimal("2.13"))]
        assert Book.objects.get().price == Decimal("2.13")

    def test_a_number_that_its_column_has_no_room_for(self) -> None:
        book = Book.objects.create(title="The Lathe")
        before = hear(field="price", signal=pre_save)
        book.price = Decimal("1234567890")
        with suppress(ArithmeticError, DatabaseError), transaction.atomic():
            book.save()
        assert before == [(Decimal(0), Decimal("1234567890"))]

    def test_fixtures_are_left_alone(self, book: Book) -> None:
        seen, raw = hear(), hear(name="test.raw", raw=True)
        book.status = "sent"
        (each,) = serializers.deserialize("json", serializers.serialize("json", [book]))
        each.save()
        assert (seen, raw) == ([], [("draft", "sent")])

    def test_several_by_subclasses(self, book: Book) -> None:
        seen: list[str] = []

        class Status(StatusChanged[Book], abstract=True):
            model = Book
            field = "status"

            def on_transition(self, event: Transition[Book]) -> None:
                seen.append(f"{type(self).__name__} {event.instance.title}")

        class Sent(Status):
            to = "sent"

        class Paid(Status):
            to = "paid"

        class PaidLater(Paid):
            from_ = "sent"

        move(book, "paid", "sent", "paid")
        assert sorted(seen) == [
            "Paid The Lathe",
            "Paid The Lathe",
            "PaidLater The Lathe",
            "Sent The Lathe",
        ]


class TestNewRows:
    def test_do_not_count_by_default(self) -> None:
        seen, anything = hear(to="paid"), hear(name="test.any", from_=(ANY, "x"))
        Book.objects.create(title="The Lathe", status="paid")
        assert seen == anything == []

    def test_come_from_absent(self) -> None:
        seen = hear(from_=ABSENT, to="paid")
        book = Book.objects.create(title="The Lathe", status="paid")
        Book.objects.create(title="Another", status="draft")
        move(book, "draft", "paid")
        assert seen == [(ABSENT, "paid")]

    def test_and_from_others_too(self) -> None:
        seen = hear(from_=(ABSENT, ANY), to="paid")
        book = Book.objects.create(title="The Lathe", status="paid")
        move(book, "draft", "paid")
        assert seen == [(ABSENT, "paid"), ("draft", "paid")]

    def test_with_an_expression(self) -> None:
        seen = hear(from_=ABSENT, to="PAID")
        Book.objects.create(title="The Lathe", status=Upper(Value("paid")))
        assert seen == [(ABSENT, "PAID")]

    def test_one_that_was_sent_by_hand(self) -> None:
        seen = hear(from_=ABSENT)
        post_save.send(Book, instance=None, created=True, raw=False, using="default")
        assert seen == []


@both_aliases
class TestPhases:
    def test_after_the_commit_with_both_values(self, book: Book) -> None:
        seen = hear(phase=Phase.AFTER_COMMIT)
        with transaction.atomic():
            move(book, "sent", "paid")
            with undone():
                move(book, "lost")
            assert seen == []
        assert seen == [("draft", "sent"), ("sent", "paid")]

    def test_a_rollback(self, book: Book) -> None:
        seen = hear(phase=Phase.AFTER_COMMIT)
        with undone():
            move(book, "sent")
        assert seen == []

    def test_the_last_of_a_transaction(self, book: Book) -> None:
        seen = hear(
            phase=Phase.AFTER_COMMIT, once_per_transaction=lambda self, event: event.instance.pk
        )
        with transaction.atomic():
            move(book, "sent", "paid")
        assert seen == [("sent", "paid")]

    def test_another_alias(self) -> None:
        seen: list[Any] = []

        class Heard(StatusChanged[Book]):
            model = "testapp.Book"
            field = "status"

            async def on_transition(self, event: Transition[Book]) -> None:
                seen.append((event.using, event.old, event.new, event.raw, event.update_fields))

        book = Book.objects.using("other").create(title="The Lathe", status="draft")
        move(book, "sent")
        assert seen == [("other", "draft", "sent", False, None)]

    def test_when_sees_both_values(self, book: Book) -> None:
        seen = hear(when=lambda self, event: event.old != "draft")
        move(book, "sent", "paid")
        assert seen == [("sent", "paid")]

    def test_one_query_for_all(self, book: Book) -> None:
        with queries() as plain:
            move(book, "sent")
        for number in range(3):
            hear(name=f"test.number{number}")
        with queries() as ours:
            move(book, "paid")
        assert len(ours) - len(plain) == 1


class TestBeforeTheSave:
    def test_a_transition_can_be_refused(self, book: Book) -> None:
        class NoWayBack(StatusChanged[Book]):
            signal = pre_save
            model = Book
            field = "status"
            from_ = "paid"

            def on_transition(self, event: Transition[Book]) -> None:
                raise Veto({"status": f"It was {event.old} and cannot be {event.new}."})

        move(book, "paid")
        with pytest.raises(Veto, match="It was paid and cannot be draft"):
            move(book, "draft")
        book.refresh_from_db()
        assert book.status == "paid"

    def test_an_expression_is_no_value_yet(self, book: Book) -> None:
        seen, anything = hear(signal=pre_save, to="x"), hear(signal=pre_save, name="test.any")
        book.status = Upper(Value("x"))
        book.save()
        assert seen == []
        ((old, new),) = anything
        assert (old, type(new)) == ("draft", Upper)

    def test_what_is_no_value_of_the_field_is_refused_by_the_save(self, book: Book) -> None:
        seen = hear(field="stock", signal=pre_save)
        book.stock = "many"
        with pytest.raises(ValueError, match="many"):
            book.save()
        assert seen == [(0, "many")]


class TestRefusals:
    @pytest.mark.parametrize("option", ["sender", "changed", "created"])
    def test_what_follows_from_the_rest(self, option: str) -> None:
        with pytest.raises(DeclarationError, match=f"sets {option}, which follows from"):
            hear(**{option: None})

    def test_no_hook(self) -> None:
        with pytest.raises(DeclarationError, match="writes none of the methods"):

            class Heard(StatusChanged[Book]):
                model = Book
                field = "status"

    def test_a_misspelt_hook(self) -> None:
        with pytest.raises(UnknownOption, match="Did you mean 'on_transition'"):
            hear(on_transitions=lambda self, event: None)

    def test_no_field(self) -> None:
        with pytest.raises(DeclarationError, match="such as 'status'"):
            hear(Book, None)

    def test_no_model(self) -> None:
        with pytest.raises(DeclarationError, match="model is None"):
            hear(None)

    def test_an_unknown_field(self) -> None:
        with pytest.raises(DeclarationError, match=r"'state', which testapp\.Book has not"):
            hear(field="state", to="x")

    def test_an_unknown_model(self) -> None:
        with pytest.raises(DeclarationError, match=r"no model 'testapp\.Boook'"):
            hear("testapp.Boook", to="x")

    @pytest.mark.parametrize("option", ["from_", "to"])
    def test_no_value(self, option: str) -> None:
        with pytest.raises(DeclarationError, match=f"{option} is empty"):
            hear(**{option: ()})

    def test_to_nothing(self) -> None:
        with pytest.raises(DeclarationError, match="a deletion is no change of a field"):
            hear(to=ABSENT)

    def test_from_nothing_before_the_save(self) -> None:
        with pytest.raises(DeclarationError, match="nobody knows whether a row is new"):
            hear(from_=ABSENT, signal=pre_save)

    @pytest.mark.parametrize("given", [post_delete, (pre_save, post_save)])
    def test_other_signals(self, given: Any) -> None:
        with pytest.raises(DeclarationError, match="expected post_save or pre_save"):
            hear(signal=given)

    def test_a_value_that_the_choices_have_not(self) -> None:
        with pytest.raises(DeclarationError, match=r"'opne'.*'open', 'done'\. Did you mean 'open'"):
            hear(Errand, "state", from_="opne")
        with pytest.raises(DeclarationError, match="to has None"):
            hear(Errand, "state", to=("done", None))

    def test_values_that_may_be_beside_the_choices(self) -> None:
        hear(Errand, "state", name="t.one", from_="open", to=(ANY, "done"))
        hear(Errand, "place", name="t.two", from_=None, to=("", "home"))

    def test_choices_that_are_worked_out_are_not_asked(self) -> None:
        hear(Errand, "kind", to="whatever")


@both_aliases
def test_a_failing_hook_is_on_record(book: Book) -> None:
    class Heard(StatusChanged[Book]):
        model = Book
        field = "status"
        phase = Phase.AFTER_COMMIT

        def on_transition(self, event: Transition[Book]) -> None:
            raise LookupError("no such status")

    with pytest.raises(ExceptionGroup) as raised, raise_failures():
        move(book, "sent")
    assert raised.group_contains(LookupError)
    assert (repr(ANY), repr(ABSENT)) == ("ANY", "ABSENT")
