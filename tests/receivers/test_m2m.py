"""Many-to-many relations: what was gained and lost, from whichever side, in whatever way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from asgiref.sync import async_to_sync
from django.core import serializers
from django.db import transaction
from django.db.models.signals import m2m_changed
from django.dispatch import Signal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signalkit import Phase
from signalkit.builtin_events import M2MChanged
from signalkit.exceptions import DeclarationError, SenderError, UnknownOption
from signalkit.receivers import Links, M2MChange, M2MReceiver
from signalkit.receivers.m2m_steps import SetCall, _kept
from signalkit.registry import registry
from tests.dispatch.models import Page
from tests.dispatch.recording import both_aliases, queries, undone
from tests.receivers.models import Club, Errand, Label, Membership, Parcel, Person
from tests.testapp.models import Book, Tag

pytestmark = pytest.mark.django_db(databases=["default", "other"])

Told = tuple[str, set[tuple[Any, Any]]]


def pairs(links: Links[Any, Any]) -> set[tuple[Any, Any]]:
    return {*links.pairs}


def hear(named: Any = Book, relation: Any = "tags", **options: Any) -> list[Told]:
    """Declare a receiver with all three hooks; return the list to which it adds what it is told."""
    told: list[Told] = []

    def added(self: Any, links: Links[Any, Any]) -> None:
        told.append(("added", pairs(links)))

    def removed(self: Any, links: Links[Any, Any]) -> None:
        told.append(("removed", pairs(links)))

    def cleared(self: Any, links: Links[Any, Any]) -> None:
        told.append(("cleared", pairs(links)))

    body = {
        "__module__": __name__,
        "model": named,
        "field": relation,
        "on_added": added,
        "on_removed": removed,
        "on_cleared": cleared,
        **options,
    }
    type("Heard", (M2MReceiver,), body)
    return told


def hear_calls(named: Any = Book, relation: str = "tags", **options: Any) -> list[Any]:
    """Declare a receiver of whole calls; return the list to which it adds them."""
    calls: list[Any] = []

    def changed(self: Any, event: M2MChange[Any, Any]) -> None:
        calls.append((event.change, pairs(event.added), pairs(event.removed)))

    body = {"__module__": __name__, "model": named, "field": relation, "on_changed": changed}
    type("HeardCalls", (M2MReceiver,), {**body, **options})
    return calls


@pytest.fixture
def book() -> Book:
    return Book.objects.create(title="The Lathe")


@pytest.fixture
def tags() -> list[Tag]:
    return [Tag.objects.create(name=name) for name in "abc"]


class TestFromTheSideOfTheField:
    def test_add(self, book: Book, tags: list[Tag]) -> None:
        told = hear()
        book.tags.add(tags[0], tags[1].pk)
        assert told == [("added", {(book.pk, tags[0].pk), (book.pk, tags[1].pk)})]

    def test_what_is_there_already_is_not_added(self, book: Book, tags: list[Tag]) -> None:
        told = hear()
        book.tags.add(tags[0])
        book.tags.add(tags[0])
        book.tags.add(tags[0], tags[1])
        assert told == [
            ("added", {(book.pk, tags[0].pk)}),
            ("added", {(book.pk, tags[1].pk)}),
        ]

    def test_remove(self, book: Book, tags: list[Tag]) -> None:
        book.tags.add(*tags)
        told = hear()
        book.tags.remove(tags[0], str(tags[1].pk))  # type: ignore[arg-type]
        assert told == [("removed", {(book.pk, tags[0].pk), (book.pk, tags[1].pk)})]

    def test_what_was_not_there_is_not_removed(self, book: Book, tags: list[Tag]) -> None:
        book.tags.add(tags[0])
        told = hear()
        book.tags.remove(*tags)
        book.tags.remove(*tags)
        assert told == [("removed", {(book.pk, tags[0].pk)})]

    def test_clear_with_what_was_there(self, book: Book, tags: list[Tag]) -> None:
        book.tags.add(*tags[:2])
        told = hear()
        book.tags.clear()
        book.tags.clear()
        assert told == [("cleared", {(book.pk, tags[0].pk), (book.pk, tags[1].pk)})]

    def test_create(self, book: Book) -> None:
        told = hear()
        tag = book.tags.create(name="new")
        assert told == [("added", {(book.pk, tag.pk)})]


class TestFromTheOtherSide:
    """The same, presented in the same way."""

    def test_add(self, book: Book, tags: list[Tag]) -> None:
        told = hear()
        tags[0].books.add(book)
        assert told == [("added", {(book.pk, tags[0].pk)})]

    def test_remove_and_clear(self, book: Book, tags: list[Tag]) -> None:
        another = Book.objects.create(title="Another")
        tags[0].books.add(book, another)
        told = hear()
        tags[0].books.remove(book)
        tags[0].books.clear()
        assert told == [
            ("removed", {(book.pk, tags[0].pk)}),
            ("cleared", {(another.pk, tags[0].pk)}),
        ]

    def test_set(self, book: Book, tags: list[Tag]) -> None:
        another = Book.objects.create(title="Another")
        tags[0].books.add(book)
        calls = hear_calls()
        tags[0].books.set([another])
        assert calls == [("set", {(another.pk, tags[0].pk)}, {(book.pk, tags[0].pk)})]

    def test_the_model_that_is_named_is_the_owner(self, book: Book, tags: list[Tag]) -> None:
        told = hear("testapp.Tag", "books")
        book.tags.add(tags[0])
        tags[0].books.clear()
        assert told == [
            ("added", {(tags[0].pk, book.pk)}),
            ("cleared", {(tags[0].pk, book.pk)}),
        ]


class TestLinks:
    def test_objects_of_both_sides(self, book: Book, tags: list[Tag]) -> None:
        seen: list[object] = []

        class Heard(M2MReceiver[Book, Tag]):
            model = Book
            field = "tags"

            def on_added(self, links: Links[Book, Tag]) -> None:
                with queries() as sent:
                    owners = links.owners
                with queries() as more:
                    related = links.related
                seen.append((owners, sorted(tag.name for tag in related), len(sent), len(more)))
                seen.append(owners[0] is book)

        tags[0].books.add(book)
        assert seen == [([book], ["a"], 1, 0), False]
        seen.clear()
        book.tags.add(*tags)
        assert seen == [([book], ["b", "c"], 0, 1), True]

    def test_the_alias(self) -> None:
        seen: list[Any] = []

        class Heard(M2MReceiver[Book, Tag]):
            model = Book
            field = "tags"

            def on_added(self, links: Links[Book, Tag]) -> None:
                seen.append((links.using, [each._state.db for each in links.related]))

            on_removed = on_added

        book = Book.objects.using("other").create(title="The Lathe")
        tag = Tag.objects.using("other").create(name="a")
        with queries("default") as sent:
            book.tags.add(tag)
            book.tags.clear()
        assert seen == [("other", ["other"])] * 2
        assert len(sent) == 0

    def test_none_are_false(self, book: Book, tags: list[Tag]) -> None:
        seen: list[tuple[bool, bool]] = []

        class Heard(M2MReceiver[Book, Tag]):
            model = Book
            field = "tags"

            def on_changed(self, event: M2MChange[Book, Tag]) -> None:
                seen.append((bool(event.added), bool(event.removed)))

        book.tags.add(tags[0])
        book.tags.clear()
        assert seen == [(True, False), (False, True)]


@both_aliases
class TestSet:
    def test_is_one_call(self, book: Book, tags: list[Tag]) -> None:
        a, b, c = (tag.pk for tag in tags)
        book.tags.add(a, b)
        calls = hear_calls()
        book.tags.set([b, c])
        assert calls == [("set", {(book.pk, c)}, {(book.pk, a)})]

    def test_in_parts_for_the_other_hooks(self, book: Book, tags: list[Tag]) -> None:
        a, b, c = (tag.pk for tag in tags)
        book.tags.add(a, b)
        told = hear()
        book.tags.set([b, c])
        assert told == [("removed", {(book.pk, a)}), ("added", {(book.pk, c)})]

    def test_only_removals_and_only_additions(self, book: Book, tags: list[Tag]) -> None:
        a, b, _ = (tag.pk for tag in tags)
        calls = hear_calls()
        book.tags.set([a, b])
        book.tags.set([a])
        book.tags.set([a])
        book.tags.set([])
        assert calls == [
            ("set", {(book.pk, a), (book.pk, b)}, set()),
            ("set", set(), {(book.pk, b)}),
            ("set", set(), {(book.pk, a)}),
        ]

    def test_clear_is_told_by_its_result(self, book: Book, tags: list[Tag]) -> None:
        a, b, c = (tag.pk for tag in tags)
        book.tags.add(a, b)
        calls = hear_calls()
        book.tags.set([b, c], clear=True)
        book.tags.set([b, c], clear=True)
        book.tags.set([], clear=True)
        assert calls == [
            ("set", {(book.pk, c)}, {(book.pk, a)}),
            ("set", set(), {(book.pk, b), (book.pk, c)}),
        ]

    def test_the_same_object_twice(self, book: Book, tags: list[Tag]) -> None:
        calls = hear_calls()
        book.tags.set([tags[0], tags[0]])
        assert calls == [("set", {(book.pk, tags[0].pk)}, set())]

    @pytest.mark.parametrize("phase", [Phase.BEFORE_COMMIT, Phase.AFTER_COMMIT])
    def test_in_later_phases(self, book: Book, tags: list[Tag], phase: Phase) -> None:
        a, b, c = (tag.pk for tag in tags)
        book.tags.add(a, b)
        calls = hear_calls(phase=phase)
        with transaction.atomic():
            book.tags.set([b, c])
            with undone():
                book.tags.clear()
            assert calls == []
        assert calls == [("set", {(book.pk, c)}, {(book.pk, a)})]

    def test_in_a_coroutine(self, book: Book, tags: list[Tag]) -> None:
        a, b, c = (tag.pk for tag in tags)
        book.tags.add(a, b)
        calls = hear_calls()
        async_to_sync(book.tags.aset)([b, c])
        assert calls == [("set", {(book.pk, c)}, {(book.pk, a)})]

    def test_one_that_a_receiver_of_it_calls(self, book: Book, tags: list[Tag]) -> None:
        """What is changed inside of a set() is no part of it."""
        a, b, c = (tag.pk for tag in tags)
        another = Book.objects.create(title="Another")
        another.tags.add(a)
        book.tags.add(a)
        calls = hear_calls()

        def follow(instance: Any, action: str, **kwargs: Any) -> None:
            if instance is book and action == "post_remove":
                another.tags.set([c])
                another.tags.add(b)

        m2m_changed.connect(follow, sender=Book.tags.through)
        try:
            book.tags.set([b])
        finally:
            m2m_changed.disconnect(follow, sender=Book.tags.through)
        assert calls == [
            ("set", {(another.pk, c)}, {(another.pk, a)}),
            ("add", {(another.pk, b)}, set()),
            ("set", {(book.pk, b)}, {(book.pk, a)}),
        ]

    def test_one_that_fails_half_way_is_forgotten(self, book: Book, tags: list[Tag]) -> None:
        a, b, c = (tag.pk for tag in tags)
        book.tags.add(a, b)
        calls = hear_calls()

        def refuse(action: str, **kwargs: Any) -> None:
            if action == "pre_add":
                raise LookupError

        m2m_changed.connect(refuse, sender=Book.tags.through)
        try:
            with pytest.raises(LookupError):
                book.tags.set([b, c])
        finally:
            m2m_changed.disconnect(refuse, sender=Book.tags.through)
        assert calls == []
        book.tags.set([a, b, c])
        book.tags.set([a, c])
        assert calls == [
            ("set", {(book.pk, c)}, set()),
            ("set", set(), {(book.pk, b)}),
        ]

    def test_what_failed_is_not_taken_for_a_part_of_a_later_one(
        self, book: Book, tags: list[Tag], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Python may give the frame of a later call the identity of one that has ended."""
        monkeypatch.setattr(SetCall, "key", "always the same")
        a, b, c = (tag.pk for tag in tags)
        book.tags.set([a])
        calls = hear_calls()

        def refuse(action: str, **kwargs: Any) -> None:
            if action == "pre_add":
                raise LookupError

        m2m_changed.connect(refuse, sender=Book.tags.through)
        try:
            with pytest.raises(LookupError):
                book.tags.set([b])
        finally:
            m2m_changed.disconnect(refuse, sender=Book.tags.through)
        book.tags.set([a, c])
        book.tags.set([b])
        assert calls == [
            ("set", {(book.pk, c)}, set()),
            ("set", {(book.pk, b)}, {(book.pk, a), (book.pk, c)}),
        ]

    def test_a_removal_that_fails_is_forgotten(self, book: Book, tags: list[Tag]) -> None:
        a, b, _ = (tag.pk for tag in tags)
        book.tags.add(a, b)
        told = hear(order=-1)

        def refuse(action: str, **kwargs: Any) -> None:
            if action == "pre_remove":
                raise LookupError

        m2m_changed.connect(refuse, sender=Book.tags.through)
        try:
            with pytest.raises(LookupError):
                book.tags.remove(a)
        finally:
            m2m_changed.disconnect(refuse, sender=Book.tags.through)
        book.tags.remove(b)
        assert told == [("removed", {(book.pk, b)})]


