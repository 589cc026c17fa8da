"""``manage.py signalkit runs``: filters, pages, trees, formats, exit status."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models.signals import post_save
from django.test import override_settings
from django.utils import timezone

import signalkit
from signalkit.management.subcommands import runs
from signalkit.runs import trees
from signalkit.runs.models import ReceiverRun
from tests.runs.reading.rows import command, row, scheduled, write
from tests.testapp.models import Book

ROOT = Path(__file__).resolve().parents[3]

pytestmark = pytest.mark.django_db(databases=["default", "other"])


def asked(*arguments: str, **options: Any) -> list[str]:
    """Return the receivers of the runs that are shown."""
    document = json.loads(command("runs", *arguments, format="json", **options))
    return [run["receiver"] for run in document["runs"]]


def status(*arguments: str, **options: Any) -> tuple[int, str]:
    """Return the exit status of a call that ends in an error, and what it says."""
    with pytest.raises(CommandError) as raised:
        command("runs", *arguments, **options)
    return raised.value.returncode, str(raised.value)


class TestFilters:
    @pytest.fixture(autouse=True)
    def rows(self) -> None:
        user = {"actor_type": "auth.User", "actor_id": "7", "actor_label": "ada"}
        write(
            row(receiver="lib.old", ago=timedelta(days=30), object="testapp.Book:2"),
            row(receiver="lib.failed", outcome="failed", signal="pre_save", **user),
            row(receiver="lib.task", source="task", correlation="d" * 32, alias="other"),
            row(receiver="lib.rolled", outcome="rolled_back", ago=timedelta(hours=3)),
        )

    @pytest.mark.parametrize(
        ("arguments", "receivers"),
        [
            ([], ["lib.rolled", "lib.task", "lib.failed", "lib.old"]),
            (["--receiver", "lib.old"], ["lib.old"]),
            (["--receiver", "lib.old", "--receiver", "lib.task"], ["lib.task", "lib.old"]),
            (["--signal", "pre_save"], ["lib.failed"]),
            (["--signal", "django.db.models.signals.pre_save"], ["lib.failed"]),
            (["--outcome", "failed", "--outcome", "rolled-back"], ["lib.rolled", "lib.failed"]),
            (["--object", "testapp.book:2"], ["lib.old"]),
            (["--object", "testapp.bestseller:2"], ["lib.old"]),
            (["--correlation", "d" * 32], ["lib.task"]),
            (["--actor", "ada"], ["lib.failed"]),
            (["--actor", "auth.User:7"], ["lib.failed"]),
            (["--actor", "auth.User:7", "--actor", "nobody"], ["lib.failed"]),
            (["--source", "task"], ["lib.task"]),
            (["--alias", "other"], ["lib.task"]),
            (["--since", "1h"], ["lib.task", "lib.failed"]),
            (["--older", "1h"], ["lib.rolled", "lib.old"]),
            (["--since", "7d", "--older", "1h"], ["lib.rolled"]),
            (["--outcome", "succeeded", "--since", "1h"], ["lib.task"]),
        ],
    )
    def test_filters(self, arguments: list[str], receivers: list[str]) -> None:
        assert asked(*arguments, verbosity=0) == receivers

    def test_from_code(self) -> None:
        hour_ago = timezone.now() - timedelta(hours=1)

        assert asked(outcome="failed", since=timedelta(days=1)) == ["lib.failed"]
        assert asked(since=hour_ago, limit="1") == ["lib.task"]

    def test_what_no_index_leads_to_is_looked_for_among_the_newest_rows(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nobody waits for a whole table: that would be the answer to a typing error."""
        monkeypatch.setattr(runs, "NEWEST", 3)
        remarks = io.StringIO()
        write(scheduled(), scheduled(), scheduled(), scheduled())

        assert len(asked("--source", "request", stderr=remarks)) == 3
        assert remarks.getvalue() == (
            "Only the newest 3 rows are searched; --since reaches further.\n"
        )
        assert len(asked("--never-ran", verbosity=0)) == 3
        assert len(asked("--never-ran", "--since", "90d")) == 4
        assert "lib.old" in asked("--source", "request", "--since", "90d")
        assert "lib.old" in asked("--source", "request", "--object", "testapp.Book:2")

    def test_of_a_small_table_nothing_is_left_out(self) -> None:
        remarks = io.StringIO()

        assert asked("--source", "task", stderr=remarks) == ["lib.task"]
        assert remarks.getvalue() == ""

    def test_another_database(self) -> None:
        write(row(receiver="lib.there"), using="other")

        assert asked("--database", "other") == ["lib.there"]

    def test_an_object_of_a_model_that_is_gone(self) -> None:
        write(row(receiver="lib.mine", object="old.Book:3"))

        assert asked("--object", "old.Book:3") == ["lib.mine"]

    def test_former_names(self) -> None:
        @signalkit.receiver(post_save, sender=Book, name="lib.renamed", aliases=["lib.old"])
        def renamed(**kwargs: Any) -> None: ...

        assert asked("--receiver", "lib.renamed") == ["lib.old"]


