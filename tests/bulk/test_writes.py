"""What the bulk signals carry, for each of the ways in which Django writes many rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import FieldDoesNotExist
from django.db import connection
from django.db.models import Case, F, QuerySet, Value, When

from signalkit import bulk
from tests.bulk.models import Item, Note, Part, Shelf
from tests.bulk.recording import ALL, BULK_UPDATE, CREATE, UPDATE, names, payloads, told
from tests.dispatch.models import Line
from tests.dispatch.recording import both_aliases, listen, queries, real_commits
from tests.testapp.models import Article, Audiobook, Author, Bestseller, Book, Tag, Ticket

pytestmark = real_commits

HEARD = ["pre_update", "post_update"]


class TestUpdate:
    def test_what_it_carries(self) -> None:
        first, second = Tag.objects.create(name="a"), Tag.objects.create(name="b")
        pre, post = payloads(Tag, UPDATE[:1]), payloads(Tag, UPDATE[1:])

        assert Tag.objects.filter(name="a").update(name="c") == 1

        common = {"sender": Tag, "values": {"name": "c"}, "fields": ("name",), "using": "default"}
        assert pre == [{**common, "queryset": [first]}]
        assert post == [{**common, "rows": 1, "pks": None}]
        first.refresh_from_db()
        second.refresh_from_db()
        assert (first.name, second.name) == ("c", "b")

    def test_of_no_rows(self) -> None:
        post = payloads(Tag, UPDATE[1:])

        assert Tag.objects.update(name="c") == 0

        assert [each["rows"] for each in post] == [0]

    def test_the_values_cannot_be_changed(self) -> None:
        seen = listen(bulk.pre_update, Tag, note=lambda named: named["values"])
        Tag.objects.update(name="c")

        with pytest.raises(TypeError):
            seen[0]["name"] = "d"

    def test_expressions_come_as_they_were_given(self) -> None:
        book = Book.objects.create(title="a", stock=3)
        post = payloads(Book, UPDATE[1:])
        more = F("stock") + 1
        case = Case(When(stock__gt=1, then=Value("many")), default=Value("few"))

        Book.objects.update(stock=more, status=case)

        book.refresh_from_db()
        assert (book.stock, book.status) == (4, "many")
        assert post[0]["values"] == {"stock": more, "status": case}
        assert post[0]["fields"] == ("stock", "status")

    @pytest.mark.parametrize("keyword", ["author", "author_id"])
    def test_a_field_is_called_by_its_name(self, keyword: str) -> None:
        author = Author.objects.create(name="Ada")
        Book.objects.create(title="a")
        post = payloads(Book, UPDATE[1:])

        Book.objects.update(**{keyword: author.pk})

        assert post[0]["values"] == {"author": author.pk}
        assert post[0]["fields"] == ("author",)

    def test_with_annotations_joins_and_an_order(self) -> None:
        author = Author.objects.create(name="Ada")
        book = Book.objects.create(title="a", author=author)
        pre, post = payloads(Book, UPDATE[:1]), payloads(Book, UPDATE[1:])

        rows = Book.objects.annotate(more=F("stock") + 1).order_by("more")
        assert rows.filter(author__name="Ada").update(stock=F("more")) == 1

        assert pre[0]["queryset"] == [book]
        assert post[0]["rows"] == 1

    def test_a_queryset_that_was_evaluated(self) -> None:
        Tag.objects.create(name="a")
        pre = payloads(Tag, UPDATE[:1])
        rows = Tag.objects.all()
        assert len(rows) == 1
        late = Tag.objects.create(name="b")

        rows.update(name=F("name"))

        assert late in pre[0]["queryset"]

    @pytest.mark.parametrize(
        ("update", "error"),
        [
            (lambda: Tag.objects.all()[:1].update(name="x"), TypeError),
            (lambda: Tag.objects.union(Tag.objects.all()).update(name="x"), Exception),
            (lambda: Tag.objects.update(nmae="x"), FieldDoesNotExist),  # type: ignore[misc]
        ],
    )
    def test_what_django_refuses_is_not_told(
        self, update: Callable[[], int], error: type[Exception]
    ) -> None:
        seen = names(Tag)

        with pytest.raises(error):
            update()

        assert seen == []

    def test_of_nothing_is_not_told(self) -> None:
        Tag.objects.create(name="a")
        seen = names(Tag)

        Tag.objects.update()

        assert seen == []

    def test_a_child_is_its_own_sender(self) -> None:
        audiobook = Audiobook.objects.create(title="a", minutes=3)
        seen = listen(list(UPDATE), [Book, Audiobook, Bestseller], note=told)

        Audiobook.objects.update(title="b", minutes=4)
        Bestseller.objects.update(title="c")
        Book.objects.update(title="d")

        audiobook.refresh_from_db()
        assert (audiobook.title, audiobook.minutes) == ("d", 4)
        assert seen == [(name, model) for model in (Audiobook, Bestseller, Book) for name in HEARD]

    def test_children_are_heard_with_include_subclasses(self) -> None:
        seen = listen(bulk.post_update, Book, include_subclasses=True, note=told)

        Audiobook.objects.update(title="b")
        Bestseller.objects.update(title="c")

        assert [model for _, model in seen] == [Audiobook, Bestseller]

    def test_async(self) -> None:
        Tag.objects.create(name="a")
        seen = names(Tag)

        assert async_to_sync(Tag.objects.all().aupdate)(name="b") == 1

        assert seen == HEARD


class TestKeys:
    def test_are_those_of_the_rows_that_matched(self) -> None:
        tags = [Tag.objects.create(name=name) for name in "ab"]
        Tag.objects.create(name="z")
        post = payloads(Tag, UPDATE[1:])

        with bulk.watched(Tag, pks=True):
            Tag.objects.filter(name__in="ab").order_by("name").update(name=F("pk"))

        assert set(post[0]["pks"]) == {tag.pk for tag in tags}
        assert post[0]["rows"] == 2

    def test_each_once_though_a_join_finds_a_row_twice(self) -> None:
        book = Book.objects.create(title="a")
        book.tags.set([Tag.objects.create(name=name) for name in "ab"])
        post = payloads(Book, UPDATE[1:])

        with bulk.watched(Book, pks=True):
            Book.objects.filter(tags__name__in="ab").update(title="b")

        assert (post[0]["pks"], post[0]["rows"]) == ((book.pk,), 1)

    def test_of_a_queryset_of_values(self) -> None:
        tag = Tag.objects.create(name="a")
        post = payloads(Tag, UPDATE[1:])

        with bulk.watched(Tag, pks=True):
            Tag.objects.values("name").update(name="b")

        assert post[0]["pks"] == (tag.pk,)

    def test_nothing_is_locked_for_them(self) -> None:
        """An UPDATE skips nobody, and no database refuses it for what it does not look at."""
        tag = Tag.objects.create(name="a")
        post = payloads(Tag, UPDATE[1:])

        with bulk.watched(Tag, pks=True), queries() as sent:
            Tag.objects.select_for_update(skip_locked=True, of=("self",)).update(name="b")

        assert post[0]["pks"] == (tag.pk,)
        assert not [each["sql"] for each in sent if "FOR UPDATE" in each["sql"]]

    def test_of_several_columns(self) -> None:
        Line.objects.bulk_create([Line(invoice=1, number=number) for number in (1, 2)])
        post = payloads(Line, UPDATE[1:])

        with bulk.watched(Line, pks=True):
            Line.objects.filter(number=2).update(quantity=3)

        assert post[0]["pks"] == ((1, 2),)

    def test_after_what_a_receiver_of_pre_update_did(self) -> None:
        Tag.objects.create(name="a")
        listen(
            bulk.pre_update,
            Tag,
            note=lambda named: Tag.objects.bulk_create([Tag(name="late")]),
        )
        post = payloads(Tag, UPDATE[1:])

        with bulk.watched(Tag, pks=True):
            Tag.objects.update(name=F("pk"))

        assert len(post[0]["pks"]) == post[0]["rows"] == 2

    def test_cost_one_query_and_only_when_somebody_listens(self) -> None:
        Tag.objects.create(name="a")
        with bulk.watched(Tag, pks=True):
            names(Tag, UPDATE[:1])
            with queries() as without:
                Tag.objects.update(name="b")
            names(Tag, UPDATE[1:])
            with queries() as with_keys:
                Tag.objects.order_by("name").update(name="c")

        assert len(with_keys) == len(without) + 1
        (select,) = (each["sql"] for each in with_keys if each["sql"].startswith("SELECT"))
        assert "ORDER BY" not in select


class TestBulkCreate:
    def test_what_it_carries(self) -> None:
        pre, post = payloads(Tag, CREATE[:1]), payloads(Tag, CREATE[1:])
        tags = [Tag(name="a"), Tag(name="b")]

        created = Tag.objects.bulk_create(tags, batch_size=1)

        assert [*map(id, created)] == [*map(id, tags)]
        assert pre == post
        (payload,) = post
        assert [*map(id, payload.pop("objs"))] == [*map(id, tags)]
        assert payload == {
            "sender": Tag,
            "batch_size": 1,
            "ignore_conflicts": False,
            "update_conflicts": False,
            "update_fields": None,
            "unique_fields": None,
            "using": "default",
        }

    def test_the_keys_are_there_afterwards_where_the_database_returns_them(self) -> None:
        pre = listen(bulk.pre_bulk_create, Tag, note=lambda named: named["objs"][0].pk)
        post = listen(bulk.post_bulk_create, Tag, note=lambda named: named["objs"][0].pk)

        Tag.objects.bulk_create([Tag(name="a")])

        returned = connection.features.can_return_rows_from_bulk_insert
        assert pre == [None]
        assert post == [Tag.objects.get().pk if returned else None]

    def test_what_a_receiver_sets_beforehand_is_written(self) -> None:
        def rename(named: dict[str, Any]) -> None:
            for tag in named["objs"]:
                tag.name = tag.name.upper()

        listen(bulk.pre_bulk_create, Tag, note=rename)

        Tag.objects.bulk_create([Tag(name="a")])

        assert Tag.objects.get().name == "A"

    @pytest.mark.parametrize("make", [iter, tuple, lambda tags: (tag for tag in tags)])
    def test_any_iterable(self, make: Callable[[list[Tag]], Any]) -> None:
        post = payloads(Tag, CREATE[1:])

        Tag.objects.bulk_create(make([Tag(name="a"), Tag(name="b")]))

        assert [tag.name for tag in post[0]["objs"]] == ["a", "b"]
        assert Tag.objects.count() == 2

    @pytest.mark.parametrize("nothing", [[], (), iter([])])
    def test_of_nothing_is_not_told(self, nothing: Any) -> None:
        expected = Tag.objects.bulk_create(nothing)
        seen = names(Tag)

        result = Tag.objects.bulk_create(nothing)

        assert type(result) is type(expected)
        assert (result is nothing) is (expected is nothing)
        assert seen == []

    def test_ignore_conflicts(self) -> None:
        Tag.objects.create(name="a")
        post = payloads(Tag, CREATE[1:])

        Tag.objects.bulk_create([Tag(name="a"), Tag(name="b")], ignore_conflicts=True)

        assert post[0]["ignore_conflicts"] is True
        assert len(post[0]["objs"]) == 2
        assert Tag.objects.count() == 2

    def test_update_conflicts(self) -> None:
        kept = Ticket.objects.create()
        post = payloads(Ticket, CREATE[1:])
        unique = ["pk"] if connection.features.supports_update_conflicts_with_target else None

        Ticket.objects.bulk_create(
            [Ticket(pk=kept.pk, state="shut"), Ticket(state="new")],
            update_conflicts=True,
            update_fields=iter(["state"]),  # type: ignore[arg-type]
            unique_fields=unique,
        )

        kept.refresh_from_db()
        assert kept.state == "shut"
        assert Ticket.objects.count() == 2
        assert post[0]["update_conflicts"] is True
        assert post[0]["update_fields"] == ("state",)
        assert post[0]["unique_fields"] == (None if unique is None else ("pk",))

    def test_async(self) -> None:
        seen = names(Tag)

        async_to_sync(Tag.objects.all().abulk_create)([Tag(name="a")])

        assert seen == ["pre_bulk_create", "post_bulk_create"]

    def test_what_django_refuses(self) -> None:
        seen = names(Tag, CREATE[1:])

        with pytest.raises(TypeError):
            Tag.objects.bulk_create([Tag(name="a")], batchsize=3)  # type: ignore[call-arg]
        with pytest.raises(ValueError, match="Batch size"):
            Tag.objects.bulk_create([Tag(name="a")], batch_size=-1)

        assert seen == []

    def test_rows_of_a_many_to_many_field(self) -> None:
        book, tag = Book.objects.create(title="a"), Tag.objects.create(name="b")
        through: Any = Book.tags.through
        post = payloads(through, CREATE[1:])

        book.tags.add(tag)

        assert [each.tag_id for each in post[0]["objs"]] == [tag.pk]


class TestBulkUpdate:
    @pytest.fixture
    def tags(self) -> list[Tag]:
        tags = [Tag.objects.create(name=name) for name in "abc"]
        for tag in tags:
            tag.name += tag.name
        return tags

    def test_what_it_carries(self, tags: list[Tag]) -> None:
        pre, post = payloads(Tag, BULK_UPDATE[:1]), payloads(Tag, BULK_UPDATE[1:])

        assert Tag.objects.bulk_update(tags, ["name"], batch_size=2) == 3

        common = {
            "sender": Tag,
            "objs": tuple(tags),
            "fields": ("name",),
            "batch_size": 2,
            "using": "default",
        }
        assert pre == [common]
        assert post == [{**common, "rows": 3}]
        assert {*Tag.objects.values_list("name", flat=True)} == {"aa", "bb", "cc"}

    def test_is_no_update_besides(self, tags: list[Tag]) -> None:
        seen = names(Tag)

        Tag.objects.bulk_update(tags, ["name"], batch_size=1)

        assert seen == ["pre_bulk_update", "post_bulk_update"]

    def test_is_no_update_for_those_who_hear_updates_alone(self, tags: list[Tag]) -> None:
        seen = names(Tag, UPDATE)

        Tag.objects.bulk_update(tags, ["name"])
        assert seen == []

        Tag.objects.update(name=F("pk"))
        assert seen == HEARD

    def test_updates_that_its_receivers_make_are_told(self, tags: list[Tag]) -> None:
        seen = names(Tag, UPDATE)
        listen(bulk.post_bulk_update, Tag, note=lambda named: Tag.objects.update(name=F("pk")))

        Tag.objects.bulk_update(tags, ["name"])

        assert seen == HEARD

    def test_what_a_queryset_of_ones_own_updates_besides_is_told(self) -> None:
        Tag.objects.create(name="a")
        item = Item.objects.create(name="a")
        seen = names([Tag, Item])

        class Eager(QuerySet[Item]):
            def update(self, **kwargs: Any) -> int:
                Tag.objects.update(name="b")
                return super().update(**kwargs)

        Eager(Item).bulk_update([item], ["name"])

        assert seen == ["pre_bulk_update", *HEARD, "post_bulk_update"]

    def test_one_inside_of_another(self) -> None:
        item = Item.objects.create(name="a")
        seen = names(Item)

        class Nested(QuerySet[Item]):
            def update(self, **kwargs: Any) -> int:
                if "name" in kwargs:
                    self.bulk_update([item], ["touched"])
                return super().update(**kwargs)

        Nested(Item).bulk_update([item], ["name"])

        one = ["pre_bulk_update", "post_bulk_update"]
        assert seen == [one[0], *one, one[1]]

    def test_what_a_receiver_sets_beforehand_is_written(self, tags: list[Tag]) -> None:
        def rename(named: dict[str, Any]) -> None:
            for tag in named["objs"]:
                tag.name = tag.name.upper()

        listen(bulk.pre_bulk_update, Tag, note=rename)

        Tag.objects.bulk_update(iter(tags), iter(["name"]))

        assert {*Tag.objects.values_list("name", flat=True)} == {"AA", "BB", "CC"}

    def test_of_nothing_is_not_told(self, tags: list[Tag]) -> None:
        seen = names(Tag)

        assert Tag.objects.bulk_update([], ["name"]) == 0
        with pytest.raises(ValueError, match="Field names"):
            Tag.objects.bulk_update(tags, list(""))
        with pytest.raises(FieldDoesNotExist):
            Tag.objects.bulk_update(tags, list("x"))

        assert seen == []

    def test_a_failure_leaves_no_mark(self, tags: list[Tag]) -> None:
        seen = names(Tag)
        rows = Tag.objects.all()

        with pytest.raises(ValueError, match="primary key"):
            rows.bulk_update([Tag(name="new")], ["name"])
        rows.update(name=F("pk"))

        assert seen == ["pre_bulk_update", *HEARD]

    def test_async(self, tags: list[Tag]) -> None:
        seen = names(Tag)

        assert async_to_sync(Tag.objects.all().abulk_update)(tags, ["name"]) == 3

        assert seen == ["pre_bulk_update", "post_bulk_update"]


class TestNotBulk:
    """What the signals of models tell of already, and what nobody does."""

    @pytest.fixture(autouse=True)
    def seen(self) -> Iterator[list[str]]:
        seen = names([Tag, Book, Author, Article])
        yield seen
        assert seen == []

    def test_save_create_and_delete(self) -> None:
        tag = Tag.objects.create(name="a")
        tag.name = "b"
        tag.save()
        tag.save(update_fields=["name"])
        tag.delete()
        article = Article.objects.create(headline="a")
        article.save(force_update=True)

    def test_get_or_create_and_update_or_create(self) -> None:
        Tag.objects.get_or_create(name="a")
        Tag.objects.get_or_create(name="a")
        Tag.objects.update_or_create(name="a", defaults={"name": "b"})
        Tag.objects.update_or_create(name="a", defaults={"name": "c"})

    def test_raw_sql(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE testapp_tag SET name = 'a'")

    def test_a_delete_of_many(self) -> None:
        author = Author.objects.create(name="Ada")
        Book.objects.bulk_create([], batch_size=3)
        Book.objects.create(title="a", author=author)
        Book.objects.all().delete()
        Author.objects.all().delete()


class TestManagers:
    """All of them end up in the same methods."""

    @pytest.fixture
    def shelf(self) -> Any:
        return Shelf.objects.create(name="a")

    @pytest.fixture
    def item(self) -> Item:
        return Item.objects.create(name="a")

    def test_a_related_manager(self, shelf: Any, item: Item) -> None:
        post = payloads(Item, UPDATE[1:])

        shelf.items.add(item)
        shelf.items.remove(item)
        shelf.items.set([item])
        shelf.items.clear()
        shelf.items.update(name="b")

        values = [each["values"] for each in post]
        # update() of its own queryset class adds what it does, where it is what is called.
        assert [each.get("shelf") for each in values] == [shelf, None, shelf, None, None]
        assert values[-1] == {"touched": True, "name": "b"}

    def test_one_that_saves_each(self, shelf: Any, item: Item) -> None:
        seen = names(Item)

        shelf.items.add(item, bulk=False)
        shelf.items.clear(bulk=False)

        assert seen == []

    def test_the_base_manager_and_the_default_one(self, item: Item) -> None:
        seen = names(Item)

        Item._base_manager.update(name="b")
        Item._default_manager.update(name="c")

        assert seen == HEARD * 2

    def test_a_queryset_class_that_goes_on_to_django(self, item: Item) -> None:
        post = payloads(Item, UPDATE[1:])

        Item.objects.filter(pk=item.pk).update(name="b")

        assert post[0]["values"] == {"touched": True, "name": "b"}

    def test_a_queryset_class_that_does_not_is_not_seen(self, item: Item) -> None:
        seen = names(Item)

        Item.silent.update(name="b")

        assert seen == []

    def test_generic_relations(self, shelf: Any) -> None:
        note = Note.objects.create(text="a")
        post = payloads(Note, UPDATE[1:])

        shelf.notes.add(note)

        assert post[0]["fields"] == ("content_type", "object_id")
        note.refresh_from_db()
        assert note.about == shelf


class TestDeletions:
    """``on_delete`` writes to rows that stay."""

    @pytest.fixture
    def shelf(self) -> Any:
        return Shelf.objects.create(name="a")

    @pytest.mark.parametrize("field", ["shelf", "backup", "spare"])
    def test_what_it_sets_is_an_update(self, shelf: Any, field: str) -> None:
        item = Item.objects.create(name="a", **{field: shelf})
        seen = payloads(Item)

        with bulk.watched(Item, pks=True):
            shelf.delete()

        item.refresh_from_db()
        assert getattr(item, field) is None
        updates = [each for each in seen if each["values"] == {field: None} and each.get("pks", 1)]
        pre, post = updates
        assert [each.pk for each in pre["queryset"]] == [item.pk]
        assert post["fields"] == (field,)
        assert post["pks"] == (item.pk,)
        # Where Django has fetched the rows, it does not ask how many it met.
        assert post["rows"] in (1, None)

    def test_it_says_none_where_nobody_counts(self, shelf: Any) -> None:
        Item.objects.create(name="a", spare=shelf)
        post = payloads(Item, UPDATE[1:])

        shelf.delete()

        assert [each["rows"] for each in post if each["values"] == {"spare": None}] == [None]
        assert all(each["pks"] is None for each in post)

    def test_nobody_listens(self, shelf: Any) -> None:
        item = Item.objects.create(name="a", spare=shelf)

        with bulk.watched(Item):
            shelf.delete()

        item.refresh_from_db()
        assert item.spare is None

    def test_what_a_receiver_raises_keeps_the_object(self, shelf: Any) -> None:
        Item.objects.create(name="a", spare=shelf)

        def refuse(named: dict[str, Any]) -> None:
            raise ValueError("not now")

        listen(bulk.pre_update, Item, note=refuse)

        with pytest.raises(ValueError, match="not now"):
            shelf.delete()

        assert Shelf.objects.exists()
        assert Item.objects.filter(spare__isnull=False).exists()

    def test_a_cascade_is_an_update_where_constraints_cannot_wait(self, shelf: Any) -> None:
        Part.objects.create(shelf=shelf)
        seen = names(Part)

        shelf.delete()

        # So that the rows may be deleted in any order: MySQL and MariaDB.
        can_wait = connection.features.can_defer_constraint_checks
        assert not Part.objects.exists()
        assert can_wait is (seen == [])


@both_aliases
class TestAliases:
    def test_each_write_tells_its_own(self) -> None:
        seen = listen(list(ALL), Tag, note=lambda named: named["using"])

        Tag.objects.using("other").bulk_create([Tag(name="a")])
        Tag.objects.using("other").update(name="b")
        tag = Tag.objects.using("other").get()
        Tag.objects.using("other").bulk_update([tag], ["name"])

        assert seen == ["other"] * 6

    def test_the_queryset_reads_where_it_writes(self) -> None:
        Tag.objects.using("other").create(name="a")
        pre = payloads(Tag, UPDATE[:1])

        Tag.objects.using("other").update(name="b")

        assert [tag._state.db for tag in pre[0]["queryset"]] == ["other"]