class TestOtherShapes:
    def test_a_relation_to_the_same_model(self) -> None:
        pages: list[Any] = [Page.objects.create(name=name) for name in "123"]
        one, two, three = pages
        told = hear(Page, "see_also")
        one.see_also.add(two)
        three.page_set.add(one)
        two.page_set.clear()
        one.see_also.set([two])
        assert told == [
            ("added", {(one.pk, two.pk)}),
            ("added", {(one.pk, three.pk)}),
            ("cleared", {(one.pk, two.pk)}),
            ("removed", {(one.pk, three.pk)}),
            ("added", {(one.pk, two.pk)}),
        ]

    def test_a_symmetrical_relation_is_told_once(self) -> None:
        one, two, three = (Person.objects.create(name=name) for name in "123")
        told = hear(Person, "friends")
        one.friends.add(two, three)
        two.friends.remove(one)
        one.friends.clear()
        assert told == [
            ("added", {(one.pk, two.pk), (one.pk, three.pk)}),
            ("removed", {(two.pk, one.pk)}),
            ("cleared", {(one.pk, three.pk)}),
        ]

    def test_an_intermediate_model_that_refers_to_no_primary_key(self) -> None:
        seen: list[Any] = []

        class Heard(M2MReceiver[Club, Person]):
            model = Club
            field = "members"

            def on_added(self, links: Links[Club, Person]) -> None:
                seen.append((pairs(links), links.owners, links.related))

            on_removed = on_added

        chess, go = (Club.objects.create(code=code) for code in ("chess", "go"))
        ann: Any = Person.objects.create(name="Ann")
        chess.members.add(ann, through_defaults={"role": "chair"})
        ann.clubs.set([go])
        go.members.remove(ann)
        assert seen == [
            ({("chess", ann.pk)}, [chess], [ann]),
            ({("chess", ann.pk)}, [chess], [ann]),
            ({("go", ann.pk)}, [go], [ann]),
            ({("go", ann.pk)}, [go], [ann]),
        ]
        assert Membership._default_manager.count() == 0

    def test_what_a_manager_hides_is_not_removed(self) -> None:
        """Django leaves the rows alone whose object the default manager does not show."""
        shown = Label.objects.create(name="shown")
        hidden = Label.everything.create(name="hidden", is_hidden=True)
        parcel = Parcel.objects.create()
        parcel.labels.add(shown, hidden)
        told = hear(Parcel, "labels")
        parcel.labels.remove(shown, hidden)
        assert told == [("removed", {(parcel.pk, shown.pk)})]
        assert Parcel.labels.through.objects.count() == 1

    def test_an_inherited_field(self, tags: list[Tag]) -> None:
        from tests.testapp.models import Audiobook

        told = hear("testapp.Audiobook")
        audiobook = Audiobook.objects.create(title="Read aloud")
        audiobook.tags.add(tags[0])
        assert told == [("added", {(audiobook.pk, tags[0].pk)})]

    @both_aliases
    def test_a_row_that_is_gone_by_the_commit(self, book: Book, tags: list[Tag]) -> None:
        told = hear(phase=Phase.AFTER_COMMIT)
        pk, tag_pk = book.pk, tags[0].pk
        with transaction.atomic():
            book.tags.add(tags[0])
            book.delete()
        assert told == [("added", {(pk, tag_pk)})]


