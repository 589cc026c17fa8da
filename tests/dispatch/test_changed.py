"""``changed=``: which saves changed a field, and what it costs to know."""

from __future__ import annotations

import copy
import gc
import pickle
import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import django
import pytest
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, connection, connections, models, transaction
from django.db.models import F, Value
from django.db.models.functions import Upper
from django.db.models.signals import post_save, pre_save
from django.dispatch import Signal
from django.test import override_settings

from signalkit import ModelReceiver
from signalkit.dispatch import changed
from signalkit.registry import registry
from tests.dispatch.models import Coin, Cover, Line, Rectangle
from tests.dispatch.recording import both_aliases, listen, queries
from tests.testapp.models import Article, Audiobook, Author, Bestseller, Book, Tag, Ticket

pytestmark = pytest.mark.django_db(databases=["default", "other"])

# Django 6.0 has expressions back from the UPDATE, where the database can tell.
UPDATE_RETURNS = django.VERSION >= (6, 0) and connection.vendor != "mysql"

both_signals = pytest.mark.parametrize("signal", [pre_save, post_save], ids=["pre", "post"])


@pytest.fixture
def book() -> Book:
    author = Author.objects.create(name="Ursula")
    return Book.objects.create(title="Lathe", price="1.00", stock=3, author=author)


def watch(model: Any, *names: str, signal: Signal = post_save, **options: Any) -> list[Any]:
    return listen(signal, model, changed=names, **options)


