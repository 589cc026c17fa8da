"""``on_error=``: who is stopped by an error, and what is undone."""

from __future__ import annotations

import logging
import threading
from typing import Any

import pytest
from django.db import (
    IntegrityError,
    InterfaceError,
    OperationalError,
    connection,
    connections,
    transaction,
)
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_delete
from django.dispatch import Signal
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path

from signalkit import Event, ModelReceiver, Phase, Receiver, Veto
from tests.dispatch.recording import both_aliases, listen, queries, real_commits
from tests.testapp.models import Book, Record, Tag

pytestmark = real_commits

SECRET = "hunter2"


class Boom(Exception):
    pass


def write_and_fail(named: dict[str, Any]) -> None:
    Record.objects.create(text="half-way")
    raise Boom


def collide(named: dict[str, Any]) -> None:
    """Run into a real constraint of the database."""
    Tag.objects.create(name=Tag.objects.values_list("name", flat=True)[0])


@pytest.fixture
def taken_tag() -> None:
    Tag.objects.create(name="taken")


class TestRaise:
    """The default up to the commit, as in Django."""

    @pytest.mark.parametrize("on_error", [{}, {"on_error": "raise"}, {"reentry": "skip"}])
    def test_in_a_transaction_everything_is_lost(self, on_error: dict[str, Any]) -> None:
        listen(post_save, Book, note=write_and_fail, **on_error)
        second = listen(post_save, Book)
        with pytest.raises(Boom), transaction.atomic():
            Book.objects.create(title="a")
        assert second == []
        assert not Book.objects.exists()
        assert not Record.objects.exists()

    def test_in_autocommit_what_is_written_is_written(self) -> None:
        listen(post_save, Book, note=write_and_fail, on_error="raise")
        with pytest.raises(Boom):
            Book.objects.create(title="a")
        assert Book.objects.exists()
        assert Record.objects.exists()


class TestIsolateInATransaction:
    def test_what_the_receiver_wrote_is_undone_and_the_sender_goes_on(self) -> None:
        listen(post_save, Book, note=write_and_fail, on_error="isolate")
        second = listen(post_save, Book)
        with transaction.atomic():
            Book.objects.create(title="a")
            Record.objects.create(text="the sender's")
        assert len(second) == 1
        assert Book.objects.exists()
        assert [record.text for record in Record.objects.all()] == ["the sender's"]

    def test_what_a_receiver_wrote_that_does_not_fail_stays(self) -> None:
        listen(
            post_save,
            Book,
            note=lambda named: Record.objects.create(text="done"),
            on_error="isolate",
        )
        with transaction.atomic():
            Book.objects.create(title="a")
        assert Record.objects.get().text == "done"

    @pytest.mark.usefixtures("taken_tag")
    @pytest.mark.parametrize("phase", [Phase.INLINE, Phase.BEFORE_COMMIT])
    def test_a_database_error_does_not_poison_the_transaction(self, phase: Phase) -> None:
        listen(post_save, Book, note=collide, on_error="isolate", phase=phase)
        with transaction.atomic():
            Book.objects.create(title="a")
            assert Book.objects.count() == 1
        assert Book.objects.exists()

    @pytest.mark.usefixtures("taken_tag")
    def test_without_it_the_error_reaches_the_sender(self) -> None:
        listen(post_save, Book, note=collide, on_error="raise")
        with pytest.raises(IntegrityError), transaction.atomic():
            Book.objects.create(title="a")
        assert not Book.objects.exists()

    @both_aliases
    def test_on_another_alias(self) -> None:
        def fail_there(named: dict[str, Any]) -> None:
            Record.objects.using("other").create(text="half-way")
            raise Boom

        listen(post_save, Book, note=fail_there, on_error="isolate")
        with transaction.atomic(using="other"):
            Book.objects.using("other").create(title="a")
        assert Book.objects.using("other").exists()
        assert not Record.objects.using("other").exists()

    @pytest.mark.usefixtures("taken_tag")
    def test_where_django_makes_no_savepoint(self) -> None:
        """Deletes and many-to-many changes are atomic without one."""
        listen([pre_delete, post_delete, m2m_changed], None, note=collide, on_error="isolate")
        book = Book.objects.create(title="a")
        with transaction.atomic():
            book.tags.add(*Tag.objects.all())
            Record.objects.create(text="the sender's")
            book.delete()
        assert not Book.objects.exists()
        assert Record.objects.exists()

    def test_a_class(self) -> None:
        class Fails(ModelReceiver):
            signal = post_save
            sender = Book
            on_error = "isolate"

            def handle(self, event: Event) -> None:
                write_and_fail({})

        with transaction.atomic():
            Book.objects.create(title="a")
        assert Book.objects.exists()
        assert not Record.objects.exists()

    def test_nested_in_each_other(self) -> None:
        listen(post_save, Tag, note=write_and_fail, on_error="isolate")
        listen(
            post_save,
            Book,
            note=lambda named: (
                Tag.objects.create(name="by the first"),
                Record.objects.create(text="kept"),
            ),
            on_error="isolate",
        )
        with transaction.atomic():
            Book.objects.create(title="a")
        assert Tag.objects.exists()
        assert [record.text for record in Record.objects.all()] == ["kept"]

    def test_under_manual_transaction_management(self) -> None:
        listen(post_save, Book, note=write_and_fail, on_error="isolate")
        transaction.set_autocommit(False)
        try:
            Book.objects.create(title="a")
            transaction.commit()
        finally:
            transaction.set_autocommit(True)
        assert Book.objects.exists()
        assert not Record.objects.exists()


