"""In which transaction the bulk signals are sent, and what becomes of the write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.db.models import F
from django.dispatch import receiver as django_receiver

from signalkit import Event, ModelReceiver, Phase, Veto, bulk
from tests.bulk.recording import ALL, UPDATE, names
from tests.dispatch.recording import both_aliases, listen, queries, real_commits, undone
from tests.testapp.models import Book, Record, Tag

pytestmark = real_commits

Write = Callable[[], object]


def create() -> object:
    return Tag.objects.bulk_create([Tag(name="new")])


def bulk_update() -> object:
    tag = Tag.objects.get(name="old")
    tag.name = "new"
    return Tag.objects.bulk_update([tag], ["name"])


def update() -> object:
    return Tag.objects.filter(name="old").update(name="new")


WRITES = pytest.mark.parametrize("write", [create, bulk_update, update])
PRE, POST = ALL[::2], ALL[1::2]


@pytest.fixture(autouse=True)
def old() -> None:
    Tag.objects.create(name="old")


def is_written() -> bool:
    return Tag.objects.filter(name="new").exists()


def fail(named: dict[str, Any]) -> None:
    raise Veto("not now")


@WRITES
class TestAutocommit:
    """A write that somebody hears has a transaction of its own."""

    def test_receivers_are_inside_of_it(self, write: Write) -> None:
        seen = listen(list(ALL), Tag, note=lambda named: connection.in_atomic_block)

        write()

        assert seen == [True, True]
        assert not connection.in_atomic_block

    def test_an_error_beforehand_prevents_the_write(self, write: Write) -> None:
        listen(list(PRE), Tag, note=fail)
        post = names(Tag, POST)

        with pytest.raises(Veto):
            write()

        assert not is_written()
        assert post == []

    def test_an_error_afterwards_undoes_it(self, write: Write) -> None:
        seen = listen(list(POST), Tag, note=lambda named: is_written(), order=-1)
        listen(list(POST), Tag, note=fail)

        with pytest.raises(Veto):
            write()

        assert seen == [True]
        assert not is_written()

    def test_what_receivers_wrote_goes_with_it(self, write: Write) -> None:
        listen(list(ALL), Tag, note=lambda named: Record.objects.create(text=repr(named["signal"])))
        listen(list(POST), Tag, note=fail)

        with pytest.raises(Veto):
            write()

        assert not Record.objects.exists()

    def test_phases_are_those_of_its_transaction(self, write: Write) -> None:
        before, after = (
            names(Tag, phase=phase) for phase in (Phase.BEFORE_COMMIT, Phase.AFTER_COMMIT)
        )
        opened = listen(
            list(POST),
            Tag,
            note=lambda named: connection.in_atomic_block,
            phase=Phase.AFTER_COMMIT,
        )
        inline = listen(list(POST), Tag, note=lambda named: (len(before), len(after)))

        write()

        assert inline == [(0, 0)]
        assert len(before) == len(after) == 2
        assert opened == [False]

    def test_a_write_that_nobody_hears_is_djangos_own(self, write: Write) -> None:
        with queries() as plain:
            write()
        Tag.objects.filter(name="new").delete()
        Tag.objects.get_or_create(name="old")
        with bulk.watched(Tag), queries() as watched:
            write()

        assert [each["sql"].split()[0] for each in watched] == [
            each["sql"].split()[0] for each in plain
        ]


@WRITES
class TestOpenTransaction:
    """There, nothing is opened, so that nothing is lost for who catches an error."""

    def test_an_error_beforehand_leaves_the_transaction_usable(self, write: Write) -> None:
        listen(list(PRE), Tag, note=fail)

        with transaction.atomic():
            with pytest.raises(Veto):
                write()
            Record.objects.create(text="went on")

        assert not is_written()
        assert Record.objects.exists()

    def test_an_error_afterwards_is_the_callers_to_undo(self, write: Write) -> None:
        listen(list(POST), Tag, note=fail)

        with transaction.atomic():
            with pytest.raises(Veto), transaction.atomic():
                write()
            assert not is_written()
            with pytest.raises(Veto):
                write()
            assert is_written()

        assert is_written()

    def test_it_takes_no_statement_more(self, write: Write) -> None:
        with transaction.atomic(), queries() as plain:
            write()
        Tag.objects.filter(name="new").delete()
        Tag.objects.get_or_create(name="old")
        names(Tag)
        with transaction.atomic(), queries() as heard:
            write()

        assert len(heard) == len(plain)

    def test_a_rollback_is_one_for_the_phases(self, write: Write) -> None:
        after = names(Tag, phase=Phase.AFTER_COMMIT)
        rolled_back = names(Tag, POST, phase=Phase.AFTER_ROLLBACK)

        with undone():
            write()

        assert after == []
        assert len(rolled_back) == 1

    def test_with_autocommit_off(self, write: Write) -> None:
        names(Tag)
        transaction.set_autocommit(False)
        try:
            write()
            assert not connection.in_atomic_block
            transaction.rollback()
        finally:
            transaction.set_autocommit(True)

        assert not is_written()


def test_what_the_database_refuses_has_no_post_signal() -> None:
    seen = names(Tag)

    with pytest.raises(IntegrityError):
        Tag.objects.bulk_create([Tag(name="old")])
    Tag.objects.create(name="other")
    with pytest.raises(IntegrityError):
        Tag.objects.update(name="same")

    assert seen == ["pre_bulk_create", "pre_update"]


@both_aliases
def test_phases_belong_to_the_alias_that_is_written() -> None:
    seen = names(Tag, UPDATE[1:], phase=Phase.AFTER_COMMIT)

    with transaction.atomic(using="default"):
        Tag.objects.using("other").update(name="new")
        assert seen == ["post_update"]
        Tag.objects.using("default").update(name="new")
        assert seen == ["post_update"]

    assert seen == ["post_update"] * 2
    assert not connections["other"].in_atomic_block


class TestReceivers:
    def test_a_class(self) -> None:
        seen = []

        class Reindex(ModelReceiver):
            signal = [bulk.post_update, bulk.post_bulk_create]
            sender = "testapp.Tag"
            phase = Phase.AFTER_COMMIT

            def handle(self, event: Event) -> None:
                seen.append((event.sender, event.using, event.instance, event.pk))

        update()
        Tag.objects.bulk_create([Tag(name="other")])

        assert seen == [(Tag, "default", None, None)] * 2

    def test_one_that_isolates_loses_what_it_wrote_and_nothing_else(self) -> None:
        def fail_in_the_database(named: dict[str, Any]) -> None:
            Tag.objects.create(name="twice")
            Tag.objects.create(name="twice")

        listen(list(ALL), Tag, note=fail_in_the_database, on_error="isolate")

        update()

        assert is_written()
        assert not Tag.objects.filter(name="twice").exists()

    def test_a_condition(self) -> None:
        seen = names(Book, UPDATE, when=lambda fields, **kwargs: "price" in fields)

        Book.objects.update(title="a")
        assert seen == []

        Book.objects.update(price=3)
        assert len(seen) == 2

    def test_once_per_transaction(self) -> None:
        seen = listen(
            bulk.post_update,
            Tag,
            note=lambda named: dict(named["values"]),
            phase=Phase.AFTER_COMMIT,
            once_per_transaction=True,
        )

        with transaction.atomic():
            Tag.objects.filter(name="old").update(name="a")
            Tag.objects.filter(name="a").update(name="b")

        assert seen == [{"name": "b"}]

    def test_an_async_one(self) -> None:
        seen = []

        class Later(ModelReceiver):
            signal = bulk.post_update
            sender = Tag

            async def handle(self, event: Event) -> None:
                seen.append(await Tag.objects.filter(name="new").acount())

        update()

        assert seen == [1]

    def test_djangos_own_async_one(self) -> None:
        seen = []

        @django_receiver(bulk.post_update, sender=Tag)
        async def later(rows: int, **kwargs: Any) -> None:
            seen.append(rows)

        update()

        assert seen == [1]


class TestReentry:
    def test_a_class_does_not_hear_its_own_updates(self) -> None:
        seen = []

        class Stamp(ModelReceiver):
            signal = bulk.post_update
            sender = Book

            def handle(self, event: Event) -> None:
                seen.append(event.rows)
                Book.objects.update(stock=F("stock") + 1)

        Book.objects.create(title="a")
        Book.objects.update(title="b")

        assert seen == [1]
        assert Book.objects.get().stock == 1

    def test_nor_those_of_another_kind(self) -> None:
        seen = []

        class Stamp(ModelReceiver):
            signal = [bulk.post_bulk_create, bulk.post_update]
            sender = Book

            def handle(self, event: Event) -> None:
                seen.append(event.signal)
                Book.objects.update(stock=F("stock") + 1)

        Book.objects.bulk_create([Book(title="a")])

        assert seen == [bulk.post_bulk_create]

    def test_it_hears_those_of_another_model(self) -> None:
        seen = []

        class Stamp(ModelReceiver):
            signal = bulk.post_update
            sender = [Book, Tag]

            def handle(self, event: Event) -> None:
                seen.append(event.sender)
                Tag.objects.update(name=F("name"))

        Book.objects.update(title="b")

        assert seen == [Book, Tag]