@both_signals
class TestWhichSavesCount:
    def test_a_new_value(self, book: Book, signal: Signal) -> None:
        seen = watch(Book, "status", signal=signal)
        book.status = "sold"
        book.save()
        assert len(seen) == 1
        book.save()
        assert len(seen) == 1

    def test_not_another_field(self, book: Book, signal: Signal) -> None:
        seen = watch(Book, "status", signal=signal)
        book.title = "The Lathe of Heaven"
        book.save()
        assert seen == []

    def test_one_of_several(self, book: Book, signal: Signal) -> None:
        seen = watch(Book, "status", "title", signal=signal)
        book.title = "The Lathe of Heaven"
        book.save()
        assert len(seen) == 1

    def test_not_a_creation(self, signal: Signal) -> None:
        seen = watch(Book, "status", signal=signal)
        Book.objects.create(title="New", status="sold")
        Book(pk=4711, title="By hand", status="sold").save()
        Book(pk=4712, title="By hand", status="sold").save(force_insert=True)
        assert seen == []

    def test_update_fields_with_the_field(self, book: Book, signal: Signal) -> None:
        seen = watch(Book, "status", signal=signal)
        book.status = "sold"
        book.save(update_fields=["status"])
        assert len(seen) == 1

    def test_update_fields_without_the_field(self, book: Book, signal: Signal) -> None:
        seen = watch(Book, "status", signal=signal)
        book.status, book.stock = "sold", 2
        book.save(update_fields=["stock"])
        assert seen == []

    @pytest.mark.parametrize("written", ["author", "author_id"])
    @pytest.mark.parametrize("watched", ["author", "author_id"])
    def test_a_foreign_key_by_name_and_attname(
        self, book: Book, signal: Signal, watched: str, written: str
    ) -> None:
        seen = watch(Book, watched, signal=signal)
        book.author_id = Author.objects.create(name="Octavia").pk
        book.save(update_fields=[written])
        assert len(seen) == 1
        book.save(update_fields=[written])
        assert len(seen) == 1

    def test_a_foreign_key_by_instance(self, book: Book, signal: Signal) -> None:
        seen = watch(Book, "author", signal=signal)
        book.author = Author.objects.get(name="Ursula")
        book.save()
        assert seen == []
        book.author = Author.objects.create(name="Octavia")
        book.save()
        assert len(seen) == 1
        book.author = None
        book.save()
        assert len(seen) == 2

    def test_a_foreign_key_given_as_text(self, book: Book, signal: Signal) -> None:
        seen = watch(Book, "author", signal=signal)
        book.author_id = str(book.author_id)
        book.save()
        assert seen == []

    def test_an_instance_made_by_hand(self, book: Book, signal: Signal) -> None:
        seen = watch(Book, "status", signal=signal)
        Book(pk=book.pk, title="Lathe").save()
        assert seen == []
        Book(pk=book.pk, title="Lathe", status="sold").save()
        assert len(seen) == 1

    def test_a_deferred_field_that_stays_deferred(self, book: Book, signal: Signal) -> None:
        seen = watch(Book, "status", signal=signal)
        Book.objects.filter(pk=book.pk).update(status="sold")
        partial = Book.objects.only("title").get(pk=book.pk)
        partial.title = "The Lathe of Heaven"
        with queries() as captured:
            partial.save()
        assert seen == []
        assert len(captured) == 1

    def test_a_deferred_field_that_is_set(self, book: Book, signal: Signal) -> None:
        seen = watch(Book, "status", signal=signal)
        partial = Book.objects.defer("status").get(pk=book.pk)
        partial.status = "sold"
        partial.save()
        assert len(seen) == 1

    def test_a_stale_copy_that_writes_the_old_value_back(self, book: Book, signal: Signal) -> None:
        stale = Book.objects.get(pk=book.pk)
        seen = watch(Book, "status", signal=signal)
        book.status = "sold"
        book.save()
        assert len(seen) == 1
        stale.title = "The Lathe of Heaven"
        stale.save()
        assert len(seen) == 2

    def test_after_refresh_from_db(self, book: Book, signal: Signal) -> None:
        seen = watch(Book, "status", signal=signal)
        Book.objects.filter(pk=book.pk).update(status="sold")
        book.refresh_from_db()
        book.save()
        assert seen == []

    def test_a_value_set_and_set_back(self, book: Book, signal: Signal) -> None:
        seen = watch(Book, "status", signal=signal)
        book.status = "sold"
        book.status = "draft"
        book.save()
        assert seen == []

    def test_each_alias_has_its_own_row(self, book: Book, signal: Signal) -> None:
        Author.objects.using("other").create(pk=book.author_id, name="Ursula")
        book.save(using="other", force_insert=True)
        Book.objects.using("other").update(status="sold")
        seen = watch(Book, "status", signal=signal, note=lambda named: named["using"])
        book.save(using="default")
        assert seen == []
        with queries("other") as there, queries("default") as here:
            book.save(using="other")
        assert seen == ["other"]
        assert (len(there), len(here)) == (2, 0)

    def test_a_field_of_the_parent_model(self, signal: Signal) -> None:
        audio = Audiobook.objects.create(title="Lathe")
        seen = watch(Audiobook, "title", "minutes", signal=signal)
        audio.title = "The Lathe of Heaven"
        audio.save()
        assert len(seen) == 1
        audio.minutes = 9
        audio.save(update_fields=["minutes"])
        assert len(seen) == 2
        audio.save()
        assert len(seen) == 2

    def test_a_child_row_for_a_parent_that_exists(self, book: Book, signal: Signal) -> None:
        seen = watch(Audiobook, "title", signal=signal)
        Audiobook(book_ptr=book, title="Another").save()
        assert seen == []

    def test_a_proxy(self, book: Book, signal: Signal) -> None:
        seen = watch(Bestseller, "status", signal=signal)
        proxy = Bestseller.objects.get(pk=book.pk)
        proxy.status = "sold"
        proxy.save()
        assert len(seen) == 1

    def test_subclasses_when_included(self, book: Book, signal: Signal) -> None:
        seen = watch(
            Book,
            "status",
            signal=signal,
            include_subclasses=True,
            note=lambda named: named["sender"],
        )
        audio = Audiobook.objects.create(title="Lathe")
        for row in (book, Bestseller.objects.get(pk=book.pk), audio):
            row.status = f"by {type(row).__name__}"
            row.save()
        assert seen == [Book, Bestseller, Audiobook]

    def test_a_key_with_a_default(self, signal: Signal) -> None:
        seen = watch(Ticket, "state", signal=signal)
        ticket = Ticket.objects.create()
        again = Ticket.objects.get(pk=ticket.pk)
        again.state = "closed"
        again.save()
        assert len(seen) == 1
        ticket.state = "lost"
        ticket.save()
        assert len(seen) == 2

    def test_a_composite_key(self, signal: Signal) -> None:
        line = Line.objects.create(invoice=1, number=1)
        Line.objects.create(invoice=1, number=2, quantity=5)
        seen = watch(Line, "quantity", signal=signal)
        line.save()
        assert seen == []
        line.quantity = 5
        line.save()
        assert len(seen) == 1

    def test_an_uncommitted_savepoint(self, book: Book, signal: Signal) -> None:
        """The row is read in the transaction of the save."""
        seen = watch(Book, "status", signal=signal)
        book.status = "sold"
        with transaction.atomic():
            book.save()
            book.save()
            transaction.set_rollback(True)
        assert len(seen) == 1
        book.save()
        assert len(seen) == 2

    def test_a_signal_sent_by_hand_tells_nothing(self, book: Book, signal: Signal) -> None:
        seen = watch(Book, "status", signal=signal)
        signal.send(sender=Book, instance=Book(title="Lathe", status="sold"))
        assert seen == []

    @pytest.mark.parametrize("sent", [{}, {"instance": None}, {"instance": object()}])
    def test_nor_one_that_is_sent_with_a_stand_in(
        self, signal: Signal, sent: dict[str, Any]
    ) -> None:
        seen = watch(Book, "status", signal=signal)
        signal.send(sender=Book, **sent)
        assert seen == []

    def test_a_class_based_receiver(self, book: Book, signal: Signal) -> None:
        seen = []
        watched = signal

        class Sold(ModelReceiver):
            signal = watched
            sender = Book
            changed = ("status",)

            def handle(self, event: Any) -> None:
                seen.append(event.pk)

        book.save()
        book.status = "sold"
        book.save()
        assert seen == [book.pk]