class TestWhatIsLeftAlone:
    def test_fixtures(self, book: Book, tags: list[Tag]) -> None:
        book.tags.add(tags[0])
        told, raw = hear(), hear(name="test.raw", raw=True)
        text = serializers.serialize("json", [book])
        book.tags.clear()
        told.clear()
        raw.clear()
        for each in serializers.deserialize("json", text):
            each.save()
        assert told == []
        assert raw == [("added", {(book.pk, tags[0].pk)})]

    def test_an_action_that_is_not_djangos(self, book: Book) -> None:
        calls = hear_calls()
        m2m_changed.send(
            Book.tags.through,
            action="post_sort",
            instance=book,
            reverse=False,
            model=Tag,
            pk_set={1},
            using="default",
        )
        assert calls == []

    def test_a_condition_sees_what_the_hooks_see(self, book: Book, tags: list[Tag]) -> None:
        told = hear(when=lambda self, event: tags[0].pk in event.added.related_pks)
        book.tags.add(tags[1])
        book.tags.add(tags[0])
        book.tags.clear()
        assert told == [("added", {(book.pk, tags[0].pk)})]

    def test_nothing_is_kept_once_it_is_over(self, book: Book, tags: list[Tag]) -> None:
        hear()
        book.tags.add(*tags)
        book.tags.set([tags[0]])
        book.tags.set([tags[1]])
        book.tags.set([tags[2]], clear=True)
        book.tags.remove(tags[2])
        book.tags.clear()
        assert not _kept.get(book._state)