class TestIsolateOutsideATransaction:
    def test_the_sender_goes_on_and_nothing_can_be_undone(self) -> None:
        listen(post_save, Book, note=write_and_fail, on_error="isolate")
        Book.objects.create(title="a")
        assert Book.objects.exists()
        assert Record.objects.exists()

    def test_after_the_commit_a_connection_may_be_lost_in_a_block_of_its_own(self) -> None:
        def lose(named: dict[str, Any]) -> None:
            with transaction.atomic():
                connection.close()
                Record.objects.create(text="lost")

        listen(post_save, Book, note=lose, phase=Phase.AFTER_COMMIT)
        second = listen(post_save, Book, phase=Phase.AFTER_COMMIT)
        with transaction.atomic():
            Book.objects.create(title="a")
        assert len(second) == 1
        assert Book.objects.exists()

    def test_no_savepoint_is_made(self) -> None:
        listen(post_save, Book, on_error="isolate")
        with queries() as captured:
            Book.objects.create(title="a")
        assert len(captured) == 1

    def test_a_signal_that_carries_no_alias(self) -> None:
        sent = Signal()
        listen(sent, note=write_and_fail, on_error="isolate")
        second = listen(sent)
        sent.send(sender=None)
        with transaction.atomic():
            sent.send(sender=None)
            Book.objects.create(title="a")
        assert len(second) == 2
        assert Book.objects.exists()
        assert Record.objects.count() == 1

    @both_aliases
    def test_using_names_the_alias_to_protect(self) -> None:
        sent = Signal()

        def fail_there(named: dict[str, Any]) -> None:
            Record.objects.using("other").create(text="half-way")
            raise Boom

        listen(sent, note=fail_there, on_error="isolate", using="other")
        with transaction.atomic(using="other"):
            sent.send(sender=None)
        assert not Record.objects.using("other").exists()

    @both_aliases
    @pytest.mark.parametrize("autocommit", [True, False])
    def test_no_connection_is_opened_for_it(self, autocommit: bool) -> None:
        sent = Signal()
        seen = listen(sent, on_error="isolate", using="other")
        wrapper = connections["other"].copy()
        wrapper.settings_dict = wrapper.settings_dict | {"AUTOCOMMIT": autocommit}
        original = connections["other"]
        connections["other"] = wrapper
        try:
            sent.send(sender=None)
            opened = wrapper.connection is not None
        finally:
            wrapper.in_atomic_block = False
            wrapper.close()
            connections["other"] = original
        assert len(seen) == 1
        # With AUTOCOMMIT off there is a transaction as soon as there is a connection.
        assert opened is not autocommit