class TestNeverRan:
    def test_it(self) -> None:
        write(
            scheduled(receiver="lib.lost"),
            scheduled(receiver="lib.young", ago=timedelta(seconds=1)),
            scheduled(receiver="lib.ran", run=1),
            row(receiver="lib.ran", run=1),
            scheduled(receiver="lib.long.ago", ago=timedelta(days=10)),
        )

        assert asked("--never-ran", verbosity=0) == ["lib.long.ago", "lib.lost"]
        assert asked("--never-ran", "--grace", "0s", "--since", "1h") == ["lib.young", "lib.lost"]
        assert asked("--never-ran", "--since", "1d") == ["lib.lost"]
        assert status("--never-ran", "--grace", "30d", verbosity=0) == (
            1,
            "No run matches --never-ran (older than 30d; see --grace).",
        )

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            ([], "--never-ran (older than 1m; see --grace)"),
            (["--grace", "90s"], "--never-ran (older than 90s; see --grace)"),
            (
                ["--grace", "0s", "--before", "1"],
                "--never-ran --before 1 (older than 0s; see --grace)",
            ),
            (
                ["--signal", "post_save"],
                "--signal post_save --never-ran (older than 1m; see --grace)",
            ),
        ],
    )
    def test_none_is_found(self, arguments: list[str], said: str) -> None:
        write(scheduled(ago=timedelta(seconds=1)))

        assert status("--never-ran", *arguments) == (1, f"No run matches {said}.")
        assert "grace" not in status("--outcome", "failed")[1]


class TestPages:
    def test_each_goes_on_where_the_one_before_ended(self) -> None:
        ids = write(*(row() for _ in range(5)))
        first = json.loads(command("runs", limit=2, format="json"))
        second = json.loads(command("runs", "--limit", "2", before=first["next"], format="json"))
        last = json.loads(command("runs", limit=2, before=second["next"], format="json"))

        assert [run["id"] for run in first["runs"] + second["runs"] + last["runs"]] == ids[::-1]
        assert last["next"] is None

    def test_the_table_says_how_to_go_on(self) -> None:
        ids = write(row(), row())

        assert command("runs", limit=1).endswith(f"\nThere are more: --before {ids[1]}\n")
        assert "There are more" not in command("runs", limit=2)

    @pytest.mark.parametrize("number", ["0", "-1", "x"])
    def test_numbers(self, number: str) -> None:
        with pytest.raises(CommandError, match="not a number above 0"):
            command("runs", "--limit", number)


class TestExitStatus:
    def test_nothing_found(self) -> None:
        assert status() == (1, "No run matches.")
        assert status("--outcome", "failed") == (1, "No run matches --outcome failed.")

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["--receiver", "lib.shelv"], "Did you mean 'lib.Shelve'?"),
            (["--outcome", "fialed"], "Did you mean 'failed'?"),
            (["--signal", "post_safe"], "Did you mean 'post_save'?"),
            (["--source", "requset"], "Did you mean 'request'?"),
            (["--alias", "defualt"], "Did you mean 'default'?"),
            (["--database", "defualt"], "Did you mean 'default'?"),
            (["--object", "Book 12"], "expected app.Model:pk"),
            (["--object", "testap.Book:3"], "Did you mean 'testapp.Book'?"),
            (["--object", "testapp.Bok:3"], "No model is called 'testapp.Bok'"),
            (["--tree", "x", "--outcome", "failed"], "leave out --outcome"),
        ],
    )
    def test_unknown_names(self, arguments: list[str], said: str) -> None:
        write(row())
        code, text = status(*arguments)

        assert code == 2
        assert said in text

    def test_a_plain_receiver(self) -> None:
        plain = "django.contrib.auth.models.update_last_login"
        code, text = status("--receiver", plain)

        assert code == 2
        assert text.startswith(f"{plain} is a plain Django receiver, and no run of it is on record")
        assert 'SIGNALKIT["RUNS"]["PLAIN"]' in text
        assert 'record="all"' in text
        assert f"Did you mean {plain!r}?" in status("--receiver", plain.replace("last_", ""))[1]
        with override_settings(SIGNALKIT={"RUNS": {"PLAIN": ["django.contrib.auth.*"]}}):
            assert status("--receiver", plain) == (1, f"No run matches --receiver {plain}.")
        write(row(receiver=plain))
        assert asked("--receiver", plain) == [plain]

    def test_a_moment_that_is_none(self) -> None:
        with pytest.raises(CommandError, match="'soon' is no moment; expected an age such as"):
            command("runs", "--since", "soon")
        assert status(since="soon")[0] == 2


