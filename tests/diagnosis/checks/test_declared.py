"""E002, E003, W003 to W007, W015: receivers that are declared with signalkit."""

from __future__ import annotations

import io
from typing import Any, ClassVar

import pytest
from django.contrib.auth.signals import user_login_failed
from django.core.checks import WARNING
from django.core.management import call_command
from django.db import connection
from django.db.models.signals import (
    m2m_changed,
    post_delete,
    post_init,
    post_save,
    pre_delete,
    pre_init,
    pre_save,
)
from django.dispatch import Signal
from django.test import override_settings

import signalkit
from signalkit import Event, ModelReceiver, Phase, Receiver
from signalkit.declaration import Declaration
from signalkit.dispatch import phases
from signalkit.registry import registry
from signalkit.signal_names import signal_name
from tests.diagnosis.checks.conftest import Ask
from tests.diagnosis.conftest import Site
from tests.testapp.models import Article, Audiobook, Book, Tag

played = Signal()


def declare(signal: Any, **options: Any) -> Declaration:
    """Declare a function receiver."""

    @signalkit.receiver(signal, **{"name": "lib.receiver", **options})
    def receiver(**kwargs: Any) -> None: ...

    return registry.get(options.get("name", "lib.receiver"))


class TestE002:
    def test_a_phase_that_nobody_runs(self, messages: Ask) -> None:
        declaration = declare(played, phase=Phase.DURABLE)

        (message,) = messages("E002")

        assert message.obj is declaration
        assert message.is_serious()
        assert "PhaseUnavailable" in message.msg
        assert message.hint is not None
        # It names no app: there is none to install yet.
        assert "INSTALLED_APPS" not in message.hint
        assert "Use Phase.AFTER_COMMIT, which does not survive a crash" in message.hint

    def test_a_phase_that_an_app_brings(
        self, messages: Ask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(phases._schedulers, Phase.DURABLE, phases._schedulers[Phase.INLINE])
        declare(played, phase=Phase.DURABLE)

        assert messages("E002") == []

    def test_the_phases_that_are_always_there(self, messages: Ask) -> None:
        declare(played, phase=Phase.AFTER_COMMIT)

        assert messages("E002") == []


class Handles(Receiver, abstract=True):
    def handle(self, event: Event) -> None: ...


class TestE003:
    def test_a_replaced_receiver_that_does_not_exist(self, messages: Ask) -> None:
        declare(played, name="lib.theirs")

        class Mine(Handles, replaces="lib.thiers"):
            signal = played

        (message,) = messages("E003")

        assert message.is_serious()
        assert "'lib.thiers'" in message.msg
        assert "Did you mean 'lib.theirs'?" in message.msg

    def test_the_receiver_itself_is_no_suggestion(self, messages: Ask) -> None:
        class Mine(Handles, replaces="lib.mien"):
            signal = played
            name = "lib.mine"

        (message,) = messages("E003")

        assert "Did you mean" not in message.msg

    def test_one_that_does(self, messages: Ask) -> None:
        declare(played, name="lib.theirs")

        class Mine(Handles, replaces="lib.theirs"):
            signal = played

        assert messages("E003") == []


class TestW003:
    def test_a_child_beside_its_parent(self, messages: Ask) -> None:
        class Theirs(ModelReceiver):
            signal = (pre_save, post_save)
            sender: ClassVar[Any] = (Book, Article)

            def handle(self, event: Event) -> None: ...

        class Mine(Theirs):
            signal = (post_save, post_delete)
            sender = Book

        (message,) = messages("W003")

        assert str(message.obj).endswith("Mine")
        assert "hears post_save of the same sender" in message.msg
        assert message.hint is not None
        assert "class Mine(..., replaces=" in message.hint

    @pytest.mark.parametrize("both", [True, False])
    def test_anyone_is_anyone(self, messages: Ask, both: bool) -> None:
        class Theirs(Handles):
            signal = played

        class Mine(Theirs):
            sender = None if both else Book

        assert len(messages("W003")) == 1

    def test_one_that_replaces_its_parent(self, messages: Ask) -> None:
        class Theirs(Handles):
            signal = played

        class Mine(Theirs, replaces=Theirs):
            pass

        assert messages("W003") == []

    def test_another_signal(self, messages: Ask) -> None:
        class Theirs(Handles):
            signal = played

        class Mine(Theirs):
            signal = user_login_failed

        assert messages("W003") == []

    def test_another_sender(self, messages: Ask) -> None:
        class Theirs(Handles):
            signal = post_save
            sender: ClassVar[Any] = Article

        class Mine(Theirs):
            sender = Book

        assert messages("W003") == []

    @pytest.mark.parametrize(("theirs", "count"), [("one", 0), ("two", 1)])
    def test_strings_as_senders(self, messages: Ask, theirs: str, count: int) -> None:
        class Theirs(Handles):
            signal = user_login_failed
            sender: ClassVar[Any] = theirs

        class Mine(Theirs):
            sender = ("two", "three")

        assert len(messages("W003")) == count

    def test_a_parent_that_is_forgotten(self, messages: Ask) -> None:
        class Theirs(Handles):
            signal = played

        class Mine(Theirs):
            pass

        registry.remove(registry.get(f"{__name__}.Theirs"))

        assert messages("W003") == []


class TestW004:
    def test_after_one_that_does_not_exist(self, messages: Ask) -> None:
        declare(played, name="lib.first")
        declare(played, after=["lib.frist"])

        (message,) = messages("W004")

        assert "Did you mean 'lib.first'?" in message.msg

    def test_the_receiver_itself_is_no_suggestion(self, messages: Ask) -> None:
        declare(played, name="lib.second", after=["lib.secnd"])

        (message,) = messages("W004")

        assert "Did you mean" not in message.msg

    def test_after_one_that_does(self, messages: Ask) -> None:
        declare(played, name="lib.first", aliases=["lib.former"])
        declare(played, after=["lib.first", "lib.former"])

        assert messages("W004") == messages("W005") == []


class TestW005:
    def test_after_one_that_hears_something_else(self, messages: Ask) -> None:
        declare(user_login_failed, name="lib.first")
        declare(played, after=["lib.first"])

        (message,) = messages("W005")

        assert "which hears user_login_failed and none of its signals" in message.msg


class TestW006:
    @pytest.mark.parametrize(
        ("signal", "cost"),
        [
            (pre_save, "sessions"),
            (post_save, "sessions"),
            (pre_delete, "fetches every row first"),
            (post_delete, "fetches every row first"),
            (m2m_changed, "each add() to any relation"),
            (pre_init, "each row that a query fetches"),
            (post_init, "each row that a query fetches"),
        ],
    )
    def test_a_model_signal_of_every_model(self, messages: Ask, signal: Signal, cost: str) -> None:
        declaration = declare(signal)

        (message,) = messages("W006")

        assert message.obj is declaration
        assert cost in message.msg
        assert messages("W007") == []

    def test_one_with_a_sender(self, messages: Ask) -> None:
        declare(post_save, sender=Book)

        assert messages("W006") == []

    def test_signals_that_models_do_not_send(self, messages: Ask) -> None:
        declare(played)

        assert messages("W006") == []


class TestW007:
    @pytest.mark.parametrize("signal", [pre_init, post_init])
    def test_signals_of_making_objects(self, messages: Ask, signal: Signal) -> None:
        declare(signal, sender=Book)

        (message,) = messages("W007")

        assert "each row that a query fetches" in message.msg
        assert message.hint is not None
        assert "changed=" in message.hint

    def test_other_signals(self, messages: Ask) -> None:
        declare(post_save, sender=Book)

        assert messages("W007") == []


class TestW015:
    @pytest.mark.parametrize("phase", [Phase.BEFORE_COMMIT, Phase.AFTER_COMMIT])
    @pytest.mark.parametrize("signals", [pre_save, [post_save, pre_save]], ids=["alone", "among"])
    def test_a_deferred_receiver_of_pre_save(
        self, messages: Ask, phase: Phase, signals: Any
    ) -> None:
        declaration = declare(signals, sender=Book, phase=phase)

        (message,) = messages("W015")

        assert message.obj is declaration
        assert message.level == WARNING
        assert f"pre_save in Phase.{phase.name}" in message.msg
        assert message.hint is not None
        assert "post_save" in message.hint
        assert "atomic()" in message.hint

    @pytest.mark.parametrize(
        ("signal", "phase"),
        [
            (pre_save, Phase.INLINE),
            (pre_save, Phase.AFTER_ROLLBACK),
            (post_save, Phase.AFTER_COMMIT),
            (pre_delete, Phase.AFTER_COMMIT),
            (m2m_changed, Phase.BEFORE_COMMIT),
        ],
    )
    def test_other_phases_and_signals(self, messages: Ask, signal: Signal, phase: Phase) -> None:
        declare(signal, phase=phase)

        assert messages("W015") == []

    def test_it_can_be_silenced(self) -> None:
        declare(pre_save, sender=Book, phase=Phase.AFTER_COMMIT)
        output = io.StringIO()

        with override_settings(SILENCED_SYSTEM_CHECKS=["signalkit.W015"]):
            call_command("check", tags=["signalkit"], stdout=output, stderr=output)

        assert "lib.receiver" not in output.getvalue()
        assert "1 silenced" in output.getvalue()


@pytest.mark.django_db(transaction=True)
class TestWhatW015Says:
    """Where Django sends what, when no transaction is open."""

    @pytest.fixture
    def open_at(self) -> dict[str, bool]:
        """Return whether a transaction was open, by signal or action."""
        found: dict[str, bool] = {}

        def look(signal: Signal, **kwargs: Any) -> None:
            found[kwargs.get("action", signal_name(signal))] = connection.in_atomic_block

        signals = (pre_save, pre_delete, m2m_changed)
        for signal in signals:
            signal.connect(look, weak=False)
        return found

    def test_pre_save_is_sent_outside_of_any(self, open_at: dict[str, bool]) -> None:
        Audiobook.objects.create(title="with a parent table")

        assert open_at == {"pre_save": False}

    def test_what_precedes_other_changes_is_sent_inside_of_one(
        self, open_at: dict[str, bool]
    ) -> None:
        book, tag = Book.objects.create(), Tag.objects.create(name="new")
        book.tags.add(tag)
        book.tags.remove(tag)
        book.tags.clear()
        book.delete()

        assert {each for each, is_open in open_at.items() if not is_open} == {"pre_save"}
        assert {"pre_add", "pre_remove", "pre_clear", "pre_delete"} < open_at.keys()


SOURCE = """\
import signalkit
from django.db.models.signals import post_save
@signalkit.receiver(post_save, order=1)
def hear(**kwargs): ...
"""


def test_only_the_apps_that_are_asked_about(messages: Ask, site: Site) -> None:
    site.load("corner.receivers", SOURCE)

    assert [str(each.obj) for each in messages("W006")] == ["corner.hear"]
    assert [str(each.obj) for each in messages("W006", "corner")] == ["corner.hear"]
    assert messages("W006", "auth") == []


def test_a_receiver_that_replaces_is_reported_with_its_own_app(messages: Ask) -> None:
    class Theirs(Handles):
        signal = played

    class Mine(Theirs):
        pass

    assert len(messages("W003")) == 1
    assert messages("W003", "auth") == []