@both_signals
class TestValues:
    """Values are compared as the database sees them."""

    @pytest.mark.parametrize("same", ["1.0", "1", Decimal("1.000"), 1, 1.0, Decimal("1.001")])
    def test_one_number_written_in_several_ways(
        self, book: Book, signal: Signal, same: Any
    ) -> None:
        seen = watch(Book, "price", signal=signal)
        book.price = same
        book.save()
        assert seen == []

    @pytest.mark.parametrize("tie", ["0.125", "0.135", "-0.125", "2.005"])
    def test_a_number_too_precise_for_its_column(
        self, book: Book, signal: Signal, tie: str
    ) -> None:
        book.price = Decimal(tie)
        book.save()
        seen = watch(Book, "price", signal=signal)
        book.save()
        assert seen == []
        book.price += 1
        book.save()
        assert len(seen) == 1

    def test_a_number_that_is_none(self, signal: Signal) -> None:
        field = Book._meta.get_field("price")
        assert changed._differ(field, "default", None, Decimal(1))
        assert changed._differ(field, "default", Decimal(1), None)
        assert not changed._differ(field, "default", None, None)

    def test_a_number_too_large_for_its_column(self, signal: Signal) -> None:
        field = Book._meta.get_field("price")
        assert changed._differ(field, "default", Decimal(1), Decimal(10) ** 40)

    @pytest.mark.parametrize(
        ("name", "value", "error"),
        [
            ("price", "dear", ValidationError),
            ("stock", "many", ValueError),
            ("stock", [], TypeError),
        ],
    )
    def test_what_is_no_value_of_the_field_is_refused_by_the_save(
        self, book: Book, signal: Signal, name: str, value: Any, error: type[Exception]
    ) -> None:
        seen = watch(Book, name, signal=signal)
        setattr(book, name, value)
        with pytest.raises(error):
            book.save()
        assert len(seen) == (signal is pre_save)

    def test_json_changed_in_place(self, signal: Signal) -> None:
        article = Article.objects.create(headline="News", body={"tags": ["a"], "by": None})
        seen = watch(Article, "body", signal=signal)
        article.save()
        assert seen == []
        article.body["tags"].append("b")
        article.save()
        assert len(seen) == 1

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ({"a": (1, 2)}, {"a": [1, 2]}),
            ({1: "one"}, {"1": "one"}),
            ({"n": 1}, {"n": 1.0}),
            ({"n": 1e16}, {"n": 10**16}),
            ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ],
    )
    def test_json_that_is_the_same(self, signal: Signal, before: Any, after: Any) -> None:
        article = Article.objects.create(headline="News", body=before)
        seen = watch(Article, "body", signal=signal)
        article.save()
        article.body = after
        article.save()
        assert seen == []

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ({"n": True}, {"n": 1}),
            ({"n": 1}, {"n": "1"}),
            ({}, []),
            ({"n": None}, {}),
        ],
    )
    def test_json_that_only_looks_the_same(self, signal: Signal, before: Any, after: Any) -> None:
        article = Article.objects.create(headline="News", body=before)
        seen = watch(Article, "body", signal=signal)
        article.body = after
        article.save()
        assert len(seen) == 1

    def test_json_with_an_encoder(self, signal: Signal) -> None:
        field = models.JSONField(encoder=DjangoJSONEncoder)
        moment = datetime(2024, 5, 1, tzinfo=UTC)
        assert not changed._differ(field, "default", {"at": "2024-05-01T00:00:00Z"}, {"at": moment})
        assert changed._differ(field, "default", {"at": "2024-05-01T00:00:00Z"}, {"at": None})
        assert changed._differ(field, "default", None, {})

    def test_a_moment_in_another_zone(self, signal: Signal) -> None:
        field = models.DateTimeField()
        moment = datetime(2024, 5, 1, 12, tzinfo=UTC)
        elsewhere = moment.astimezone(
            datetime.fromisoformat("2024-05-01T00:00:00+02:00").tzinfo  # two hours ahead
        )
        assert not changed._differ(field, "default", moment, elsewhere)
        assert changed._differ(field, "default", moment, elsewhere + timedelta(microseconds=1))

    def test_a_value_that_is_written_differently_each_time(self, signal: Signal) -> None:
        """As fields do that encrypt: what is read back is what counts."""

        class Sealed(models.TextField):  # type: ignore[type-arg]  # not generic at run time
            def get_prep_value(self, value: Any) -> Any:
                return f"{uuid.uuid4()}{value}"

        field = Sealed()
        assert not changed._differ(field, "default", "secret", "secret")
        assert changed._differ(field, "default", "secret", "open")

    def test_values_that_cannot_say_whether_they_are_equal(self, signal: Signal) -> None:
        """As arrays do not; what they are written as may."""

        class Array(list[float]):
            def __eq__(self, other: object) -> Any:
                return self

            def __bool__(self) -> bool:
                raise ValueError("ambiguous")

        class Vector(models.TextField):  # type: ignore[type-arg]  # not generic at run time
            def get_prep_value(self, value: Any) -> Any:
                return ",".join(map(str, value))

        assert not changed._differ(Vector(), "default", Array([1.0]), Array([1.0]))
        assert changed._differ(Vector(), "default", Array([1.0]), Array([2.0]))
        # What cannot be known counts as changed.
        assert changed._differ(models.Field(), "default", Array([1.0]), Array([1.0]))

    def test_a_file(self, signal: Signal) -> None:
        cover = Cover(image=ContentFile(b"1", name="one.png"))
        cover.save()
        seen = watch(Cover, "image", signal=signal)
        cover.save()
        Cover.objects.get(pk=cover.pk).save()
        assert seen == []
        cover.image = ContentFile(b"2", name=cover.image.name)
        cover.save()
        assert len(seen) == 1
        cover.image = "elsewhere.png"
        cover.save()
        assert len(seen) == 2
        cover.image = None
        cover.save()
        assert len(seen) == 3
        cover.save()
        assert len(seen) == 3


