"""``manage.py signalkit list`` with what is on record."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError
from django.db.models.signals import post_save
from django.test import override_settings

import signalkit
from tests.runs.reading.rows import command, row, write
from tests.testapp.models import Book

pytestmark = pytest.mark.django_db(databases=["default", "other"])

FIGURES = {
    "last_run",
    "runs",
    "is_sample",
    "p50",
    "p95",
    "queries",
    "failures",
    "failures_are_capped",
}


@pytest.fixture(autouse=True)
def declared(nothing_is_recorded: None) -> Any:
    @signalkit.receiver(post_save, sender=Book, name="lib.shelve", aliases=["lib.put"])
    def shelve(**kwargs: Any) -> None: ...

    @signalkit.receiver(post_save, sender=Book, name="lib.idle", order=1)
    def idle(**kwargs: Any) -> None: ...

    @signalkit.receiver(post_save, sender=Book, name="lib.secret", record="off")
    def secret(**kwargs: Any) -> None: ...

    with override_settings(SIGNALKIT={"RUNS": {"RECORD": "all"}}):
        yield


def listed(*arguments: str, **options: Any) -> list[str]:
    document = json.loads(command("list", *arguments, format="json", **options))
    return [each["receiver"] for each in document["receivers"]]


class TestStats:
    def test_a_line_for_each_receiver_on_record(self) -> None:
        write(
            row(receiver="lib.shelve", duration=1_000),
            row(receiver="lib.put", duration=2_500, outcome="failed"),
        )
        lines = command("list", "--stats", "--signal", "post_save").splitlines()
        (place,) = [number for number, line in enumerate(lines) if "lib.shelve " in line]
        (idle,) = [number for number, line in enumerate(lines) if "lib.idle " in line]
        text = " ".join(line.strip() for line in lines[place + 2 : place + 4])

        assert "last run 2" in text
        assert "p50 1.0 ms · p95 2.5 ms · 2.0 queries · of 2 runs · 1 failed" in text
        assert lines[idle + 2].strip() == "no run on record"

    def test_what_is_not_recorded_has_none(self) -> None:
        text = command("list", "--stats", "--signal", "post_save")

        # lib.shelve and lib.idle
        assert text.count("no run on record") == 2

    @pytest.mark.parametrize("option", ["--stats", "--called", "--not-called"])
    def test_what_signalkit_connects_for_itself_is_left_out(self, option: str) -> None:
        write(row(receiver="lib.shelve"))
        ours = [name for name in listed() if name.startswith("signalkit.")]
        with override_settings(SIGNALKIT={"RUNS": {"PLAIN": ["*"]}}):
            shown = listed(option)

        assert ours
        assert shown
        assert not {*ours} & {*shown}

    def test_nothing_is_left(self) -> None:
        with pytest.raises(CommandError, match=r"No receiver matches --app signalkit --stats\."):
            listed("--app", "signalkit", "--stats")

    def test_the_window(self) -> None:
        write(row(receiver="lib.shelve", ago=timedelta(days=8)))

        assert "last run" not in command("list", "--stats")
        assert "last run" in command("list", "--stats", "9d")
        assert "last run" in command("list", stats="9d")
        with pytest.raises(CommandError, match="'soon' is no moment"):
            command("list", "--stats", "soon")

    def test_json(self) -> None:
        write(row(receiver="lib.shelve"))
        document = json.loads(command("list", "--stats", format="json"))
        figures = {each["receiver"]: each["figures"] for each in document["receivers"]}

        assert set(document) == {"version", "receivers", "since", "orphaned"}
        assert set(figures["lib.shelve"]) == FIGURES
        assert figures["lib.shelve"]["p95"] == 1_500
        assert figures["lib.idle"]["runs"] == 0
        assert figures["lib.secret"] is None
        assert figures["django.contrib.auth.models.update_last_login"] is None

    def test_without_it_nothing_is_asked(self, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(0):
            document = json.loads(command("list", format="json"))
        assert set(document) == {"version", "receivers"}

    def test_another_database(self) -> None:
        write(row(receiver="lib.shelve"), using="other")

        assert "last run" not in command("list", "--stats")
        assert "last run" in command("list", "--stats", "--database", "other")

    @pytest.mark.parametrize(("given", "taken"), [("80", 80), ("160", 160)])
    def test_it_fits_the_terminal(
        self, monkeypatch: pytest.MonkeyPatch, given: str, taken: int
    ) -> None:
        write(row(receiver="lib.shelve", outcome="failed", duration=123_456_789))
        monkeypatch.setenv("COLUMNS", given)

        assert max(map(len, command("list", "--stats").splitlines())) <= taken


class TestByRecord:
    def test_called(self) -> None:
        write(row(receiver="lib.put", ago=timedelta(days=300)))

        assert listed("--called") == ["lib.shelve"]
        with pytest.raises(CommandError, match="No receiver matches --called") as raised:
            listed("--called", "--stats", "7d")
        assert raised.value.returncode == 1

    def test_not_called_is_what_could_have_been_recorded(self) -> None:
        write(row(receiver="lib.shelve"))
        write(row(receiver="lib.idle", outcome="skipped", duration=None))

        assert listed("--not-called", "--signal", "post_save") == ["lib.idle"]

    def test_plain_receivers_that_are_recorded(self) -> None:
        plain = "django.contrib.auth.models.update_last_login"
        assert plain not in listed("--not-called")
        with override_settings(SIGNALKIT={"RUNS": {"PLAIN": ["django.contrib.auth.*"]}}):
            assert plain in listed("--not-called")
            write(row(receiver=plain))
            assert plain in listed("--called")

    def test_orphaned(self) -> None:
        write(
            row(receiver="lib.shelve"),
            row(receiver="lib.put"),
            row(receiver="lib.gone", ago=timedelta(days=20)),
            row(receiver="django.contrib.auth.models.update_last_login"),
        )
        document = json.loads(command("list", "--orphaned", format="json"))
        text = command("list", "--orphaned")

        assert document["receivers"] == []
        assert [each["receiver"] for each in document["orphaned"]] == ["lib.gone"]
        assert document["orphaned"][0]["figures"]["runs"] == 1
        assert text.startswith("lib.gone\n      last run ")

    def test_nobody_is_orphaned(self) -> None:
        with pytest.raises(CommandError, match="No receiver matches --orphaned") as raised:
            command("list", "--orphaned")
        assert raised.value.returncode == 1

    def test_one_of_them_at_a_time(self) -> None:
        with pytest.raises(CommandError, match="not allowed with argument"):
            command("list", "--called", "--orphaned")