class TestCost:
    def test_queries(self, book: Book, tags: list[Tag]) -> None:
        def counts() -> list[int]:
            found = []
            calls: list[Callable[[], object]] = [
                lambda: book.tags.add(*tags),
                lambda: book.tags.remove(tags[0]),
                lambda: book.tags.remove(tags[0]),
                book.tags.clear,
            ]
            for call in calls:
                with queries() as sent:
                    call()
                found.append(len([each for each in sent if "SAVEPOINT" not in each["sql"]]))
            return found

        # Django itself asks what is there already as soon as anybody listens.
        m2m_changed.connect(print_nothing, sender=Book.tags.through)
        try:
            plain = counts()
            hear()
            with_ours = counts()
        finally:
            m2m_changed.disconnect(print_nothing, sender=Book.tags.through)
        extra = [ours - theirs for ours, theirs in zip(with_ours, plain, strict=True)]
        assert extra == [0, 2, 1, 2]


def print_nothing(**kwargs: Any) -> None: ...


class TestByHand:
    def test_outside_of_a_send(self, book: Book, tags: list[Tag]) -> None:
        """As somebody may test a receiver: no frame of Django's is there to be looked at."""

        class Heard(M2MReceiver[Book, Tag], abstract=True):
            model = Book
            field = "tags"
            sender = "testapp.Book.tags"

        sent: dict[str, Any] = {"instance": book, "reverse": False, "using": "default"}
        event: M2MChanged[Book] = M2MChanged(
            m2m_changed, Book.tags.through, {**sent, "action": "post_add", "pk_set": {tags[0].pk}}
        )
        change = Heard().at_send(event)
        assert change is not None
        assert (change.change, pairs(change.added)) == ("add", {(book.pk, tags[0].pk)})