class TestWhatTheSaveWorksOut:
    def test_an_expression_counts_as_changed_before(self, book: Book) -> None:
        seen = watch(Book, "stock", signal=pre_save)
        book.stock = F("stock") + 0
        book.save()
        assert len(seen) == 1

    def test_an_expression_is_not_taken_for_its_name(self, book: Book) -> None:
        book.title = "F(status)"
        book.save()
        seen = watch(Book, "title", signal=pre_save)
        book.title = F("status")
        book.save()
        assert len(seen) == 1

    def test_an_expression_is_read_back_after(self, book: Book) -> None:
        seen = watch(Book, "stock")
        book.stock = F("stock") - 1
        book.save()
        assert len(seen) == 1
        book.refresh_from_db()
        book.stock = F("stock") + 0
        book.save()
        assert len(seen) == 1

    def test_several_expressions_and_receivers_share_one_more_query(self, book: Book) -> None:
        first, second = watch(Book, "stock"), watch(Book, "title", "status")
        book.stock, book.title = F("stock") - 1, Upper(Value("lathe"))
        with queries() as captured:
            book.save()
        assert (len(first), len(second)) == (1, 1)
        assert len(captured) == (2 if UPDATE_RETURNS else 3)

    def test_a_row_that_another_receiver_deletes(self) -> None:
        listen(
            post_save,
            Rectangle,
            note=lambda named: Rectangle.objects.filter(pk=named["instance"].pk).delete(),
            created=False,
        )
        seen = watch(Rectangle, "area", "width")
        rectangle = Rectangle.objects.create(width=1, height=1)
        rectangle.save()
        rectangle = Rectangle.objects.create(width=1, height=1)
        rectangle.width = F("width") + 1
        rectangle.save()
        assert len(seen) == UPDATE_RETURNS
        seen.clear()
        rectangle = Rectangle.objects.create(width=1, height=1)
        rectangle.width = 2
        rectangle.save()
        assert len(seen) == 1

    def test_a_row_that_another_receiver_deletes_before_it_is_written(self) -> None:
        """What was to be an update is a creation then."""
        seen = watch(Tag, "name")
        listen(
            pre_save, Tag, note=lambda named: Tag.objects.filter(pk=named["instance"].pk).delete()
        )
        created = listen(post_save, Tag, note=lambda named: named["created"])
        tag = Tag.objects.create(name="a")
        tag.name = "b"
        tag.save()
        assert created == [True, True]
        assert seen == []

    def test_auto_now_shows_after_the_save_only(self) -> None:
        article = Article.objects.create(headline="News")
        before = watch(Article, "changed_at", signal=pre_save)
        after = watch(Article, "changed_at")
        article.save()
        assert (len(before), len(after)) == (0, 1)
        article.save(update_fields=["headline"])
        assert (len(before), len(after)) == (0, 1)

    def test_a_generated_field(self) -> None:
        rectangle = Rectangle.objects.create(width=2, height=6)
        rectangle = Rectangle.objects.get()
        seen = watch(Rectangle, "area")
        rectangle.width, rectangle.height = 3, 4
        rectangle.save()
        assert seen == []
        rectangle.width = 5
        rectangle.save(update_fields=["width"])
        assert len(seen) == 1

    def test_a_generated_field_counts_as_changed_before(self) -> None:
        rectangle = Rectangle.objects.create(width=2, height=6)
        seen = watch(Rectangle, "area", signal=pre_save)
        rectangle.save()
        assert len(seen) == 1

    def test_a_receiver_of_pre_save_that_sets_the_value(self, book: Book) -> None:
        """Receivers of pre_save see what was set so far; those of post_save, what was written."""
        early = watch(Book, "status", signal=pre_save)

        def sell(instance: Book, **kwargs: Any) -> None:
            instance.status = "sold"

        listen(pre_save, Book, note=lambda named: sell(**named))
        late, after = watch(Book, "status", signal=pre_save), watch(Book, "status")
        book.save()
        assert (len(early), len(late), len(after)) == (0, 1, 1)

    def test_a_receiver_that_alters_the_object_after_the_save(self, book: Book) -> None:
        """The first to ask fixes what was written."""

        def undo(instance: Book, **kwargs: Any) -> None:
            instance.status = "draft"

        first = watch(Book, "status", note=lambda named: undo(**named))
        second = watch(Book, "status")
        book.status = "sold"
        book.save()
        assert (len(first), len(second)) == (1, 1)


