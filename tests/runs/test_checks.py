"""What the system checks say of the record, through Django's own command."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import checks
from django.db import connection, transaction
from django.db.models.signals import post_save
from django.dispatch import Signal
from django.test import modify_settings, override_settings

from signalkit.runs import plain
from signalkit.runs.health import health
from signalkit.runs.models import ReceiverRun
from signalkit.runs.tables import tables
from tests.dispatch.recording import listen
from tests.testapp.models import Tag

pytestmark = pytest.mark.django_db(
    transaction=True, available_apps=["tests.testapp", "signalkit.runs"]
)

sent = Signal()


def found(number: str, databases: list[str] | None = None) -> list[str]:
    """Return what a check says: the message and the hint."""
    tags = ["signalkit"] if databases is None else [checks.Tags.database]
    messages = checks.run_checks(tags=tags, databases=databases)
    return [f"{each.msg} {each.hint}" for each in messages if each.id == f"signalkit.{number}"]


def runs(**options: Any) -> Any:
    return override_settings(SIGNALKIT={"RUNS": options})


class TestE004:
    @pytest.mark.parametrize(
        "option", [{"record": "all"}, {"record": 0.5}, {"announce": True}, {"record_skips": True}]
    )
    def test_an_option_and_nothing_that_records(self, option: dict[str, Any]) -> None:
        [name] = option
        phase = {"phase": "after_commit"} if name == "announce" else {}
        if phase:
            from signalkit import Phase

            listen(post_save, Tag, name="tests.a", phase=Phase.AFTER_COMMIT, announce=True)
        else:
            listen(post_save, Tag, name="tests.a", **option)
        assert found("E004") == []
        with modify_settings(INSTALLED_APPS={"remove": "signalkit.runs"}):
            [message] = found("E004")
        assert name in message
        assert "INSTALLED_APPS" in message

    def test_who_asks_for_nothing_needs_nobody(self) -> None:
        listen(post_save, Tag, name="tests.a", record="off")
        listen(post_save, Tag, name="tests.b")
        with modify_settings(INSTALLED_APPS={"remove": "signalkit.runs"}):
            assert found("E004") == []


class TestE005:
    @pytest.mark.parametrize("key", ["DATABASE", "FALLBACK_DATABASE"])
    def test_an_alias_that_does_not_exist(self, key: str) -> None:
        listen(sent, name="tests.sent")
        with runs(**{key: "archive"}):
            # Whoever sends is not told; whoever checks is.
            sent.send(sender=None)
            [message] = found("E005")
        assert f"['{key}'] is 'archive'" in message
        assert "default, other" in message
        assert sum(health.lost.values()) == 1

    def test_those_that_exist(self) -> None:
        with runs(DATABASE="other", FALLBACK_DATABASE="other"):
            assert found("E005") == []


class TestW020:
    def test_a_name_that_no_plain_receiver_has(self) -> None:
        with runs(PLAIN=["shop.nobody", "django.*"]):
            [message] = found("W020")
            assert "'shop.nobody'" in message
            assert plain.unmatched() == ["shop.nobody"]
        assert found("W020") == []


class TestW021:
    def test_runs_that_were_lost(self) -> None:
        assert found("W021") == []
        health.count("refused by 'default'", 7)
        health.count("not written yet, will be tried again", 0)
        [message] = found("W021")
        assert message.startswith("7 runs of this process were not recorded so far: refused by")


class TestW022:
    def test_a_database_without_the_table(self) -> None:
        assert found("W022", ["default"]) == []
        with connection.schema_editor() as editor:
            editor.delete_model(ReceiverRun)
        try:
            tables.forget()
            [message] = found("W022", ["default"])
            assert "it has no table" in message
            assert "migrate --database default" in message
            # Only where databases are asked for.
            assert found("W022") == []
        finally:
            with connection.schema_editor() as editor:
                editor.create_model(ReceiverRun)
            tables.forget()

    def test_one_with_a_table_of_another_version(self) -> None:
        field = ReceiverRun._meta.get_field("reason")
        with connection.schema_editor() as editor:
            editor.remove_field(ReceiverRun, field)
        try:
            [message] = found("W022", ["default"])
            assert "lacks reason" in message
            with transaction.atomic():
                Tag.objects.create(name="a")
        finally:
            with connection.schema_editor() as editor:
                editor.delete_model(ReceiverRun)
                editor.create_model(ReceiverRun)

    def test_where_the_router_keeps_it_away_none_is_wanted(self) -> None:
        class NotHere:
            def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
                return app_label != "signalkit_runs"

        with connection.schema_editor() as editor:
            editor.delete_model(ReceiverRun)
        try:
            with override_settings(DATABASE_ROUTERS=[NotHere()]):
                assert found("W022", ["default"]) == []
        finally:
            with connection.schema_editor() as editor:
                editor.create_model(ReceiverRun)


def test_every_check_is_explained() -> None:
    from pathlib import Path

    page = Path(__file__).resolve().parents[2] / "docs" / "reference" / "checks.md"
    for number in ("E004", "E005", "W020", "W021", "W022"):
        assert f'<a id="signalkit.{number}"></a>' in page.read_text()


@modify_settings(INSTALLED_APPS={"remove": "signalkit"})
def test_e006_the_record_without_signalkit() -> None:
    [message] = found("E006")
    assert message.startswith('INSTALLED_APPS has "signalkit.runs" and not "signalkit"')
    assert message.endswith('Add "signalkit" to INSTALLED_APPS.')
