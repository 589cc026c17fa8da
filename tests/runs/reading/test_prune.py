"""Old runs go, in batches, by whatever means it is stopped; young ones stay."""

from __future__ import annotations

import io
import re
import signal
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models.signals import post_delete, pre_delete
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from signalkit.management.commands.signalkit import Command
from signalkit.runs import retention, windows
from signalkit.runs.models import ReceiverRun
from tests.runs.reading.processes import start
from tests.runs.reading.rows import command, row, write

OLD = timedelta(days=100)
YOUNG = timedelta(days=1)


def left(using: str = "default") -> list[int]:
    return list(ReceiverRun._base_manager.using(using).order_by("pk").values_list("pk", flat=True))


@pytest.mark.django_db(databases=["default", "other"])
class TestPrune:
    def test_what_is_older_than_the_retention_goes(self) -> None:
        _, young = write(row(ago=OLD), row(ago=YOUNG))

        assert re.match(r"Deleted 1 run that began before [\d-]+ [\d:]+, in", command("prune"))
        assert left() == [young]

    def test_an_age(self) -> None:
        _, _, young = write(row(ago=OLD), row(ago=YOUNG), row(ago=timedelta(minutes=1)))

        command("prune", "--older", "12h")
        assert left() == [young]

    def test_an_age_from_code(self) -> None:
        write(row(ago=OLD), row(ago=YOUNG))

        command("prune", older="120d")
        assert len(left()) == 2
        command("prune", older=timedelta(hours=1))
        assert left() == []
        with pytest.raises(CommandError, match="'old' is no age"):
            command("prune", older="old")

    def test_without_retention_everything_is_kept(self) -> None:
        write(row(ago=OLD))
        with override_settings(SIGNALKIT={"RUNS": {"RETENTION": None}}):
            assert "Everything is kept" in command("prune")
            assert len(left()) == 1
            command("prune", "--older", "90d")
        assert left() == []

    def test_an_empty_table(self) -> None:
        assert command("prune").startswith("Deleted 0 runs")

    def test_another_database(self) -> None:
        write(row(ago=OLD))
        write(row(ago=OLD), using="other")
        command("prune", "--database", "other")

        assert (len(left()), len(left("other"))) == (1, 0)

    def test_batches(self) -> None:
        write(*(row(ago=OLD) for _ in range(25)), row(ago=YOUNG))
        with CaptureQueriesContext(
            connection,
        ) as queries:
            output = command("prune", "--batch", "10", verbosity=2)
        deletes = [each["sql"] for each in queries if each["sql"].startswith("DELETE")]

        assert len(deletes) == 3
        assert "  10 runs deleted" in output
        assert "  20 runs deleted" in output
        assert "100%  25 runs deleted" in output
        assert len(left()) == 1

    def test_rows_among_younger_ones_go_too(self) -> None:
        """Ids follow the order in which rows are written, and that not of their times."""
        rows = [row(ago=OLD if number % 3 else YOUNG) for number in range(30)]
        ids = write(*rows)
        command("prune", "--batch", "5")

        assert left() == ids[::3]

    def test_a_row_far_behind_its_time_goes_later(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """In a large table it is not looked for among ids that are too young, until they age."""
        monkeypatch.setattr(windows, "SMALL", 10)
        ids = write(
            *(row(ago=timedelta(days=95, minutes=-number)) for number in range(20)),
            *(row(ago=timedelta(days=80, minutes=-number)) for number in range(20)),
            row(ago=OLD),
            *(row(ago=timedelta(days=1, minutes=-number)) for number in range(20)),
        )
        command("prune")
        assert left() == ids[20:]

        command("prune", "--older", "79d")
        assert left() == ids[41:]

    def test_dry_run(self, monkeypatch: pytest.MonkeyPatch) -> None:
        write(*(row(ago=OLD) for _ in range(3)), row(ago=YOUNG))

        assert command("prune", "--dry-run").startswith("3 runs began before")
        assert len(left()) == 4
        monkeypatch.setattr(retention, "COUNTED", 2)
        assert command("prune", "--dry-run").startswith("at least 2 runs began before")

    def test_no_signals_are_sent(self) -> None:
        sent: list[Any] = []

        def hear(**kwargs: Any) -> None:
            sent.append(kwargs)

        pre_delete.connect(hear)
        post_delete.connect(hear)
        try:
            write(row(ago=OLD))
            command("prune")
        finally:
            pre_delete.disconnect(hear)
            post_delete.disconnect(hear)
        assert (sent, left()) == ([], [])

    def test_a_terminal_is_shown_one_line(self) -> None:
        class Terminal(io.StringIO):
            def isatty(self) -> bool:
                return True

        write(*(row(ago=OLD) for _ in range(4)))
        terminal = Terminal()
        call_command(Command(stdout=terminal, no_color=True), "prune", "--batch", "2")

        assert terminal.getvalue().startswith(
            "\r 50%  2 runs deleted\r100%  4 runs deleted\nDeleted 4 runs"
        )

    def test_quietly(self) -> None:
        write(row(ago=OLD))

        assert command("prune", verbosity=0) == ""

    def test_statements_do_not_grow_with_the_table(
        self, monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any
    ) -> None:
        monkeypatch.setattr(windows, "SMALL", 10)
        write(*(row(ago=timedelta(minutes=minutes)) for minutes in range(600, 0, -1)))
        cutoff = timezone.now() - timedelta(days=90)

        with django_assert_max_num_queries(18):
            assert [
                progress.deleted for progress in retention.prune(ReceiverRun, "default", cutoff)
            ] in ([], [0])


@pytest.mark.django_db(
    transaction=True, available_apps=["signalkit", "signalkit.runs", "tests.testapp"]
)
class TestKilled:
    def test_what_is_gone_is_old_and_the_next_call_finishes(self) -> None:
        old = write(*(row(ago=OLD) for _ in range(3_000)))
        young = write(*(row(ago=YOUNG) for _ in range(50)))
        process = start("prune", "--batch", "2", "--verbosity", "2", "--skip-checks")
        assert process.stdout is not None
        # A batch has just been committed, and of those that are left most do not fit the pipe.
        for _ in range(5):
            assert "deleted" in process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()

        remaining = left()
        gone = len(old) + len(young) - len(remaining)
        assert process.returncode == -signal.SIGKILL
        assert 10 <= gone < len(old)
        assert gone % 2 == 0
        # The oldest, and none beside.
        assert remaining == old[gone:] + young

        again = start("prune", "--skip-checks")
        output, _ = again.communicate()
        assert again.returncode == 0
        assert output.startswith(f"Deleted {len(old) - gone:,} runs")
        assert left() == young