class TestSavesInsideSaves:
    """What was read belongs to one save, not to the object."""

    def nest(self, signal: Signal, act: Callable[[Book], None]) -> None:
        """Declare a receiver that acts on the first save it sees, and on no other."""
        acted: list[bool] = []

        def once(instance: Book, **kwargs: Any) -> None:
            if not acted:
                acted.append(True)
                act(instance)

        listen(signal, Book, note=lambda named: once(**named))

    @pytest.mark.parametrize("where", [pre_save, post_save], ids=["pre", "post"])
    def test_a_save_of_other_fields_hides_nothing(self, book: Book, where: Signal) -> None:
        self.nest(where, lambda instance: instance.save(update_fields=["title"]))
        seen = watch(Book, "status", note=lambda named: named["update_fields"])
        book.status = "sold"
        book.save()
        assert seen == [None]

    @pytest.mark.parametrize("where", [pre_save, post_save], ids=["pre", "post"])
    def test_each_save_is_compared_with_its_own_row(self, book: Book, where: Signal) -> None:
        def sell(instance: Book) -> None:
            instance.status = "sold"
            instance.save(update_fields=["status"])

        self.nest(where, sell)
        seen = watch(Book, "status", "stock", note=lambda named: named["update_fields"])
        book.stock = 2
        book.save()
        assert seen == [{"status"}, None]

    def test_a_nested_save_that_fails(self, book: Book) -> None:
        taken = Tag.objects.create(name="taken")
        tag = Tag.objects.create(name="free")

        def collide(instance: Tag, **kwargs: Any) -> None:
            if instance.name == "new":
                instance.name = taken.name
                with pytest.raises(IntegrityError), transaction.atomic():
                    instance.save()
                instance.name = "newer"

        listen(pre_save, Tag, note=lambda named: collide(**named))
        seen = watch(Tag, "name", note=lambda named: named["instance"].name)
        tag.name = "new"
        tag.save()
        assert seen == ["newer"]

    def test_a_save_that_failed_and_is_tried_again(self) -> None:
        Tag.objects.create(name="taken")
        tag = Tag.objects.create(name="free")
        seen = watch(Tag, "name", note=lambda named: named["instance"].name)
        for name in ("taken", "taken", "free", "new"):
            tag.name = name
            try:
                with transaction.atomic():
                    tag.save()
            except IntegrityError:
                assert name == "taken"
        assert seen == ["new"]

    def test_what_failed_saves_leave_behind_is_bounded(self) -> None:
        Tag.objects.create(name="taken")
        tag = Tag.objects.create(name="free")
        watch(Tag, "name")

        def fail(depth: int) -> None:
            if depth:
                fail(depth - 1)
                return
            with pytest.raises(IntegrityError), transaction.atomic():
                tag.save()

        tag.name = "taken"
        for depth in range(20):
            fail(depth)
        assert len(changed._saves[tag._state]) == 1

    def test_an_update_that_does_not_ask_leaves_nothing_behind(self, book: Book) -> None:
        """Frames come back at the same address: what one save read is not another's."""
        seen = watch(Book, "status")
        book.status = "sold"
        book.save()
        Book.objects.filter(pk=book.pk).update(status="draft")
        for _ in range(3):
            book.save(update_fields=["stock"])
        assert len(seen) == 1

    def test_nothing_outlives_the_object(self) -> None:
        watch(Tag, "name")
        tag = Tag.objects.create(name="a")
        gc.collect()
        before = len(changed._saves)
        tag.save()
        assert len(changed._saves) == before + 1
        del tag
        assert len(changed._saves) == before

    def test_pickles_and_copies_carry_nothing(self, book: Book) -> None:
        watch(Book, "status")
        plain = pickle.dumps(book)
        book.save()
        assert len(pickle.dumps(book)) == len(plain)
        twins = [copy.copy(book), copy.deepcopy(book), pickle.loads(pickle.dumps(book))]
        for twin in twins:
            assert twin._state not in changed._saves

    def test_a_copy_saved_inside_the_save_of_its_original(self, book: Book) -> None:
        def save_copy(instance: Book) -> None:
            twin = copy.copy(instance)
            twin.stock = 99
            twin.save()

        self.nest(pre_save, save_copy)
        seen = watch(Book, "stock", note=lambda named: named["instance"] is book)
        book.save()
        assert seen == [False, True]


