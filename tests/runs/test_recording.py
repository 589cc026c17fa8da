"""What is put on record of a run, and with which statements."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import connection, connections, transaction
from django.db.models.signals import post_save
from django.dispatch import Signal
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from signalkit import ModelReceiver, Phase, Veto, context
from signalkit.runs import flushing
from signalkit.runs.health import health
from signalkit.runs.models import ReceiverRun
from signalkit.runs.outgoing import outgoing
from signalkit.runs.rows import COLUMNS
from signalkit.runs.tables import TABLE, tables
from tests.dispatch.recording import listen, undone
from tests.testapp.models import Tag

pytestmark = pytest.mark.django_db(
    transaction=True, available_apps=["tests.testapp", "signalkit.runs"]
)

sent = Signal()


class Statements:
    """Collects what the connection is told, the record's own statements included."""

    def __init__(self) -> None:
        self.all: list[str] = []

    def __call__(self, execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
        self.all.append(str(sql))
        return execute(sql, params, many, context)

    @property
    def inserts(self) -> int:
        return sum(TABLE in sql and sql.startswith(("INSERT", "COPY")) for sql in self.all)


def outcomes() -> list[tuple[str, str]]:
    return [(run.receiver, run.outcome) for run in ReceiverRun.objects.order_by("id")]


def record(policy: Any, **more: Any) -> Any:
    return override_settings(SIGNALKIT={"RUNS": {"RECORD": policy, **more}})


@pytest.fixture
def warm() -> None:
    """Know that the table is there, which takes a statement the first time."""
    connection.ensure_connection()
    assert tables.why_not(connection) is None


class TestWhatIsRecorded:
    def test_a_run(self) -> None:
        listen(post_save, Tag, name="tests.one")
        with context.use(actor="import", reason="spring", correlation_id="abcdefgh-1"):
            tag = Tag.objects.create(name="a")
        [run] = ReceiverRun.objects.all()
        assert (run.receiver, run.outcome, run.phase) == ("tests.one", "succeeded", "inline")
        assert run.signal == "post_save"
        assert (run.sender, run.object) == ("testapp.Tag", f"testapp.Tag:{tag.pk}")
        assert (run.actor_label, run.reason) == ("import", "spring")
        assert run.correlation == "abcdefgh-1"
        assert run.alias == "default"
        assert run.attempt == 1
        assert run.duration is not None
        assert run.queries == 0
        assert (run.error, run.message, run.traceback) == ("", "", "")

    def test_the_columns_are_those_of_the_model(self) -> None:
        names = [field.name for field in ReceiverRun._meta.concrete_fields]
        assert sorted(names) == sorted(["id", *COLUMNS])
        assert ReceiverRun._meta.db_table == TABLE

    def test_statements_are_counted_with_those_of_receivers_within(self) -> None:
        def create_two(named: dict[str, Any]) -> None:
            if named["instance"].name == "outer":
                Tag.objects.create(name="inner")
                list(Tag.objects.all())

        listen(post_save, Tag, note=create_two, name="tests.outer")
        Tag.objects.create(name="outer")
        inner, outer = ReceiverRun.objects.order_by("-parent", "id")[:2]
        outer, inner = sorted((inner, outer), key=lambda run: run.queries or 0, reverse=True)
        assert (outer.queries, inner.queries) == (2, 0)
        assert inner.parent == outer.run
        assert outer.parent is None

    def test_an_error_without_its_values(self) -> None:
        secret = "hunter2"

        def fail(named: dict[str, Any]) -> None:
            raise ValueError(f"password={secret} for postgres://ada:{secret}@db/x")

        listen(post_save, Tag, note=fail, name="tests.fails")
        with pytest.raises(ValueError, match="hunter2"):
            Tag.objects.create(name="a")
        [run] = ReceiverRun.objects.all()
        assert run.outcome == "failed"
        assert run.error == "ValueError"
        assert run.message == "password=*** for postgres://ada:***@db/x"
        assert "in fail" in run.traceback
        assert secret not in run.traceback + run.message

    def test_a_veto(self) -> None:
        def refuse(named: dict[str, Any]) -> None:
            raise Veto("not today")

        listen(post_save, Tag, note=refuse, name="tests.vetoes")
        with pytest.raises(Veto), transaction.atomic():
            Tag.objects.create(name="a")
        assert outcomes() == [("tests.vetoes", "vetoed")]
        assert ReceiverRun.objects.get().message == "not today"

    def test_a_skip_where_asked_for(self) -> None:
        listen(post_save, Tag, name="tests.skips", created=False, record_skips=True)
        listen(post_save, Tag, name="tests.silent", created=False)
        Tag.objects.create(name="a")
        [run] = ReceiverRun.objects.all()
        assert (run.receiver, run.outcome, run.message) == ("tests.skips", "skipped", "condition")
        assert run.duration is None

    def test_an_announcement_and_what_came_of_it(self) -> None:
        listen(post_save, Tag, name="tests.later", phase=Phase.AFTER_COMMIT, announce=True)
        with transaction.atomic():
            Tag.objects.create(name="a")
        scheduled, done = ReceiverRun.objects.order_by("id")
        assert (scheduled.outcome, done.outcome) == ("scheduled", "succeeded")
        assert scheduled.run == done.run
        assert list(ReceiverRun.objects.never_ran()) == []

    def test_a_class_says_what_is_recorded(self) -> None:
        class Quiet(ModelReceiver):
            signal = post_save
            sender = Tag
            record = "off"

            def handle(self, event: Any) -> None: ...

        Tag.objects.create(name="a")
        assert outcomes() == []

    @pytest.mark.parametrize(
        ("policy", "expected"), [("all", 2), ("failures", 1), ("off", 0), (0.0, 1), (1.0, 2)]
    )
    def test_the_setting_says_so(self, policy: Any, expected: int) -> None:
        with record(policy):
            listen(sent, name="tests.fine")

            def fail(named: dict[str, Any]) -> None:
                raise ValueError

            listen(sent, note=fail, name="tests.fails", on_error="isolate", using="default")
            sent.send(sender=None)
            assert ReceiverRun.objects.count() == expected

    def test_a_rate_is_a_share(self) -> None:
        with record(0.5):
            listen(sent, name="tests.fine")
            for _ in range(400):
                sent.send(sender=None)
            assert 100 < ReceiverRun.objects.count() < 300

    def test_the_context_is_that_of_the_send(self) -> None:
        seen = listen(
            post_save,
            Tag,
            name="tests.later",
            phase=Phase.AFTER_COMMIT,
            note=lambda named: context.current().reason,
        )
        with transaction.atomic(), context.use(reason="why"):
            Tag.objects.create(name="a")
        assert seen == ["why"]
        assert ReceiverRun.objects.get().reason == "why"

    @pytest.mark.parametrize(
        "name",
        ["\x00", "\ud800", "x" * 5_000, "\N{PILE OF POO}", "'; DROP TABLE x; --"],
        ids=["NUL", "surrogate", "long", "four bytes", "quote"],
    )
    def test_whatever_an_error_says_is_written(self, name: str) -> None:
        def fail(named: dict[str, Any]) -> None:
            raise ValueError(name)

        listen(sent, note=fail, name="tests.fails", order=1)
        # Neither raised through pytest nor logged: its reports cannot hold every text either.
        with suppress(ValueError):
            sent.send(sender=name)
        [run] = ReceiverRun.objects.all()
        assert len(run.message) <= 1_000
        assert not health.lost


@pytest.mark.usefixtures("warm")
class TestWithATransaction:
    @pytest.mark.parametrize("runs", [1, 10, 300])
    def test_one_insert_and_no_further_commit(self, runs: int) -> None:
        listen(post_save, Tag, name="tests.inline")
        listen(post_save, Tag, name="tests.before", phase=Phase.BEFORE_COMMIT)
        seen = Statements()
        with connection.execute_wrapper(seen), transaction.atomic():
            for number in range(runs):
                Tag.objects.create(name=f"tag {number}")
        savepoints = 2 if connection.vendor == "postgresql" else 0
        begin = 1 if connection.vendor == "sqlite" else 0
        assert seen.inserts == 1
        assert len(seen.all) == begin + runs + 1 + savepoints
        assert ReceiverRun.objects.count() == 2 * runs

    def test_an_adopters_counts_stay_what_they_were(self) -> None:
        """As ``assertNumQueries`` counts them."""
        listen(post_save, Tag, name="tests.inline")
        counts = []
        for policy in ("off", "all"):
            with record(policy), CaptureQueriesContext(connection) as captured:
                with transaction.atomic():
                    Tag.objects.create(name=f"a {policy}")
                Tag.objects.create(name=f"b {policy}")
            counts.append(len(captured))
        assert counts[0] == counts[1]
        assert ReceiverRun.objects.count() == 2

    def test_what_a_savepoint_takes_is_rolled_back(self) -> None:
        listen(post_save, Tag, name="tests.one")
        with transaction.atomic():
            Tag.objects.create(name="kept")
            with undone():
                Tag.objects.create(name="lost")
                with transaction.atomic():
                    Tag.objects.create(name="lost as well")
            Tag.objects.create(name="kept as well")
        assert sorted(outcome for _, outcome in outcomes()) == [
            "rolled_back",
            "rolled_back",
            "succeeded",
            "succeeded",
        ]

    def test_what_a_rollback_takes_is_rolled_back(self) -> None:
        listen(post_save, Tag, name="tests.one")
        listen(post_save, Tag, name="tests.later", phase=Phase.AFTER_COMMIT, announce=True)
        with undone():
            Tag.objects.create(name="lost")
        assert sorted(outcomes()) == [("tests.later", "rolled_back"), ("tests.one", "rolled_back")]

    def test_a_reader_is_not_made_to_write(self) -> None:
        listen(sent, name="tests.read", using=None)
        seen = Statements()
        with connection.execute_wrapper(seen), transaction.atomic():
            list(Tag.objects.all())
            sent.send(sender=None)
        assert seen.inserts == 0
        assert outcomes() == [("tests.read", "succeeded")]

    @pytest.mark.parametrize(
        "sql", ["/* x */ insert into {} ({}) values ('a')", "  INSERT INTO {} ({}) VALUES ('a')"]
    )
    def test_who_writes_in_sql_writes(self, sql: str) -> None:
        listen(sent, name="tests.sent")
        seen = Statements()
        table, column = Tag._meta.db_table, "name"
        with connection.execute_wrapper(seen), transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(sql.format(table, column))
            sent.send(sender=None)
        assert seen.inserts == 1

    def test_a_writer_before_makes_no_writer_of_the_next(self) -> None:
        listen(sent, name="tests.read")
        with transaction.atomic():
            Tag.objects.create(name="a")
        seen = Statements()
        with connection.execute_wrapper(seen), transaction.atomic():
            sent.send(sender=None)
        assert seen.inserts == 0

    def test_more_than_a_statement_takes(self) -> None:
        listen(sent, name="tests.sent")
        seen = Statements()
        with connection.execute_wrapper(seen), transaction.atomic():
            Tag.objects.create(name="a")
            for _ in range(1_500):
                sent.send(sender=None)
        assert seen.inserts == 2
        assert ReceiverRun.objects.count() == 1_500


@pytest.mark.usefixtures("warm")
class TestWithout:
    def test_a_session_is_not_named_by_its_key(self) -> None:
        listen(sent, name="tests.sent")
        sent.send(sender=Session, instance=Session(session_key="vg3wwnsbkbjb"))
        assert ReceiverRun.objects.get().object == "sessions.Session:***"

    def test_a_few_wait_for_each_other(self) -> None:
        listen(post_save, Tag, name="tests.one")
        seen = Statements()
        with connection.execute_wrapper(seen):
            for number in range(99):
                Tag.objects.create(name=f"tag {number}")
            assert seen.inserts == 0
            Tag.objects.create(name="the hundredth")
        assert seen.inserts == 1

    def test_a_failure_does_not_wait(self) -> None:
        def fail(named: dict[str, Any]) -> None:
            raise ValueError("no")

        listen(post_save, Tag, note=fail, name="tests.fails")
        seen = Statements()
        with connection.execute_wrapper(seen), pytest.raises(ValueError, match="no"):
            Tag.objects.create(name="a")
        assert seen.inserts == 1

    def test_a_connection_that_is_closed_takes_them_along(self) -> None:
        listen(post_save, Tag, name="tests.one")
        Tag.objects.create(name="a")
        assert outgoing.places()
        connection.close()
        assert not outgoing.places()
        assert outcomes() == [("tests.one", "succeeded")]


@pytest.mark.usefixtures("warm")
class TestTrouble:
    """Whatever is wrong with the record, the sender is not told."""

    def test_without_the_table(self, caplog: pytest.LogCaptureFixture) -> None:
        listen(post_save, Tag, name="tests.one")
        with connection.schema_editor() as editor:
            editor.delete_model(ReceiverRun)
        try:
            tables.forget()
            with caplog.at_level(logging.WARNING, "signalkit.runs"):
                with transaction.atomic():
                    Tag.objects.create(name="a")
                with transaction.atomic():
                    Tag.objects.create(name="b")
            assert Tag.objects.count() == 2
            assert sum(health.lost.values()) == 2
            assert "run manage.py migrate" in caplog.text
            assert caplog.text.count("not on record") == 1
        finally:
            with connection.schema_editor() as editor:
                editor.create_model(ReceiverRun)
            tables.forget()
        Tag.objects.create(name="c")
        assert outcomes() == [("tests.one", "succeeded")]

    def test_what_is_lost_is_counted_once(self) -> None:
        listen(sent, name="tests.sent")
        with connection.schema_editor() as editor:
            editor.delete_model(ReceiverRun)
        try:
            tables.forget()
            sent.send(sender=None)
            for _ in range(3):
                flushing.write_out(connection)
            assert sum(health.lost.values()) == 1
        finally:
            with connection.schema_editor() as editor:
                editor.create_model(ReceiverRun)
            tables.forget()

    def test_when_the_table_goes_in_the_middle(self) -> None:
        listen(post_save, Tag, name="tests.one")
        with connection.schema_editor() as editor:
            editor.delete_model(ReceiverRun)
        try:
            with transaction.atomic():
                Tag.objects.create(name="a")
            assert Tag.objects.count() == 1
        finally:
            with connection.schema_editor() as editor:
                editor.create_model(ReceiverRun)
        # They had another chance, once the table was there again.
        assert outcomes() == [("tests.one", "succeeded")]

    def test_a_table_of_another_version(self) -> None:
        listen(post_save, Tag, name="tests.one")
        rename = "ALTER TABLE {} RENAME COLUMN {} TO {}"
        with connection.cursor() as cursor:
            cursor.execute(rename.format(TABLE, "detail", "other"))
        try:
            with transaction.atomic():
                Tag.objects.create(name="a")
            Tag.objects.create(name="b")
            flushing.flush()
            assert Tag.objects.count() == 2
            assert sum(health.lost.values()) == 2
        finally:
            with connection.cursor() as cursor:
                cursor.execute(rename.format(TABLE, "other", "detail"))

    def test_a_router_that_refuses(self) -> None:
        class NotHere:
            def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
                return False if app_label == "signalkit_runs" else None

        listen(post_save, Tag, name="tests.one")
        tables.forget()
        with override_settings(DATABASE_ROUTERS=[NotHere()]):
            with transaction.atomic():
                Tag.objects.create(name="a")
            assert Tag.objects.count() == 1
            [reason] = health.lost
            assert "router" in reason

    @pytest.mark.django_db(
        transaction=True,
        databases=["default", "other"],
        available_apps=["tests.testapp", "signalkit.runs"],
    )
    def test_it_stays_on_its_alias(self) -> None:
        listen(post_save, Tag, name="tests.one")
        with transaction.atomic(using="other"):
            Tag.objects.using("other").create(name="a")
        assert ReceiverRun.objects.using("default").count() == 0
        [run] = ReceiverRun.objects.using("other")
        assert run.alias == "other"

    @pytest.mark.django_db(
        transaction=True,
        databases=["default", "other"],
        available_apps=["tests.testapp", "signalkit.runs"],
    )
    def test_unless_the_settings_say_otherwise(self) -> None:
        listen(post_save, Tag, name="tests.one")
        with record("all", DATABASE="default"):
            with transaction.atomic(using="other"):
                Tag.objects.using("other").create(name="a")
            [run] = ReceiverRun.objects.using("default")
            assert run.alias == "other"
            assert ReceiverRun.objects.using("other").count() == 0

    @pytest.mark.django_db(
        transaction=True,
        databases=["default", "other"],
        available_apps=["tests.testapp", "signalkit.runs"],
    )
    def test_a_database_for_the_record_alone_is_opened(self) -> None:
        listen(post_save, Tag, name="tests.one")
        connections["other"].close()
        with record("all", DATABASE="other"):
            for number in range(100):
                Tag.objects.create(name=f"tag {number}")
            assert health.lost == {}
            assert not outgoing.places()
            assert ReceiverRun.objects.using("other").count() == 100

    def test_a_failed_transaction_loses_nothing_but_itself(self) -> None:
        listen(post_save, Tag, name="tests.one")
        with undone():
            Tag.objects.create(name="a")
            with connection.cursor() as cursor, pytest.raises(Exception, match="no_such"):
                cursor.execute("SELECT * FROM no_such")
        assert outcomes() == [("tests.one", "rolled_back")]

    def test_connections_are_left_as_they_were(self) -> None:
        listen(post_save, Tag, name="tests.one")
        with record("off"):
            for each in connections.all(initialized_only=True):
                assert each.execute_wrappers == []
            Tag.objects.create(name="a")
            assert outcomes() == []