class TestLostTransactions:
    """Where no savepoint can be returned to, isolate has no promise to keep: the sender learns."""

    def test_a_savepoint_that_is_gone(self, caplog: pytest.LogCaptureFixture) -> None:
        def end_the_transaction(named: dict[str, Any]) -> None:
            # What MariaDB does by itself when it resolves a deadlock.
            with connection.cursor() as cursor:
                cursor.execute("ROLLBACK")
            raise Boom

        listen(post_save, Book, note=end_the_transaction, on_error="isolate")
        with pytest.raises(Boom), transaction.atomic():
            Book.objects.create(title="a")
        assert not Book.objects.exists()
        assert "failed in phase" not in caplog.text

    @pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has no server to lose")
    def test_a_connection_that_is_gone(self) -> None:
        def kill(named: dict[str, Any]) -> None:
            with connection.cursor() as cursor:
                if connection.vendor == "postgresql":
                    cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
                else:
                    cursor.execute("KILL CONNECTION_ID()")

        listen(post_save, Book, note=kill, on_error="isolate")
        with pytest.raises((OperationalError, InterfaceError)), transaction.atomic():
            Book.objects.create(title="a")
        connection.close()
        assert not Book.objects.exists()

    @pytest.mark.skipif(connection.vendor != "mysql", reason="MariaDB's own way")
    def test_a_deadlock_ends_the_whole_transaction_on_mariadb(self) -> None:
        mine, theirs = Tag.objects.create(name="mine"), Tag.objects.create(name="theirs")
        locked = threading.Event()

        def other_side() -> None:
            try:
                with transaction.atomic():
                    # The heavier transaction: MariaDB gives up the lighter one.
                    Record.objects.bulk_create(Record(text="weight") for _ in range(200))
                    Tag.objects.filter(pk=theirs.pk).update(name="b")
                    locked.set()
                    Tag.objects.filter(pk=mine.pk).update(name="c")
            finally:
                connection.close()

        listen(
            post_save,
            Book,
            note=lambda named: Tag.objects.filter(pk=theirs.pk).update(name="d"),
            on_error="isolate",
        )
        thread = threading.Thread(target=other_side)

        def save() -> None:
            with transaction.atomic():
                Tag.objects.filter(pk=mine.pk).update(name="e")
                thread.start()
                assert locked.wait(20)
                Book.objects.create(title="a")

        with pytest.raises(OperationalError, match="Deadlock"):
            save()
        thread.join()
        assert not Book.objects.exists()
        assert {tag.name for tag in Tag.objects.all()} == {"b", "c"}

    def test_a_transaction_that_was_lost_before(self, caplog: pytest.LogCaptureFixture) -> None:
        listen(post_save, Book, note=write_and_fail, on_error="isolate")
        with transaction.atomic():
            transaction.set_rollback(True)
            post_save.send(sender=Book, instance=Book(), using="default", created=True, raw=False)
        assert "failed in phase inline of post_save" in caplog.text


class TestWhatIsolateLetsThrough:
    @pytest.mark.parametrize("phase", [Phase.INLINE, Phase.BEFORE_COMMIT])
    def test_a_veto_up_to_the_commit(self, phase: Phase) -> None:
        def refuse(named: dict[str, Any]) -> None:
            Record.objects.create(text="half-way")
            raise Veto("no")

        listen(post_save, Book, note=refuse, on_error="isolate", phase=phase)
        with pytest.raises(Veto), transaction.atomic():
            Book.objects.create(title="a")
        assert not Book.objects.exists()
        assert not Record.objects.exists()

    def test_a_veto_that_comes_too_late_is_an_error_like_any_other(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        def refuse(named: dict[str, Any]) -> None:
            raise Veto("no")

        listen(post_save, Book, note=refuse, phase=Phase.AFTER_COMMIT)
        with transaction.atomic():
            Book.objects.create(title="a")
        assert Book.objects.exists()
        assert "failed in phase after_commit of post_save" in caplog.text

    @pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit])
    @pytest.mark.parametrize("phase", [Phase.INLINE, Phase.BEFORE_COMMIT])
    def test_what_is_no_error(self, error: type[BaseException], phase: Phase) -> None:
        def stop(named: dict[str, Any]) -> None:
            Record.objects.create(text="half-way")
            raise error

        listen(post_save, Book, note=stop, on_error="isolate", phase=phase)
        with pytest.raises(error), transaction.atomic():
            Book.objects.create(title="a")
        assert not Book.objects.exists()
        assert not Record.objects.exists()