@both_aliases
def test_threads_that_are_no_more_leave_nothing_behind() -> None:
    book = Book.objects.create(title="Lathe")
    watch(Book, "status")

    def save() -> None:
        try:
            book.save()
        finally:
            connections.close_all()

    for _ in range(5):
        thread = threading.Thread(target=save)
        thread.start()
        thread.join()
    book.save()
    assert len(changed._saves[book._state]) == 1


def test_a_model_is_watched_while_another_thread_looks() -> None:
    before = changed._watched.get(Tag)
    changed.watch(Tag, ["name"])
    looking = iter(changed._watched[Tag])
    changed.watch(Tag, ["id"])
    assert list(looking) == ["name"]
    changed.unwatch(Tag, ["name", "id"])
    assert changed._watched.get(Tag) == before


@both_aliases
def test_one_object_saved_by_two_threads_at_once() -> None:
    book = Book.objects.create(title="Lathe", status="draft")
    Book.objects.using("other").create(pk=book.pk, title="Lathe", status="draft")
    seen = watch(Book, "status", note=lambda named: named["update_fields"])
    read, saved = threading.Event(), threading.Event()
    main = threading.get_ident()

    def wait(update_fields: Any, **kwargs: Any) -> None:
        if threading.get_ident() == main:
            read.set()
            assert saved.wait(20)

    def save_elsewhere() -> None:
        try:
            assert read.wait(20)
            book.save(update_fields=["title", "status"], using="other")
        finally:
            connections.close_all()
            saved.set()

    # After the stored values were read, and before they are compared.
    listen(pre_save, Book, note=lambda named: wait(**named))
    thread = threading.Thread(target=save_elsewhere)
    thread.start()
    book.status = "sold"
    book.save(update_fields=["status"])
    thread.join()
    assert sorted(map(sorted, seen)) == [["status"], ["status", "title"]]