class TestTable:
    @pytest.fixture(autouse=True)
    def rows(self) -> None:
        write(
            row(
                receiver="lib." + "Long" * 30,
                outcome="failed",
                error="ValueError",
                message="no such book " * 40,
                traceback="Traceback\n  File x.py, line 1\n",
                actor_type="auth.User",
                actor_id="7",
                actor_label="ada",
                duration=12_345,
            ),
            row(
                outcome="skipped",
                message="condition",
                reason="the new catalogue",
                duration=None,
                queries=None,
            ),
        )

    @pytest.mark.parametrize(("given", "taken"), [("40", 80), ("120", 120), ("999", 160)])
    def test_it_fits_the_terminal(
        self, monkeypatch: pytest.MonkeyPatch, given: str, taken: int
    ) -> None:
        monkeypatch.setenv("COLUMNS", given)
        for output in (command("runs"), command("runs", "--tree", "c" * 32)):
            assert max(map(len, output.splitlines())) <= taken

    def test_what_it_says(self) -> None:
        text = command("runs")

        assert "12.3 ms     2 q" in text
        assert "ValueError: no such book" in text
        assert "testapp.Book:1 · post_save · after commit · ada (auth.User:7) · request" in text
        assert "\n      skipped: condition\n" in text
        assert " · request POST /books/ · reason: the new catalogue ·" in text
        assert "Traceback" not in text
        # What an error says at length is for verbosity 2.
        assert text.count("no such book") < 20 < command("runs", verbosity=2).count("no such book")

    def test_verbosity(self) -> None:
        write(row(parent=1))
        assert len(command("runs", verbosity=0).splitlines()) == 3
        assert len(command("runs", "--tree", "c" * 32, verbosity=0).splitlines()) == 3
        assert "      Traceback\n        File x.py, line 1\n" in command("runs", verbosity=2)
        assert "lib." + "Long" * 30 in command("runs", verbosity=2)

    def test_a_source_is_named_once(self) -> None:
        write(row(source="shell", detail="shell"))

        assert " · shell · c" in command("runs")

    def test_colours_are_for_terminals(self) -> None:
        assert "\x1b[" not in command("runs")
        assert "\x1b[" in command("runs", force_color=True)

    def test_a_terminal_that_knows_ascii_only(self) -> None:
        write(row(receiver="lib.größe", duration=12))
        written = io.BytesIO()
        terminal = io.TextIOWrapper(written, encoding="ascii")

        call_command("signalkit", "runs", stdout=terminal)
        terminal.flush()

        assert b"lib.gr\\xf6\\xdfe" in written.getvalue()
        assert b"12 us" in written.getvalue()


class TestJson:
    def test_each_column_is_there(self) -> None:
        write(row())
        (run,) = json.loads(command("runs", format="json"))["runs"]

        assert [*run] == [field.name for field in ReceiverRun._meta.fields]
        assert datetime.fromisoformat(run["started"]).tzinfo is not None

    def test_nothing_found_is_a_document_too(self) -> None:
        output = io.StringIO()
        with pytest.raises(CommandError):
            call_command("signalkit", "runs", format="json", stdout=output)

        assert json.loads(output.getvalue())["runs"] == []