class TestSending:
    def test_send_robust_sees_what_is_raised(self) -> None:
        sent = Signal()
        listen(sent, note=lambda named: 1 / 0, name="tests.plain")
        listen(sent, note=lambda named: 1 / 0, reentry="skip")
        listen(sent, note=lambda named: 1 / 0, on_error="isolate")
        answers = [answer for _, answer in sent.send_robust(sender=None)]
        assert [type(answer) for answer in answers] == [
            ZeroDivisionError,
            ZeroDivisionError,
            type(None),
        ]

    def test_the_log_of_send_robust_names_the_receiver(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        sent = Signal()

        class Fails(Receiver):
            signal = sent

            def handle(self, event: Event) -> None:
                raise Boom

        sent.send_robust(sender=None)
        assert "Fails in Signal.send_robust()" in caplog.text


class TestLog:
    def test_it_names_everything_but_values(self, caplog: pytest.LogCaptureFixture) -> None:
        def fail(named: dict[str, Any]) -> None:
            password = named["instance"].title
            raise Boom("it failed", len(password))

        listen(
            post_save,
            Book,
            name="shop.fails",
            note=fail,
            phase=Phase.AFTER_COMMIT,
            on_error="isolate",
        )
        with caplog.at_level(logging.DEBUG):
            Book.objects.create(title=SECRET)
        (record,) = [each for each in caplog.records if each.name == "signalkit.receivers"]
        assert record.levelno == logging.ERROR
        assert record.getMessage() == (
            "Receiver shop.fails failed in phase after_commit of post_save."
        )
        assert vars(record)["receiver"] == "shop.fails"
        assert vars(record)["phase"] == "after_commit"
        assert record.exc_info is not None
        assert "Boom" in caplog.text
        assert SECRET not in caplog.text
        assert SECRET not in repr(vars(record))


def buy(request: HttpRequest) -> HttpResponse:
    Book.objects.create(title="bought")
    return HttpResponse(str(Book.objects.count()))


urlpatterns = [path("buy/", buy)]


@pytest.fixture
def atomic_requests() -> Any:
    settings = connections["default"].settings_dict
    before = settings["ATOMIC_REQUESTS"]
    settings["ATOMIC_REQUESTS"] = True
    yield
    settings["ATOMIC_REQUESTS"] = before


# Middleware needs its apps.
@pytest.mark.django_db(transaction=True)
@pytest.mark.urls(__name__)
@pytest.mark.usefixtures("atomic_requests", "taken_tag")
class TestAtomicRequests:
    def test_an_isolated_receiver_spoils_no_response(self, client: Client) -> None:
        listen(post_save, Book, note=collide, on_error="isolate")
        response = client.get("/buy/")
        assert (response.status_code, response.content) == (200, b"1")
        assert Book.objects.exists()

    @pytest.mark.parametrize("phase", [Phase.INLINE, Phase.BEFORE_COMMIT])
    def test_a_receiver_that_raises_loses_the_request(self, client: Client, phase: Phase) -> None:
        client.raise_request_exception = False
        listen(post_save, Book, note=collide, phase=phase)
        assert client.get("/buy/").status_code == 500
        assert not Book.objects.exists()

    def test_after_commit_is_after_the_view(self, client: Client) -> None:
        listen(post_save, Book, note=collide, phase=Phase.AFTER_COMMIT)
        seen = listen(
            post_save,
            Book,
            phase=Phase.AFTER_COMMIT,
            note=lambda named: connection.in_atomic_block,
        )
        assert client.get("/buy/").status_code == 200
        assert seen == [False]
