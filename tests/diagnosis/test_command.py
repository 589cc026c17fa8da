"""``manage.py signalkit``: its subcommands, their options, their output and exit status."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, get_args

import pytest
from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand
from django.core.management.color import no_style
from django.db.models.signals import post_save

import signalkit
from signalkit import Phase
from signalkit.diagnosis.listing import State
from signalkit.management.commands.signalkit import Command
from signalkit.management.subcommand import find_subcommands
from tests.testapp.models import Book

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def declared() -> None:
    @signalkit.receiver(post_save, sender=Book, phase=Phase.AFTER_COMMIT, name="lib.shelve")
    def shelve(**kwargs: Any) -> None: ...


def run(*args: str, **options: Any) -> str:
    """Call the command; return what it wrote."""
    output = io.StringIO()
    call_command("signalkit", *args, stdout=output, **options)
    return output.getvalue()


def manage(*args: str) -> subprocess.CompletedProcess[str]:
    """Call the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "django", "signalkit", *args],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        capture_output=True,
        text=True,
        check=False,
    )


class TestCommand:
    def test_alone_it_says_what_there_is(self) -> None:
        text = run()

        assert "usage:" in text
        assert re.search(r"^ +list +List every receiver", text, re.M)

    def test_each_subcommand_says_what_it_does(self) -> None:
        for subcommand in find_subcommands().values():
            assert subcommand.help.endswith(".")

    def test_each_subcommand_has_its_place_in_the_documentation(self) -> None:
        text = (ROOT / "docs/reference/commands.md").read_text()

        assert re.findall(r"^## `signalkit (\w+)`", text, re.M) == [*find_subcommands()]

    @pytest.mark.parametrize(
        "options",
        [
            ["--settings", "tests.settings"],
            ["--pythonpath", "."],
            ["--verbosity", "0"],
            ["-v", "2"],
            ["--traceback"],
            ["--no-color"],
            ["--force-color"],
            ["--skip-checks"],
        ],
        ids=lambda options: options[0],
    )
    def test_common_options_may_stand_before_and_after(self, options: list[str]) -> None:
        parser = Command().create_parser("manage.py", "signalkit")

        before = parser.parse_args([*options, "list"])
        after = parser.parse_args(["list", *options])

        assert before == after
        assert before != parser.parse_args(["list"])

    def test_no_subcommand_undoes_what_stands_before_it(self) -> None:
        parser = Command().create_parser("manage.py", "signalkit")

        assert parser.parse_args(["--verbosity", "3", "list"]).verbosity == 3
        assert parser.parse_args(["--verbosity", "3", "list", "--verbosity", "0"]).verbosity == 0
        assert parser.parse_args(["list"]).verbosity == 1

    def test_every_option_that_django_gives_all_commands_is_there(self) -> None:
        plain = BaseCommand().create_parser("manage.py", "any").format_help()
        text = manage("list", "--help").stdout

        assert set(re.findall(r"--[\w-]+", plain)) <= set(re.findall(r"--[\w-]+", text))

    def test_checks_run_for_subcommands_that_want_them(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        checked = []
        monkeypatch.setattr(Command, "check", lambda self, **kwargs: checked.append(kwargs))
        subcommand = find_subcommands()["list"]

        run("list", skip_checks=False)
        run(skip_checks=False)
        assert checked == []

        monkeypatch.setattr(subcommand, "requires_system_checks", True)
        run("list", skip_checks=False)
        assert len(checked) == 1

    def test_an_unknown_subcommand_is_refused(self) -> None:
        with pytest.raises(CommandError, match="invalid choice: 'lits'"):
            run("lits")

    def test_a_reader_that_has_read_enough_is_no_error(self) -> None:
        reader, writer = os.pipe()
        os.close(reader)
        with os.fdopen(writer, "w") as closed:
            done = subprocess.run(
                [sys.executable, "-m", "django", "signalkit", "list"],
                cwd=ROOT,
                env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
                stdout=closed,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
            )

        assert (done.returncode, done.stderr) == (1, "")

    def test_what_breaks_the_pipe_is_caught_here_too(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        # The other process is not measured; this is the same within this one.
        def broken(self: object, argv: object) -> None:
            raise BrokenPipeError

        monkeypatch.setattr(BaseCommand, "run_from_argv", broken)
        file = tmp_path / "output"
        with file.open("w") as stdout:
            monkeypatch.setattr(sys, "stdout", stdout)
            with pytest.raises(SystemExit) as raised:
                Command().run_from_argv(["manage.py", "signalkit"])
            stdout.write("too late")

        assert raised.value.code == 1
        assert file.read_text() == ""

    def test_from_the_command_line(self, capsys: pytest.CaptureFixture[str]) -> None:
        Command().run_from_argv(["manage.py", "signalkit", "list", "--signal", "post_save"])

        assert "lib.shelve" in capsys.readouterr().out


class TestTable:
    def test_it_shows_what_is_connected(self) -> None:
        text = run("list")

        assert re.search(r"^ +\d+  lib\.shelve +testapp\.Book +after commit$", text, re.M)
        assert "django.contrib.auth.models.update_last_login" in text
        assert re.search(r"^\d+ rows of \d+ signals: \d+ by signalkit, \d+ plain\.$", text, re.M)

    def test_verbosity(self) -> None:
        quiet, normal, full = (run("list", verbosity=level) for level in range(3))

        assert len(quiet) < len(normal) < len(full)
        assert "rows of" not in quiet
        assert f"{__name__}.declared.<locals>.shelve" in full

    def test_filters(self) -> None:
        text = run("list", "--signal", "post_save", "--sender", "testapp.Book")

        assert "lib.shelve" in text
        assert "update_last_login" not in text

    def test_filters_from_code(self) -> None:
        assert "lib.shelve" in run("list", signal="post_save", sender=["testapp.Book"])

    def test_colours_are_for_terminals(self) -> None:
        assert "\x1b[" not in run("list")
        assert "\x1b[" in run("list", force_color=True)
        assert "\x1b[" not in run("list", no_color=True)

    @pytest.mark.parametrize(("given", "taken"), [("40", 80), ("120", 120), ("999", 160)])
    def test_it_fits_the_terminal(
        self, monkeypatch: pytest.MonkeyPatch, given: str, taken: int
    ) -> None:
        monkeypatch.setenv("COLUMNS", given)

        assert max(map(len, run("list").splitlines())) <= taken

    def test_a_terminal_that_knows_ascii_only(self) -> None:
        written = io.BytesIO()
        terminal = io.TextIOWrapper(written, encoding="ascii")

        call_command("signalkit", "list", stdout=terminal)
        terminal.flush()

        assert b" | uid=update_last_login" in written.getvalue()

    def test_a_terminal_is_shown_colours(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Terminal(io.StringIO):
            def isatty(self) -> bool:
                return True

        terminal = Terminal()
        command = Command(stdout=terminal, force_color=True)
        call_command(command, "list")
        assert "\x1b[" in terminal.getvalue()

        terminal = Terminal()
        call_command(Command(stdout=terminal, no_color=True), "list")
        assert "\x1b[" not in terminal.getvalue()
        assert no_style().SUCCESS("x") == "x"


class TestExitStatus:
    def test_nothing_found(self) -> None:
        with pytest.raises(
            CommandError, match="No receiver matches --signal post_save --app auth"
        ) as raised:
            run("list", "--signal", "post_save", "--app", "auth")

        assert raised.value.returncode == 1

    @pytest.mark.parametrize("option", ["--signal", "--sender", "--app"])
    def test_unknown_values(self, option: str) -> None:
        with pytest.raises(CommandError) as raised:
            run("list", option, "nosuch")

        assert raised.value.returncode == 2
        assert "'nosuch'" in str(raised.value)

    def test_an_unknown_format(self) -> None:
        with pytest.raises(CommandError, match="invalid choice: 'yaml'"):
            run("list", "--format", "yaml")

    def test_in_a_process_of_its_own(self) -> None:
        with ThreadPoolExecutor() as side_by_side:
            found, nothing, unknown, told = side_by_side.map(
                lambda options: manage("list", "--signal", *options),
                [
                    ("user_logged_in", "--no-color", "--verbosity", "0"),
                    ("post_init",),
                    ("post_safe", "--traceback"),
                    ("post_safe",),
                ],
            )

        assert (found.returncode, found.stderr) == (0, "")
        assert nothing.returncode == 1
        assert nothing.stderr == "CommandError: No receiver matches --signal post_init.\n"
        assert unknown.returncode == 1
        assert "UnknownFilter" in unknown.stderr
        assert told.returncode == 2


class TestJson:
    #: Key, and the types that its value may have: the format as it is documented.
    SCHEMA: dict[str, tuple[type, ...]] = {
        "signal": (str,),
        "signal_name": (str,),
        "sender": (str,),
        "sender_kind": (str,),
        "receiver": (str,),
        "path": (str,),
        "kind": (str,),
        "app": (str, type(None)),
        "phase": (str,),
        "position": (int, type(None)),
        "order": (int, type(None)),
        "options": (dict,),
        "async": (bool,),
        "weak": (bool,),
        "state": (str,),
        "reason": (str, type(None)),
        "off": (str, type(None)),
        "file": (str, type(None)),
        "line": (int, type(None)),
        "dispatch_uid": (str, type(None)),
        "payload": (dict, type(None)),
    }
    OPTIONS = {
        "created": (bool, type(None)),
        "raw": (bool,),
        "changed": (list,),
        "when": (str, type(None)),
        "on_error": (str,),
        "reentry": (str,),
        "once_per_transaction": (bool, str),
        "include_subclasses": (bool,),
        "using": (str, type(None)),
        "record": (str, float, int, type(None)),
        "record_skips": (bool,),
        "announce": (bool,),
        "after": (list,),
        "aliases": (list,),
        "replaces": (str, type(None)),
    }

    def test_each_row_has_the_documented_shape(self) -> None:
        document = json.loads(run("list", format="json"))

        assert set(document) == {"version", "receivers"}
        assert document["version"] == 1
        for row in document["receivers"]:
            assert set(row) == set(self.SCHEMA)
            assert all(isinstance(row[key], types) for key, types in self.SCHEMA.items())
            options = self.OPTIONS if row["kind"] != "plain" else {}
            assert set(row["options"]) == set(options)
            assert all(isinstance(row["options"][key], types) for key, types in options.items())
            assert row["state"] in get_args(State)

    def test_the_documentation_has_every_key(self) -> None:
        text = (ROOT / "docs/reference/commands.md").read_text()
        documented = re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", text, re.M)))
        example = json.loads(re.findall(r"```json\n(.*?)```", text, re.S)[0])["receivers"][0]

        assert set(self.SCHEMA) <= set(documented)
        assert set(example) == set(self.SCHEMA)
        assert all(f"`{option}`" in text for option in self.OPTIONS)

    def test_what_is_declared_is_there(self) -> None:
        (row,) = (
            row
            for row in json.loads(run("list", "--format", "json"))["receivers"]
            if row["receiver"] == "lib.shelve"
        )

        assert row["phase"] == "after_commit"
        assert row["file"] == __file__

    def test_nothing_found_is_still_a_document(self) -> None:
        output = io.StringIO()
        with pytest.raises(CommandError):
            call_command(
                "signalkit", "list", signal="post_save", app="auth", format="json", stdout=output
            )

        assert json.loads(output.getvalue()) == {"version": 1, "receivers": []}