class TestTree:
    def shown(self, *rows: ReceiverRun) -> list[tuple[str, int, str]]:
        write(*rows)
        document = json.loads(command("runs", "--tree", "c" * 32, format="json"))
        return [(run["receiver"], run["depth"], run["remark"]) for run in document["runs"]]

    def test_each_stands_below_what_caused_it(self) -> None:
        """A run is written when it ends, so a parent after its children."""
        assert self.shown(
            row(run=3, parent=2, receiver="c", ago=timedelta(seconds=10)),
            row(run=4, parent=1, receiver="d", ago=timedelta(seconds=5)),
            row(run=2, parent=1, receiver="b", ago=timedelta(seconds=20)),
            row(run=1, receiver="a", ago=timedelta(seconds=30)),
            row(run=9, receiver="z", ago=timedelta(seconds=1)),
            row(run=8, receiver="y", correlation="other"),
        ) == [("a", 0, ""), ("b", 1, ""), ("c", 2, ""), ("d", 1, ""), ("z", 0, "")]

    def test_of_a_run_with_several_rows_the_last_counts(self) -> None:
        write(scheduled(run=1), row(run=1), scheduled(run=2))
        text = command("runs", "--tree", "c" * 32)

        assert text.count("lib.Shelve") == 2
        assert text.count("succeeded") == text.count("scheduled") == 1

    def test_a_parent_that_is_missing(self) -> None:
        assert self.shown(
            row(run=2, parent=1, receiver="b"), row(run=3, parent=2, receiver="c")
        ) == [("b", 0, "elsewhere"), ("c", 1, "")]
        assert "caused by a run that is not on record here" in command("runs", "--tree", "c" * 32)

    def test_a_cycle(self) -> None:
        assert self.shown(
            row(run=1, parent=3, receiver="a", ago=timedelta(seconds=30)),
            row(run=2, parent=1, receiver="b", ago=timedelta(seconds=20)),
            row(run=3, parent=2, receiver="c", ago=timedelta(seconds=10)),
            row(run=4, parent=4, receiver="d", ago=timedelta(seconds=5)),
        ) == [("a", 0, "cycle"), ("b", 1, ""), ("c", 2, ""), ("d", 0, "cycle")]

    def test_deeper_than_the_stack_of_python(self) -> None:
        rows = [row(run=number, parent=number - 1 or None) for number in range(1, 3_000)]
        depths = [
            node.depth
            for node in trees.tree(ReceiverRun(pk=each.run, **_of(each)) for each in rows)
        ]

        assert depths == [*range(2_999)]

    def test_a_large_one_is_cut_and_says_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(trees, "LARGEST", 2)
        write(row(), row(), row())

        assert "These are the first 2 rows; there are more." in command("runs", "--tree", "c" * 32)
        document = json.loads(command("runs", "--tree", "c" * 32, format="json"))
        assert (len(document["runs"]), document["complete"]) == (2, False)

    def test_indented(self) -> None:
        write(row(run=1, receiver="lib.a"), row(run=2, parent=1, receiver="lib.b"))
        first, second = command("runs", "--tree", "c" * 32).splitlines()

        assert first.startswith("lib.a ")
        assert second.startswith("  lib.b ")

    def test_what_kept_a_run_from_running_and_the_reason_of_its_context(self) -> None:
        context = {"reason": "the new catalogue"}
        write(
            row(run=1, **context),
            row(run=2, parent=1, outcome="skipped", message="reentry", **context),
        )
        _, reason, _, why = command("runs", "--tree", "c" * 32).splitlines()

        assert reason == "      reason: the new catalogue"
        assert why == "      skipped: reentry"

    def test_unknown(self) -> None:
        assert status("--tree", "nosuch") == (1, "No run matches --tree nosuch.")


def _of(run: ReceiverRun) -> dict[str, Any]:
    return {"run": run.run, "parent": run.parent, "started": run.started}


class TestWhereNothingIsRecorded:
    CODE = """
import json, sys
import django
from django.conf import settings

settings.configure(
    INSTALLED_APPS=json.loads(sys.argv.pop(1)),
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
)
django.setup()
from django.core.management import execute_from_command_line

execute_from_command_line(["manage.py", "signalkit", *sys.argv[1:]])
"""

    def said(self, apps: list[str], *arguments: str) -> str:
        """Call the command in a project of its own; return its complaint."""
        done = subprocess.run(
            [sys.executable, "-c", self.CODE, json.dumps(apps), *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1
        return done.stderr

    @pytest.mark.parametrize("subcommand", ["runs", "prune", "partition", "list --stats"])
    def test_the_app_is_not_installed(self, subcommand: str) -> None:
        said = self.said(["signalkit"], *subcommand.split())

        assert '    "signalkit.runs",\nto INSTALLED_APPS, behind "signalkit"' in said

    @pytest.mark.parametrize("subcommand", ["runs", "prune", "partition", "list --stats"])
    def test_there_is_no_table(self, subcommand: str) -> None:
        said = self.said(["signalkit", "signalkit.runs"], *subcommand.split())

        assert "Run manage.py migrate signalkit_runs --database default" in said
