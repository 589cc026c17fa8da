"""Every connection is a row, and so is every receiver that should be connected and is not."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import update_last_login
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.db.models.signals import (
    m2m_changed,
    post_delete,
    post_migrate,
    post_save,
    pre_save,
)
from django.dispatch import Signal
from django.test import override_settings

import signalkit
from signalkit import ModelReceiver, Phase, Receiver
from signalkit.declaration import Declaration
from signalkit.diagnosis.listing import Row, all_rows, why_unconnected
from signalkit.diagnosis.senders import label_of
from signalkit.registry import registry
from tests.testapp.models import Audiobook, Book, Dated

played = Signal()


class Player:
    stopped = Signal()


def rows_of(receiver: str) -> list[Row]:
    return [row for row in all_rows() if row.receiver == receiver]


def row_of(receiver: str) -> Row:
    (row,) = rows_of(receiver)
    return row


def hear(**kwargs: Any) -> None: ...


async def hear_async(**kwargs: Any) -> None: ...


HEAR = f"{__name__}.hear"


def name(simple: str) -> str:
    """Return the name of what this module declares: it belongs to no app."""
    return f"{__name__}.{simple}"


class TestPlain:
    def test_one_of_django(self) -> None:
        row = row_of("django.contrib.auth.models.update_last_login")

        assert row.signal == "django.contrib.auth.signals.user_logged_in"
        assert row.signal_name == "user_logged_in"
        assert (row.sender, row.sender_kind) == ("any", "any")
        assert (row.kind, row.phase, row.order) == ("plain", "inline", None)
        assert (row.app, row.state, row.off) == ("auth", "connected", None)
        assert row.dispatch_uid == "update_last_login"
        assert row.file == update_last_login.__code__.co_filename
        assert row.line == update_last_login.__code__.co_firstlineno
        assert row.options == {}

    def test_a_uid_that_is_no_string_is_written_as_one(self) -> None:
        played.connect(hear, dispatch_uid=("a", 1))

        assert row_of(HEAR).dispatch_uid == "('a', 1)"

    def test_one_that_has_died(self) -> None:
        played.connect(partial(hear))
        gc.collect()

        (row,) = (row for row in all_rows() if row.signal == f"{__name__}.played")
        assert row.receiver == "a receiver that has died"
        assert (row.state, row.app, row.file) == ("dead", None, None)
        assert row.reason == "connected weakly, and nothing else held it"

    def test_one_that_waits_for_its_sender(self) -> None:
        awaited: Any = "testapp.NoSuch"
        try:
            post_save.connect(hear, sender=awaited)

            row = row_of(HEAR)
            assert (row.state, row.position) == ("awaited", None)
            assert (row.sender, row.sender_kind) == ("testapp.nosuch", "awaited")
            assert row.reason == "waits for a model that is not defined"
        finally:
            apps._pending_operations.pop(("testapp", "nosuch"))

    def test_asynchronous_ones_are_called_last(self) -> None:
        played.connect(hear_async)
        played.connect(hear)

        assert row_of(HEAR).position == 1
        assert row_of(f"{__name__}.hear_async").position == 2
        assert row_of(f"{__name__}.hear_async").is_async


class TestSignalNames:
    def test_a_custom_one_is_called_by_what_holds_it(self) -> None:
        played.connect(hear)

        assert row_of(HEAR).signal == row_of(HEAR).signal_name == f"{__name__}.played"

    def test_one_that_a_class_holds(self) -> None:
        Player.stopped.connect(hear)

        assert row_of(HEAR).signal == f"{__name__}.Player.stopped"

    def test_one_that_nobody_holds_by_a_name(self) -> None:
        signal = Signal()
        signal.connect(hear)

        assert row_of(HEAR).signal == repr(signal)

    def test_a_module_called_signals_is_believed_before_others(self) -> None:
        row = next(row for row in all_rows() if row.signal_name == "user_logged_in")

        assert row.signal == "django.contrib.auth.signals.user_logged_in"

    def test_a_module_called_signals_is_believed_for_custom_ones_too(self, site: Any) -> None:
        site.load("corner.signals", "from django.dispatch import Signal\nrung = Signal()\n")
        site.load(
            "corner.a", "from corner.signals import rung\nrung.connect(lambda **k: 0, weak=0)"
        )

        assert "corner.signals.rung" in {row.signal for row in all_rows()}


class TestSenderLabels:
    @pytest.mark.parametrize(
        ("sender", "expected"),
        [
            (Book, ("testapp.Book", "model")),
            (Dated, ("testapp.Dated (abstract)", "model")),
            (Book.tags.through, ("testapp.Book.tags", "model")),
            (Signal, ("django.dispatch.dispatcher.Signal", "class")),
            ("a string", ("'a string'", "string")),
            (object(), ("an object of object", "object")),
        ],
        ids=["model", "abstract", "through", "class", "string", "object"],
    )
    def test_senders(self, sender: object, expected: tuple[str, str]) -> None:
        assert label_of(sender) == expected

    def test_an_app(self) -> None:
        assert label_of(apps.get_app_config("testapp")) == ("testapp", "app")

    def test_a_through_model_whose_field_is_elsewhere(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        through = Book.tags.through
        monkeypatch.setattr(Book._meta.get_field("tags").remote_field, "through", None)

        assert label_of(through) == ("testapp.Book_tags", "model")


class TestDeclared:
    def test_a_class(self) -> None:
        class Shelve(ModelReceiver):
            signal = post_save
            sender = Book
            phase = Phase.AFTER_COMMIT
            created = True
            order = 5

            def when(self, event: signalkit.Event) -> bool:
                return True

            def handle(self, event: signalkit.Event) -> None: ...

        row = row_of(name("Shelve"))

        assert (row.kind, row.phase, row.order) == ("class", "after_commit", 5)
        assert (row.sender, row.sender_kind) == ("testapp.Book", "model")
        assert row.position is not None
        assert row.dispatch_uid == f"signalkit:{name('Shelve')}"
        assert row.file == __file__
        assert not row.weak
        assert row.options["created"] is True
        assert row.options["when"].endswith("Shelve.when")
        assert row.unusual == ("order=5", "created=True", "when")

    def test_a_function(self) -> None:
        @signalkit.receiver(
            [pre_save, post_save],
            sender=Book,
            raw=False,
            changed=["price", "stock"],
            on_error="isolate",
            reentry="skip",
            after=[name("other")],
            name="lib.shelve",
        )
        def shelve(**kwargs: Any) -> None: ...

        saved, unsaved = sorted(rows_of("lib.shelve"), key=lambda row: row.signal)

        assert (saved.signal_name, unsaved.signal_name) == ("post_save", "pre_save")
        assert saved.kind == "function"
        assert saved.dispatch_uid is None
        assert saved.unusual == (
            "raw=False",
            "changed=price,stock",
            "on_error=isolate",
            "reentry=skip",
            f"after={name('other')}",
        )

    def test_a_function_with_a_uid_and_a_key(self) -> None:
        @signalkit.receiver(
            post_save,
            sender=Book,
            dispatch_uid="mine",
            phase=Phase.BEFORE_COMMIT,
            once_per_transaction=lambda **kwargs: 1,
            name="lib.shelve",
        )
        def shelve(**kwargs: Any) -> None: ...

        row = row_of("lib.shelve")

        assert row.dispatch_uid == "mine"
        assert row.options["once_per_transaction"].endswith("<lambda>")
        assert row.unusual == ("once_per_transaction",)

    def test_raw_means_nothing_where_fixtures_send_nothing(self) -> None:
        class Shelve(ModelReceiver):
            signal = post_delete
            sender = Book

            def handle(self, event: signalkit.Event) -> None: ...

        class Fixtures(ModelReceiver):
            signal = m2m_changed
            sender = "testapp.Book.tags"
            raw = True

            def handle(self, event: signalkit.Event) -> None: ...

        assert row_of(name("Shelve")).unusual == ()
        assert row_of(name("Fixtures")).unusual == ("raw=True",)

    def test_asynchronous_ones_keep_their_place(self) -> None:
        @signalkit.receiver(played, name="lib.first", order=0)
        async def first(**kwargs: Any) -> None: ...

        @signalkit.receiver(played, name="lib.second", order=1)
        def second(**kwargs: Any) -> None: ...

        assert (row_of("lib.first").position, row_of("lib.second").position) == (1, 2)
        assert row_of("lib.first").is_async

    def test_strings_that_are_compared_by_value(self) -> None:
        @signalkit.receiver(user_login_failed, sender="django.contrib.auth", name="lib.watch")
        def watch(**kwargs: Any) -> None: ...

        assert row_of("lib.watch").sender == "'django.contrib.auth'"
        assert row_of("lib.watch").sender_kind == "string"

    def test_an_app_as_sender(self) -> None:
        @signalkit.receiver(post_migrate, sender="testapp", name="lib.fill")
        def fill(**kwargs: Any) -> None: ...

        assert (row_of("lib.fill").sender, row_of("lib.fill").sender_kind) == ("testapp", "app")

    def test_one_row_per_sender(self) -> None:
        @signalkit.receiver(post_save, sender=[Book, Audiobook], name="lib.shelve")
        def shelve(**kwargs: Any) -> None: ...

        senders = {row.sender for row in rows_of("lib.shelve")}
        assert senders == {"testapp.Book", "testapp.Audiobook"}


@pytest.fixture
def declared() -> Declaration:
    @signalkit.receiver(played, name="lib.declared")
    def declared(**kwargs: Any) -> None: ...

    return registry.get("lib.declared")


@pytest.mark.usefixtures("declared")
class TestSwitchedOff:
    def test_by_the_kill_switch(self) -> None:
        with override_settings(SIGNALKIT={"ENABLED": False}):
            assert row_of("lib.declared").off == "kill_switch"
        assert row_of("lib.declared").off is None

    def test_by_the_settings(self) -> None:
        with override_settings(SIGNALKIT={"DISABLED": ["lib.declared"]}):
            assert row_of("lib.declared").off == "settings"

    def test_for_the_process(self) -> None:
        signalkit.disable("lib.declared")
        try:
            assert row_of("lib.declared").off == "process"
        finally:
            signalkit.enable("lib.declared")

    @pytest.mark.parametrize("names", [(), ("lib.declared",)], ids=["all", "by name"])
    def test_muted(self, names: tuple[str, ...]) -> None:
        with signalkit.muted(*names):
            assert row_of("lib.declared").off == "muted"


class TestNotConnected:
    def test_replaced(self) -> None:
        class Theirs(Receiver):
            signal = played

            def handle(self, event: signalkit.Event) -> None: ...

        class Mine(Theirs, replaces=Theirs):
            pass

        row = row_of(name("Theirs"))
        assert (row.state, row.position, row.sender) == ("unconnected", None, "any")
        assert row.reason == f"replaced by {name('Mine')}"
        assert row_of(name("Mine")).state == "connected"

    def test_declared_senders_are_shown(self) -> None:
        class Theirs(ModelReceiver):
            signal = post_save
            sender = ("testapp.Book", Audiobook)

            def handle(self, event: signalkit.Event) -> None: ...

        class Mine(Theirs, replaces=Theirs):
            pass

        row = row_of(name("Theirs"))
        assert (row.sender, row.sender_kind) == ("testapp.Book, testapp.Audiobook", "declared")

    def test_a_phase_that_nobody_runs(self) -> None:
        @signalkit.receiver(played, phase=Phase.DURABLE, name="lib.owed")
        def owed(**kwargs: Any) -> None: ...

        row = row_of("lib.owed")
        assert row.state == "unavailable"
        assert row.reason == "no installed app runs Phase.DURABLE"

    def test_disconnected_by_other_code(self) -> None:
        @signalkit.receiver(played, order=1, name="lib.declared")
        def declared(**kwargs: Any) -> None: ...

        played.disconnect(declared)

        assert row_of("lib.declared").state == "unconnected"
        assert row_of("lib.declared").reason == "disconnected by other code"

    def test_no_model_to_hear_yet(self) -> None:
        from django.db import models

        class Base(models.Model):
            class Meta:
                abstract = True
                app_label = "testapp"

        @signalkit.receiver(post_save, sender=Base, include_subclasses=True, name="lib.declared")
        def declared(**kwargs: Any) -> None: ...

        assert row_of("lib.declared").reason == "no subclass of its senders can send yet"

    def test_not_wired(self, declared: Declaration) -> None:
        assert why_unconnected(declared, post_save) == "not wired yet"


def test_rows_are_in_the_order_of_signals_and_positions() -> None:
    played.connect(hear)
    played.connect(hear_async)
    rows = all_rows()

    assert rows == sorted(rows, key=lambda row: (row.signal, row.position or 0))
    assert user_logged_in.receivers


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Leave the signals of this module as they were: they outlive each test."""
    yield
    for signal in (played, Player.stopped):
        signal.receivers.clear()
