"""Whoever hears the signals knows what is in the table, whatever was done to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from django.db import connection, transaction
from django.db.models import F, Model
from django.db.models.signals import post_delete, post_save
from hypothesis import example, given, settings
from hypothesis import strategies as st

from signalkit import Event, ModelReceiver, Phase, Veto, bulk
from signalkit.registry import registry
from tests.bulk.models import Item, Shelf
from tests.bulk.recording import ALL, names
from tests.dispatch.recording import listen, real_commits, undone
from tests.testapp.models import Author

pytestmark = real_commits

COLUMNS = ("name", "touched", "shelf_id", "backup_id", "spare_id")
Row: TypeAlias = dict[str, Any]
Step: TypeAlias = tuple[Any, ...]

numbers = st.integers(0, 5)


def table() -> dict[Any, Row]:
    return {row.pop("pk"): row for row in Item.objects.values("pk", *COLUMNS)}


def row_of(item: Model) -> Row:
    return {column: getattr(item, column) for column in COLUMNS}


class Mirror:
    """A copy of the table, kept by nothing but what the signals tell after each commit."""

    def __init__(self) -> None:
        self.rows: dict[Any, Row] = {}

    def take(self, event: Event) -> None:
        if event.signal is bulk.post_bulk_create:
            self.rows.update({item.pk: row_of(item) for item in event.objs})
        elif event.signal is bulk.post_bulk_update:
            assert event.rows == len(event.objs)
            for item in event.objs:
                self.write(item.pk, {name: getattr(item, name) for name in event.fields})
        elif event.signal is bulk.post_update:
            assert event.rows in (len(event.pks), None)
            for pk in event.pks:
                self.write(pk, event.values)
        elif event.signal is post_save:
            self.rows[event.pk] = row_of(event.instance)
        else:
            del self.rows[event.pk]

    def write(self, pk: Any, values: Any) -> None:
        for name, value in values.items():
            if isinstance(value, Model):
                value = value.pk
            column = name if name in COLUMNS else f"{name}_id"
            # The one expression that these tests use.
            is_expression = hasattr(value, "resolve_expression")
            self.rows[pk][column] = self.rows[pk]["name"] if is_expression else value


def some(model: type[Model], number: int) -> Any:
    """Return one of the objects, or None when there is none."""
    objects = [*model._default_manager.order_by("pk")]
    return objects[number % len(objects)] if objects else None


def create(count: int, number: int) -> None:
    shelf = some(Shelf, number)
    Item.objects.bulk_create(
        [Item(name=f"i{n}", shelf=shelf, backup=shelf) for n in range(count)], batch_size=2
    )


def bulk_update(number: int, size: int) -> None:
    items = [*Item.objects.order_by("pk")[number : number + 3]]
    for item in items:
        item.name, item.spare = f"b{number}", some(Shelf, number)
    # Without the update() of their own queryset class, which writes more than it is told.
    Item._base_manager.bulk_update(items, ["name", "spare"], batch_size=size or None)


def update(number: int, expression: bool) -> None:
    # What it writes does not match any more what it looks for.
    value: Any = F("name") if expression else f"u{number}"
    Item.objects.filter(name__endswith=str(number)).update(name=value)


def update_all(number: int) -> None:
    Item._base_manager.update(shelf=some(Shelf, number))


def relate(number: int, how: int) -> None:
    shelf, item = some(Shelf, number), some(Item, number)
    if shelf and item:
        (
            lambda: shelf.items.add(item),
            lambda: shelf.items.set([item]),
            lambda: shelf.items.clear(),
            lambda: shelf.items.remove(*shelf.items.all()[:1]),
            lambda: shelf.items.update(touched=True),
            lambda: shelf.spares.add(item),
        )[how]()


def shelve(number: int) -> None:
    Shelf.objects.bulk_create([Shelf(name=f"s{number}")])


def unshelve(number: int) -> None:
    if shelf := some(Shelf, number):
        shelf.delete()


def save(number: int) -> None:
    if item := some(Item, number):
        item.name = f"v{number}"
        item.save()


def remove(number: int) -> None:
    Item.objects.filter(name__endswith=str(number)).delete()


def others(number: int) -> None:
    Author.objects.bulk_create([Author(name=f"a{number}")])
    Author.objects.update(name=f"b{number}")
    Author.objects.bulk_update(Author.objects.all(), ["name"])


def refused(number: int) -> None:
    for write in (create, bulk_update):
        _try(write, 1, number)
    _try(update_all, number)


refusing: list[bool] = []


def _try(write: Callable[..., None], *args: int) -> None:
    refusing.append(True)
    try:
        write(*args)
    except Veto:
        pass
    finally:
        refusing.clear()


def refuse(named: dict[str, Any]) -> None:
    if refusing:
        raise Veto("not now")


writes = st.one_of(
    st.tuples(st.just(create), st.integers(1, 4), numbers),
    st.tuples(st.just(bulk_update), numbers, st.integers(0, 2)),
    st.tuples(st.just(update), numbers, st.booleans()),
    st.tuples(st.just(relate), numbers, numbers),
    *(
        st.tuples(st.just(function), numbers)
        for function in (update_all, shelve, unshelve, save, remove, others, refused)
    ),
)
blocks: st.SearchStrategy[list[Any]] = st.recursive(
    st.lists(writes, min_size=1, max_size=4),
    lambda inner: st.lists(
        st.one_of(writes, st.tuples(st.sampled_from(["commit", "undo"]), inner)),
        min_size=1,
        max_size=5,
    ),
    max_leaves=12,
)


def do(steps: list[Any]) -> None:
    for what, *args in steps:
        if what == "commit":
            with transaction.atomic():
                do(*args)
        elif what == "undo":
            with undone():
                do(*args)
        else:
            what(*args)


@settings(max_examples=60)
@given(steps=blocks, autocommit=st.booleans())
@example(
    steps=[
        (shelve, 1),
        (create, 3, 0),
        (bulk_update, 0, 2),
        *((relate, 0, how) for how in range(6)),
        ("undo", [(update_all, 0), (create, 2, 0)]),
        (refused, 1),
        (unshelve, 0),
        (others, 1),
    ],
    autocommit=True,
)
def test_the_mirror_shows_the_table(steps: list[Any], autocommit: bool) -> None:
    assert connection.features.can_return_rows_from_bulk_insert
    for model in (Item, Shelf, Author):
        model.objects.all().delete()
    mirror = Mirror()

    class Mirroring(ModelReceiver):
        name = "tests.mirroring"
        signal = [*ALL[1::2], post_save, post_delete]
        sender = Item
        phase = Phase.AFTER_COMMIT
        reentry = "allow"

        def handle(self, event: Event) -> None:
            mirror.take(event)

    declared = [registry.all()[-1]]
    vetoed = listen(list(ALL[::2]), Item, note=refuse)
    declared.append(registry.all()[-1])
    unwatched = listen(list(ALL), None, note=lambda named: named["sender"])
    declared.append(registry.all()[-1])
    try:
        with bulk.watched(Item, pks=True):
            if autocommit:
                do(steps)
            else:
                with transaction.atomic():
                    do(steps)
    finally:
        for declaration in declared:
            registry.remove(declaration)

    assert mirror.rows == table()
    assert {*unwatched} <= {Item}
    assert all(note is None for note in vetoed)


def test_the_mirror_is_not_blind() -> None:
    """What no signal tells does show as a difference."""
    seen = names(Item)
    Item.objects.bulk_create([Item(name="a")])
    mirror = Mirror()
    mirror.rows = table()

    with connection.cursor() as cursor:
        cursor.execute("UPDATE testapp_item SET name = 'b'")

    assert seen == ["pre_bulk_create", "post_bulk_create"]
    assert mirror.rows != table()