class TestHooks:
    def test_a_cleared_relation_is_a_removal_by_default(self, book: Book, tags: list[Tag]) -> None:
        seen: list[Any] = []

        class Heard(M2MReceiver[Book, Tag]):
            model = Book
            field = "tags"

            def on_removed(self, links: Links[Book, Tag]) -> None:
                seen.append(pairs(links))

        book.tags.add(tags[0])
        book.tags.clear()
        assert seen == [{(book.pk, tags[0].pk)}]

    def test_coroutine_functions(self, book: Book, tags: list[Tag]) -> None:
        seen: list[Any] = []

        class Heard(M2MReceiver[Book, Tag]):
            model = Book
            field = "tags"

            async def on_added(self, links: Links[Book, Tag]) -> None:
                seen.append(("added", [tag async for tag in Tag.objects.all()]))

            async def on_removed(self, links: Links[Book, Tag]) -> None:
                seen.append("removed")

        book.tags.add(tags[0])
        book.tags.clear()
        assert seen == [("added", tags), "removed"]

    def test_both_kinds(self, book: Book, tags: list[Tag]) -> None:
        seen: list[str] = []

        class Heard(M2MReceiver[Book, Tag]):
            model = Book
            field = "tags"

            def on_added(self, links: Links[Book, Tag]) -> None:
                seen.append("added")

            def on_changed(self, event: M2MChange[Book, Tag]) -> None:
                seen.append("changed")
                super().on_changed(event)

        book.tags.add(tags[0])
        assert seen == ["changed", "added"]

    def test_a_child_of_a_receiver(self, book: Book, tags: list[Tag]) -> None:
        seen: list[str] = []

        class Parent(M2MReceiver[Any, Any]):
            model: ClassVar[Any] = Book
            field: ClassVar[str | None] = "tags"

            def on_added(self, links: Links[Any, Any]) -> None:
                seen.append(type(self).__name__)

        class Child(Parent):
            model = Page
            field = "see_also"

        book.tags.add(tags[0])
        page = Page.objects.create(name="1")
        page.see_also.add(page)
        assert seen == ["Parent", "Child"]


