"""Monthly partitions: on PostgreSQL with real tables, refused elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError
from django.db import connection, connections, transaction
from django.utils import timezone

from signalkit.runs import partitions
from signalkit.runs.models import ReceiverRun
from tests.runs.reading.rows import command, row, write

TABLE = ReceiverRun._meta.db_table

on_postgresql = pytest.mark.skipif(
    "connection.vendor != 'postgresql'", reason="partitions are for PostgreSQL"
)


class TestMonths:
    def test_they_are_those_of_utc(self) -> None:
        late = datetime.fromisoformat("2026-12-31T23:30:00-02:00")

        assert partitions.month_of(late) == datetime(2027, 1, 1, tzinfo=UTC)
        assert partitions.next_month(late) == datetime(2027, 2, 1, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("now", "end"), [("2026-01-15", "2026-02-01"), ("2026-01-31T12:00", "2026-03-01")]
    )
    def test_the_first_partition_does_not_end_within_a_day(self, now: str, end: str) -> None:
        moment = datetime.fromisoformat(now).replace(tzinfo=UTC)

        assert partitions.first_end(moment) == datetime.fromisoformat(end).replace(tzinfo=UTC)


@pytest.mark.skipif("connection.vendor == 'postgresql'", reason="PostgreSQL has them")
@pytest.mark.django_db(transaction=True, available_apps=["signalkit", "signalkit.runs"])
def test_other_databases_are_refused() -> None:
    with pytest.raises(CommandError, match="partitions are for PostgreSQL"):
        command("partition")


@on_postgresql
@pytest.mark.django_db
def test_not_inside_a_transaction() -> None:
    with pytest.raises(CommandError, match="Call the command outside of atomic"):
        command("partition")


@on_postgresql
@pytest.mark.django_db(transaction=True, available_apps=["signalkit", "signalkit.runs"])
class TestPartition:
    @pytest.fixture(autouse=True)
    def table_as_it_was(self) -> Iterator[None]:
        """Put the table as the migration makes it in the place of what a test has made of it."""
        yield
        with connection.cursor() as cursor:
            cursor.execute(f'DROP TABLE IF EXISTS "{TABLE}", "{TABLE}_first" CASCADE')
        with connection.schema_editor() as editor:
            editor.create_model(ReceiverRun)

    def test_a_filled_table_is_converted_without_losing_a_row(self) -> None:
        ids = write(*(row(ago=timedelta(days=days)) for days in range(200, 0, -1)))
        before = list(ReceiverRun.objects.values())
        command("partition")

        assert list(ReceiverRun.objects.values()) == before
        assert partitions.is_partitioned(ReceiverRun, "default")
        names = [each.name for each in partitions.partitions(ReceiverRun, "default")]
        assert names[0] == f"{TABLE}_first"
        assert names[-1] == f"{TABLE}_default"
        assert len(names) >= 4
        assert write(row()) > ids[-1:]

    def test_the_model_works_as_before(self) -> None:
        write(row())
        command("partition")
        new = ReceiverRun(
            **{
                field.attname: getattr(row(), field.attname)
                for field in ReceiverRun._meta.fields
                if field.attname != "id"
            }
        )
        (made,) = ReceiverRun.objects.bulk_create([new])

        assert made.pk is not None
        assert ReceiverRun.objects.get(pk=made.pk).receiver == "lib.Shelve"
        assert ReceiverRun.objects.since(timedelta(hours=1)).failed().count() == 0
        assert [run.pk for run in ReceiverRun.objects.page(1)] == [made.pk]

    def test_indexes_have_the_names_that_migrations_know(self) -> None:
        command("partition")
        with connection.cursor() as cursor:
            found = connection.introspection.get_constraints(cursor, TABLE)

        for index in ReceiverRun._meta.indexes:
            assert found[index.name]["columns"] == index.fields
        assert found[f"{TABLE}_pkey"]["columns"] == ["id", "started"]
        # A change as a migration would make it.
        with connection.schema_editor() as editor:
            for index in ReceiverRun._meta.indexes:
                editor.remove_index(ReceiverRun, index)
                editor.add_index(ReceiverRun, index)

    def test_checks_hold_in_each_partition(self) -> None:
        command("partition")
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*), count(DISTINCT conrelid) FROM pg_constraint "
                "WHERE contype = 'c' AND conname LIKE %s",
                [f"{TABLE}_attempt%"],
            )
            number, tables = cursor.fetchone()
        assert number == tables == len(partitions.partitions(ReceiverRun, "default")) + 1

    def test_rows_find_their_month(self) -> None:
        command("partition", "--create-months", "2")
        start = partitions.month_of(timezone.now())
        for _ in range(2):
            start = partitions.next_month(start)
            write(row(ago=timezone.now() - start - timedelta(days=2)))
        with connection.cursor() as cursor:
            cursor.execute(f'SELECT tableoid::regclass::text, started FROM "{TABLE}" ORDER BY id')
            for name, started in cursor.fetchall():
                assert name.strip('"') in (f"{TABLE}_{started:%Y_%m}", f"{TABLE}_first")

    def test_again_makes_what_is_missing_only(self) -> None:
        command("partition", "--create-months", "2")
        before = partitions.partitions(ReceiverRun, "default")

        assert "Done" not in command("partition", "--create-months", "2")
        assert "Done: The partition of" in command("partition", "--create-months", "3")
        assert len(partitions.partitions(ReceiverRun, "default")) == len(before) + 1

    def test_rows_without_a_month_are_kept_and_moved_once_it_is_made(self) -> None:
        command("partition", "--create-months", "1")
        far = partitions.month_of(timezone.now())
        for _ in range(4):
            far = partitions.next_month(far)
        (number,) = write(row(ago=timezone.now() - far - timedelta(days=3)))

        def where() -> Any:
            with connection.cursor() as cursor:
                cursor.execute(
                    f'SELECT tableoid::regclass::text FROM "{TABLE}" WHERE id = {number}'
                )
                return cursor.fetchone()[0]

        assert where() == f"{TABLE}_default"
        command("partition", "--create-months", "5")
        assert where() == f"{TABLE}_{far:%Y_%m}"

    @pytest.fixture
    def converted_long_ago(self, monkeypatch: pytest.MonkeyPatch) -> None:
        long_ago = timezone.now() - timedelta(days=200)

        class Earlier(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> Any:
                return long_ago

        with monkeypatch.context() as patched:
            patched.setattr("signalkit.management.subcommands.partition.datetime", Earlier)
            command("partition", "--create-months", "9")

    def test_old_partitions_are_dropped(self, converted_long_ago: None) -> None:
        _, kept = write(row(ago=timedelta(days=195)), row(ago=timedelta(days=1)))
        before = len(partitions.partitions(ReceiverRun, "default"))

        assert "Done: Everything in it began before" in command("partition", drop_older="90d")
        assert len(partitions.partitions(ReceiverRun, "default")) <= before - 3
        assert [run.pk for run in ReceiverRun.objects.all()] == [kept]
        assert "Done" not in command("partition", "--drop-older", "90d")

    def test_prune_drops_whole_months_and_deletes_the_rest(self, converted_long_ago: None) -> None:
        write(*(row(ago=timedelta(days=days)) for days in (195, 150, 91)))
        (kept,) = write(row(ago=timedelta(days=1)))
        plan = command("prune", "--dry-run")
        dropped = plan.count("DROP TABLE")
        output = command("prune")

        assert plan.startswith("3 runs began before")
        assert dropped >= 3
        assert f"Dropped {dropped} whole partitions." in output
        assert [run.pk for run in ReceiverRun.objects.all()] == [kept]
        assert "Dropped 0 whole partitions." in command("prune")

    def test_the_plan_does_nothing_and_is_all_that_is_done(self) -> None:
        """Executed by hand, the printed statements do the same."""
        ids = write(row(), row(ago=timedelta(days=70)))
        plan = command("partition", "--plan")

        assert not partitions.is_partitioned(ReceiverRun, "default")
        statements = [line for line in plan.splitlines() if line and not line.startswith("--")]
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
        assert partitions.is_partitioned(ReceiverRun, "default")
        assert command("partition", "--plan") == ""
        assert sorted(run.pk for run in ReceiverRun.objects.all()) == ids

    def test_an_interrupted_conversion_is_begun_anew(self) -> None:
        write(row())
        steps = partitions.plan_conversion(ReceiverRun, "default", timezone.now())
        for _ in partitions.execute(steps[:4], "default"):
            pass
        write(row())
        command("partition")

        assert partitions.is_partitioned(ReceiverRun, "default")
        assert ReceiverRun.objects.count() == 2

    def test_others_are_not_kept_waiting(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Who reads for long makes the command give up, and changes nothing."""
        monkeypatch.setattr(partitions, "LOCK_TIMEOUT", "50ms")
        write(row())
        reads, done = threading.Event(), threading.Event()

        def read() -> None:
            try:
                with transaction.atomic():
                    list(ReceiverRun._base_manager.all())
                    reads.set()
                    done.wait(30)
            finally:
                connections.close_all()

        thread = threading.Thread(target=read)
        thread.start()
        try:
            assert reads.wait(30)
            with pytest.raises(CommandError, match="call the command again when less is going on"):
                command("partition")
        finally:
            done.set()
            thread.join()
        assert not partitions.is_partitioned(ReceiverRun, "default")
        command("partition")
        assert ReceiverRun.objects.count() == 1
