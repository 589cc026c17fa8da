"""The words in which the record is asked."""

from __future__ import annotations

import uuid
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models.signals import post_save
from django.test import override_settings
from django.utils import timezone

import signalkit
from signalkit.context.actor import Actor, system
from signalkit.exceptions import DeclarationError
from signalkit.runs import windows
from signalkit.runs.exceptions import AppendOnly
from signalkit.runs.models import ReceiverRun
from signalkit.runs.references import reference
from signalkit.states import Outcome
from tests.runs.reading.rows import row, scheduled, write
from tests.testapp.models import Audiobook, Author, Bestseller, Book, Ticket

pytestmark = pytest.mark.django_db(databases=["default", "other"])

runs = ReceiverRun.objects


class TestReference:
    def test_the_model_and_the_key(self) -> None:
        assert reference(Book(pk=12)) == "testapp.Book:12"

    def test_a_proxy_is_its_model_and_a_child_its_own(self) -> None:
        assert reference(Bestseller(pk=12)) == "testapp.Book:12"
        assert reference(Audiobook(pk=12)) == "testapp.Audiobook:12"

    def test_other_keys(self) -> None:
        key = uuid.uuid4()

        assert reference(Ticket(pk=key)) == f"testapp.Ticket:{key}"
        assert reference(Book()) == "testapp.Book:"
        assert len(reference(Ticket(pk="x" * 300))) == 200

    def test_a_composite_key(self) -> None:
        class Composite:
            _meta = Book._meta
            pk = (1, None, "a")

        composite: Any = Composite()
        assert reference(composite) == "testapp.Book:1,,a"

    def test_it_asks_neither_the_database_nor_the_object(
        self, django_assert_num_queries: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        book = Book.objects.create(title="T")
        deferred = Book.objects.only("pk").get()
        monkeypatch.setattr(Book, "__str__", lambda self: 1 / 0)

        with django_assert_num_queries(0):
            assert reference(deferred) == f"testapp.Book:{book.pk}"


class TestOf:
    def test_by_name(self) -> None:
        mine, _ = write(row(), row(receiver="lib.Other"))

        assert [run.pk for run in runs.of("lib.Shelve")] == [mine]

    def test_former_names_count(self) -> None:
        @signalkit.receiver(post_save, sender=Book, name="lib.shelve", aliases=["lib.old"])
        def shelve(**kwargs: Any) -> None: ...

        old, new, _ = write(row(receiver="lib.old"), row(receiver="lib.shelve"), row())

        for asked in ("lib.shelve", "lib.old", shelve):
            assert [run.pk for run in runs.of(asked)] == [new, old]

    def test_several(self) -> None:
        write(row(receiver="lib.a"), row(receiver="lib.b"), row(receiver="lib.c"))

        assert {run.receiver for run in runs.of("lib.a", "lib.b")} == {"lib.a", "lib.b"}

    def test_something_else_is_refused(self) -> None:
        with pytest.raises(DeclarationError, match="declared receiver"):
            runs.of(len)
        with pytest.raises(
            DeclarationError, match="of\\(\\) is ''; expected the name of a receiver"
        ):
            runs.of("")


class TestOtherWords:
    def test_about(self) -> None:
        book = Book.objects.create(title="T")
        mine, _ = write(row(object=f"testapp.Book:{book.pk}"), row(object="testapp.Book:x"))

        assert [run.pk for run in runs.about(book)] == [mine]
        assert [run.pk for run in runs.about(f"testapp.Book:{book.pk}")] == [mine]

    def test_about_as_one_types_it(self) -> None:
        mine, gone = write(row(object="testapp.Book:2"), row(object="old.Book:2"))

        assert [run.pk for run in runs.about("testapp.bestseller:2")] == [mine]
        assert [run.pk for run in runs.about("old.Book:2")] == [gone]

    @pytest.mark.parametrize("text", ["", "foo", "Book:12", "testapp.Book"])
    def test_text_that_is_no_object(self, text: str) -> None:
        with pytest.raises(ValueError, match=f"'{text}' is no object; expected app.Model:pk"):
            runs.about(text)

    @pytest.mark.parametrize("given", [12, None, Book])
    def test_what_is_no_object(self, given: Any) -> None:
        with pytest.raises(TypeError, match="expected an instance of a model, or text such as"):
            runs.about(given)

    def test_correlated(self) -> None:
        mine, _ = write(row(correlation="abc"), row())

        assert [run.pk for run in runs.correlated("abc")] == [mine]

    def test_failed_and_ended(self) -> None:
        failed, vetoed, _ = write(row(outcome="failed"), row(outcome="vetoed"), row())

        assert [run.pk for run in runs.failed()] == [failed]
        assert [run.pk for run in runs.ended(Outcome.VETOED, "failed")] == [vetoed, failed]

    @pytest.mark.parametrize("given", ["fail", None, 1])
    def test_an_outcome_that_is_none(self, given: Any) -> None:
        with pytest.raises(
            ValueError, match=f"no outcome {given!r}; there are scheduled, "
        ) as told:
            runs.ended(given)
        if given:
            assert "skipped." in str(told.value)
        if given == "fail":
            assert str(told.value).endswith("skipped. Did you mean 'failed'?")

    def test_by(self) -> None:
        user = {"actor_type": "testapp.Author", "actor_label": "Ada"}
        ada, bob, script, nobody = write(
            row(**user, actor_id="1"),
            row(**{**user, "actor_id": "2", "actor_label": "Bob"}),
            row(actor_type="system", actor_label="import"),
            row(),
        )

        for asked, found in (
            (Author(pk=1, name="Ada"), ada),
            (Actor(type="testapp.Author", id="2", label="?"), bob),
            ("testapp.Author:2", bob),
            ("Ada", ada),
            (system("import"), script),
            (None, nobody),
        ):
            assert [run.pk for run in runs.by(asked)] == [found], asked

    def test_a_page_goes_on_where_the_one_before_ended(self) -> None:
        ids = write(*(row() for _ in range(5)))

        assert [run.pk for run in runs.page(2)] == ids[:2:-1]
        assert [run.pk for run in runs.page(2, before=ids[3])] == [ids[2], ids[1]]

    def test_what_newest_leaves_out(self) -> None:
        assert not runs.has_more_than(1)
        write(row(), row(), row())

        assert runs.newest(2).count() == 2
        assert runs.has_more_than(2)
        assert not runs.has_more_than(3)

    def test_newest_first(self) -> None:
        ids = write(row(), row())

        assert [run.pk for run in runs.all()] == ids[::-1]

    def test_another_database(self) -> None:
        write(row())
        write(row(receiver="lib.There"), using="other")

        assert [run.receiver for run in runs.using("other").of("lib.There", "lib.Shelve")] == [
            "lib.There"
        ]


class TestNeverRan:
    def test_what_came_of_it_may_be_anything(self) -> None:
        rows = [
            each
            for number, outcome in enumerate(Outcome, start=1)
            for each in (scheduled(run=number), row(run=number, outcome=outcome.value))
        ]
        write(*rows)
        lost = [run.run for run in runs.never_ran()]

        # Of the outcomes, "scheduled" alone says that nothing came of it.
        assert {*lost} == {1}

    def test_grace(self) -> None:
        old, young = write(
            scheduled(ago=timedelta(seconds=90)), scheduled(ago=timedelta(seconds=5))
        )

        assert [run.pk for run in runs.never_ran()] == [old]
        assert [run.pk for run in runs.never_ran(grace=timedelta(0))] == [young, old]
        assert not runs.never_ran(grace=timedelta(minutes=3))
        assert [run.pk for run in runs.never_ran(grace="1m")] == [old]
        wrong: Any = 60
        with pytest.raises(TypeError, match="grace is 60; expected a timedelta, or an age such as"):
            runs.never_ran(grace=wrong)

    def test_a_run_that_was_not_announced_is_none(self) -> None:
        write(row())

        assert not runs.never_ran()


class TestTime:
    def test_since_and_older(self) -> None:
        old, young = write(row(ago=timedelta(days=2)), row(ago=timedelta(hours=1)))
        day: Any
        moment = timezone.now() - timedelta(days=1)
        for day in (timedelta(days=1), moment, "1d", moment.isoformat()):
            assert [run.pk for run in runs.since(day)] == [young]
            assert [run.pk for run in runs.older(day)] == [old]

    @pytest.mark.parametrize("given", [2, None, date(2026, 3, 1)])
    def test_what_is_no_moment(self, given: Any) -> None:
        expected = "expected a datetime, a timedelta back from now, an age such as 90s"
        for ask in (runs.since, runs.older):
            with pytest.raises(TypeError, match=f"{ask.__name__}.*{expected}"):
                ask(given)
            with pytest.raises(ValueError, match="'soon' is no moment; expected an age such as"):
                ask("soon")

    def test_an_empty_table(self) -> None:
        assert not runs.since(timedelta(days=1))
        assert not runs.older(timedelta(days=1))

    def test_a_naive_moment_is_local(self) -> None:
        mine, _ = write(row(ago=timedelta(minutes=30)), row(ago=timedelta(hours=3)))
        naive = datetime.now() - timedelta(hours=2)  # noqa: DTZ005

        with timezone.override(datetime.now().astimezone().tzinfo):
            assert [run.pk for run in runs.since(naive)] == [mine]

    def test_what_the_calendar_does_not_reach_is_refused(self) -> None:
        with pytest.raises(ValueError, match="before the calendar begins"):
            runs.since(timedelta(days=999_999))


class TestWindows:
    """From a moment to an id, in a table too large to be read."""

    @pytest.fixture(autouse=True)
    def small(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(windows, "SMALL", 10)

    def test_the_window_is_found_by_few_look_ups(self, django_assert_max_num_queries: Any) -> None:
        write(*(row(ago=timedelta(hours=number)) for number in range(300, 0, -1)))

        with django_assert_max_num_queries(13):
            young = runs.since(timedelta(hours=9, minutes=30))
        with django_assert_max_num_queries(13):
            old = runs.older(timedelta(hours=290, minutes=30))

        assert len(young) == 9
        assert len(old) == 10
        assert "id" in str(young.query.where)

    def test_ids_below_the_window_are_passed_over(self) -> None:
        ids = write(*(row(ago=timedelta(hours=number)) for number in range(300, 0, -1)))
        first = windows.first_id_since(
            ReceiverRun, "default", timezone.now() - timedelta(hours=9, minutes=30)
        )

        # An hour of slack is left.
        assert first == ids[-10]

    def test_rows_that_were_written_late_are_found_up_to_the_slack(self) -> None:
        """A transaction of fifty minutes has written half of what lies in the window."""
        old = [row(ago=timedelta(hours=number)) for number in range(300, 5, -1)]
        recent = [
            row(ago=timedelta(minutes=minutes + (50 if minutes % 2 else 0)))
            for minutes in range(200, 0, -1)
        ]
        write(*old, *recent)

        for minutes in range(1, 200, 7):
            moment = timezone.now() - timedelta(minutes=minutes, seconds=30)
            expected = ReceiverRun._base_manager.filter(started__gte=moment).count()
            assert runs.since(moment).count() == expected
            missing = ReceiverRun._base_manager.filter(started__lt=moment).count()
            assert runs.older(moment).count() == missing

    def test_gaps_in_the_ids(self) -> None:
        ids = write(*(row(ago=timedelta(hours=number)) for number in range(300, 0, -1)))
        ReceiverRun._base_manager.filter(pk__gt=ids[20], pk__lt=ids[-20]).delete()

        assert runs.since(timedelta(hours=9, minutes=30)).count() == 9
        assert runs.since(timedelta(hours=200)).count() == 20
        assert runs.older(timedelta(hours=200)).count() == 21


class TestARecord:
    def test_nothing_of_it_is_changed(self) -> None:
        write(row())
        run = runs.get()

        for change in (
            lambda: runs.update(receiver="x"),
            lambda: runs.all().delete(),
            lambda: runs.bulk_update([run], ["receiver"]),
            run.save,
            run.delete,
        ):
            with pytest.raises(AppendOnly), transaction.atomic():
                change()
        assert runs.get().receiver == "lib.Shelve"


def test_naive_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where USE_TZ is False."""
    from signalkit.runs import ages

    with override_settings(USE_TZ=False):
        assert timezone.is_naive(ages.parse_moment("2h"))
        assert ages.parse_moment("2026-03-01T12:00") == datetime(2026, 3, 1, 12)  # noqa: DTZ001
        assert timezone.is_naive(ages.parse_moment("2026-03-01T12:00+00:00"))