class TestCost:
    def test_models_that_nobody_watches(self) -> None:
        watch(Book, "status")
        tag = Tag.objects.create(name="a")
        with queries() as captured:
            tag.save()
        assert len(captured) == 1

    def test_creations(self) -> None:
        watch(Book, "status")
        watch(Ticket, "state")
        watch(Coin, "number")
        with queries() as captured:
            Book.objects.create(title="New")
            Ticket.objects.create()
            Coin().save()
        assert len(captured) == 3

    def test_one_query_for_all_receivers(self, book: Book) -> None:
        for names in (["status"], ["stock", "price"], ["author"], ["status"]):
            watch(Book, *names)
            watch(Book, *names, signal=pre_save)
        with queries() as captured:
            book.save()
        assert len(captured) == 2
        read = captured[0]["sql"]
        assert "SELECT" in read
        assert "title" not in read

    def test_update_fields_that_nobody_watches(self, book: Book) -> None:
        watch(Book, "status")
        with queries() as captured:
            book.save(update_fields=["title", "stock"])
        assert len(captured) == 1

    def test_update_fields_narrow_the_query(self, book: Book) -> None:
        watch(Book, "status", "price")
        with queries() as captured:
            book.save(update_fields=["price", "title"])
        assert len(captured) == 2
        assert "status" not in captured[0]["sql"]

    def test_nothing_once_the_receiver_is_gone(self, book: Book) -> None:
        first, second = watch(Book, "status"), watch(Book, "status")
        for declaration in registry.all()[-2:]:
            registry.remove(declaration)
        with queries() as captured:
            book.save()
        assert len(captured) == 1
        assert first == second == []

    def test_one_of_two_receivers_gone(self, book: Book) -> None:
        watch(Book, "status", "price")
        kept = watch(Book, "status")
        registry.remove(registry.all()[-2])
        book.status = "sold"
        with queries() as captured:
            book.save()
        assert len(kept) == 1
        assert "price" not in captured[0]["sql"]

    def test_nothing_under_the_kill_switch(self, book: Book) -> None:
        watch(Book, "status")
        with override_settings(SIGNALKIT={"ENABLED": False}), queries() as captured:
            book.save()
        assert len(captured) == 1

    def test_a_fixture_for_a_key_with_a_default(self) -> None:
        """Django does try an UPDATE then."""
        ticket = Ticket.objects.create()
        seen = watch(Ticket, "state")
        twin = Ticket(pk=ticket.pk, state="closed")
        twin.save_base(raw=True)
        assert len(seen) == 1

    def test_the_query_is_on_the_alias_of_the_save(self, book: Book) -> None:
        watch(Book, "status")
        with queries("other") as captured:
            book.save()
        assert len(captured) == 0
        assert connection.alias == "default"
