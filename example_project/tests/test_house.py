"""Migrations, seeds, settings, the notice: what keeps the house running."""

from inspect import getdoc
from pathlib import Path

import django
import pytest
from django.conf import LazySettings
from django.contrib.auth.models import Group
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import override_settings
from django.utils.autoreload import autoreload_started

from shop.demo.builtin import builtin_signals
from shop.demo.promises import find
from shop.demo.reloading import edit_under_runserver
from shop.factories import OrderFactory
from shop.models import Author, Book
from shop.money import money
from shop.notice import notice
from shop.pulse import pulse
from shop.tasks import reconcile_till
from shop.till import till
from signalkit import catalogue
from signalkit.declaration import Origin
from signalkit.registry import registry
from signalkit.testing import run_on_commit


class TestReceivers:
    def test_every_built_in_signal_has_one(self) -> None:
        heard = {signal for declaration in registry.all() for signal in declaration.signals}
        assert [name for name, signal in builtin_signals().items() if signal not in heard] == []

    def test_the_demo_and_signalkit_know_the_same_signals(self) -> None:
        known = {f"{each.module}.{each.name}" for each in catalogue.builtin_signals()}
        assert set(builtin_signals()) == known

    def test_each_says_what_it_is_for(self) -> None:
        ours = [each for each in registry.all() if each.name.startswith(("shop.", "accounts."))]
        assert len(ours) > 30
        assert [each.name for each in ours if not _doc(each.origin)] == []


def _doc(origin: Origin) -> str | None:
    return getdoc(find(origin))


@pytest.mark.django_db
class TestMigrations:
    def test_none_is_missing(self) -> None:
        call_command("makemigrations", "--check", "--dry-run", verbosity=0)

    def test_prepare_the_staff_and_bear_repetition(self) -> None:
        for _ in range(2):
            call_command("migrate", verbosity=0)
        assert (
            Group.objects.get(name="Booksellers")
            .permissions.filter(codename="change_book")
            .exists()
        )

    def test_are_refused_by_older_code(self) -> None:
        MigrationRecorder(connection).record_applied("shop", "0999_from_the_future")
        with pytest.raises(CommandError, match=r"shop\.0999_from_the_future"):
            call_command("migrate", verbosity=0)


@pytest.mark.django_db
def test_seeding_twice_adds_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("seed")
    run_on_commit()
    books = Book.objects.count()
    capsys.readouterr()
    call_command("seed")
    assert capsys.readouterr().out.splitlines() == [
        "Added 0 authors, 0 books and 0 users.",
        'Sign in as "bookseller" or "ada", password "a quiet page".',
    ]
    assert mail.outbox == []
    assert (Book.objects.count(), Author.objects.count()) == (books, 10)
    assert Book.objects.published().filter(keywords="").count() == 0


WAITS = {
    "sqlite": ("PRAGMA busy_timeout", 3000),
    "postgresql": ("SHOW lock_timeout", "3s"),
    "mysql": ("SELECT @@innodb_lock_wait_timeout", 3),
}


@pytest.mark.django_db(transaction=True)
def test_a_new_connection_does_not_wait_long_for_a_lock() -> None:
    question, answer = WAITS[connection.vendor]
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute(question)
        assert cursor.fetchone() == (answer,)


@pytest.mark.skipif(django.VERSION < (6, 0), reason="Django has tasks from 6.0 on")
@pytest.mark.django_db
@pytest.mark.parametrize(("taken", "outcome"), [(True, "tasks finished"), (False, "tasks failed")])
def test_a_task_is_followed_through_its_life(
    taken: bool, outcome: str, caplog: pytest.LogCaptureFixture
) -> None:
    order = OrderFactory()
    run_on_commit()
    if not taken:
        till.taken.clear()
    before = pulse.seen.copy()
    reconcile_till.enqueue(order.pk)
    assert pulse.seen - before == {"tasks enqueued": 1, "tasks started": 1, outcome: 1}
    told = [each.getMessage() for each in caplog.records if each.name == "shop.receivers.tasks"]
    assert told == ([] if taken else ["Task reconcile_till failed with builtins.LookupError"])


def test_prices_follow_the_setting() -> None:
    assert money(1234).startswith("€")
    with override_settings(SHOP_CURRENCY="£"):
        assert money(1234) == "£\N{NO-BREAK SPACE}1,234.00"
    assert money(1234).startswith("€")


class TestNotice:
    def test_is_reread_without_a_restart(self, settings: LazySettings) -> None:
        file = Path(settings.SHOP_NOTICE)
        file.write_text("old")
        assert notice() == "old"
        edit_under_runserver(file, "new")
        assert notice() == "new"

    def test_may_be_missing(self) -> None:
        assert notice() == ""

    def test_another_file_still_restarts_the_server(
        self, settings: LazySettings, tmp_path: Path
    ) -> None:
        other = tmp_path / "other.txt"
        other.write_text("old")

        def watch(sender: object, **kwargs: object) -> None:
            sender.watch_dir(tmp_path, "other.txt")  # type: ignore[attr-defined]  # a reloader

        autoreload_started.connect(watch)
        try:
            with pytest.raises(SystemExit) as restart:
                edit_under_runserver(other, "new")
        finally:
            autoreload_started.disconnect(watch)
        assert restart.value.code == 3