class TestRefusals:
    def test_no_hook(self) -> None:
        with pytest.raises(DeclarationError, match="at least one of on_added, on_removed"):

            class Heard(M2MReceiver[Book, Tag]):
                model = Book
                field = "tags"

    @pytest.mark.parametrize("given", [None, "Book", Signal(), int])
    def test_no_model(self, given: Any) -> None:
        with pytest.raises(DeclarationError, match=r"expected a model, 'app_label.ModelName'"):
            hear(given)

    @pytest.mark.parametrize("given", [None, "book.tags", ("tags",)])
    def test_no_field(self, given: Any) -> None:
        with pytest.raises(DeclarationError, match="expected the name of one field, such as"):
            hear(Book, given)

    def test_a_field_that_is_no_such(self) -> None:
        with pytest.raises(SenderError, match="names no many-to-many field"):
            hear(Book, "title")

    def test_another_kind_of_field(self) -> None:
        with pytest.raises(DeclarationError, match="is a TagsField; expected a ManyToManyField"):
            hear(Errand, "words")

    @pytest.mark.parametrize("option", ["sender", "signal"])
    def test_what_follows_from_the_rest(self, option: str) -> None:
        with pytest.raises(DeclarationError, match=f"sets {option}, which follows from"):
            hear(**{option: Book})

    def test_a_misspelt_hook(self) -> None:
        with pytest.raises(UnknownOption, match=r"writes on_add\(\).*Did you mean 'on_added'"):
            hear(on_add=lambda self, links: None)

    def test_a_hook_that_takes_no_links(self) -> None:
        with pytest.raises(DeclarationError, match="on_added cannot be called with one event"):
            hear(on_added=lambda self: None)


OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(["add", "remove", "set", "set_clear", "clear"]),
        st.booleans(),
        st.integers(0, 2),
        st.sets(st.integers(0, 2)),
        st.sampled_from(["plain", "atomic", "undone"]),
    ),
    max_size=8,
)


@both_aliases
@pytest.mark.parametrize("relation", ["tags", "see_also"])
@given(operations=OPERATIONS)
@settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
def test_what_is_told_makes_the_table(
    relation: str, operations: list[tuple[str, bool, int, set[int], str]]
) -> None:
    """Whatever is called on either side, the pairs told of are those that are in the table.

    Those of what was rolled back are taken out by the phase; a pair is never added twice.
    """
    before = registry.all()
    named: Any = Book if relation == "tags" else Page
    inline: Counter[tuple[Any, Any]] = Counter()
    committed: Counter[tuple[Any, Any]] = Counter()

    def receiver(pairs_of: Counter[tuple[Any, Any]], **options: Any) -> None:
        def added(self: Any, links: Links[Any, Any]) -> None:
            pairs_of.update(links.pairs)

        def removed(self: Any, links: Links[Any, Any]) -> None:
            pairs_of.subtract(links.pairs)

        body = {"__module__": __name__, "model": named, "field": relation, **options}
        type("Heard", (M2MReceiver,), {**body, "on_added": added, "on_removed": removed})

    receiver(inline, name="test.inline")
    receiver(committed, name="test.committed", phase=Phase.AFTER_COMMIT)
    through: Any = getattr(named, relation).through
    try:
        if relation == "tags":
            owners: list[Any] = [Book.objects.create(title=str(n)) for n in range(3)]
            related: list[Any] = [Tag.objects.create(name=str(n)) for n in range(3)]
            names, back = ("book_id", "tag_id"), "books"
        else:
            owners = related = [Page.objects.create(name=str(n)) for n in range(3)]
            names, back = ("from_page_id", "to_page_id"), "page_set"

        def table() -> set[tuple[Any, Any]]:
            return {*through.objects.values_list(*names)}

        for operation, from_behind, index, others, how in operations:
            ours, theirs = (related, owners) if from_behind else (owners, related)
            manager = getattr(ours[index], back if from_behind else relation)
            some = [theirs[n] for n in others]

            def call(manager: Any = manager, some: Any = some, operation: str = operation) -> None:
                if operation == "clear":
                    manager.clear()
                elif operation.startswith("set"):
                    manager.set(some, clear=operation == "set_clear")
                else:
                    getattr(manager, operation)(*some)

            if how == "plain":
                call()
            elif how == "atomic":
                with transaction.atomic():
                    call()
            else:
                inline_before = inline.copy()
                with undone():
                    call()
                    assert {pair for pair, count in inline.items() if count} == table()
                inline.clear()
                inline.update(inline_before)
            for told in (inline, committed):
                assert {*told.values()} <= {0, 1}
                assert {pair for pair, count in told.items() if count} == table()
    finally:
        for declaration in registry.all():
            if declaration not in before:
                registry.remove(declaration)
        through.objects.all().delete()
        named.objects.all().delete()
        Tag.objects.all().delete()
