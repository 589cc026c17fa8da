"""Watching runs: what is told, and that telling changes nothing."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.db import transaction
from django.db.models.signals import post_save
from django.dispatch import Signal

from signalkit import Event, ModelReceiver, Outcome, Phase, Veto
from signalkit.dispatch import observation, runner
from signalkit.dispatch.observation import Run, run_finished, run_rolled_back, run_scheduled
from signalkit.dispatch.runner import make_run
from signalkit.registry import registry
from tests.dispatch.recording import listen, real_commits, undone
from tests.testapp.models import Tag

pytestmark = real_commits

ALL = (run_scheduled, run_finished, run_rolled_back)


class Boom(Exception):
    pass


class Watch:
    """Notes every run that is told of."""

    def __init__(self) -> None:
        self.runs: list[Run] = []

    def __call__(self, run: Run, **kwargs: Any) -> None:
        self.runs.append(run)

    @property
    def outcomes(self) -> list[Outcome]:
        return [run.outcome for run in self.runs]


@pytest.fixture
def watch() -> Iterator[Watch]:
    watch = Watch()
    for signal in ALL:
        signal.connect(watch)
    yield watch
    for signal in ALL:
        signal.disconnect(watch)


def connect(observer: Any) -> Any:
    """Have an observer watch everything; return what ends it."""
    for signal in ALL:
        signal.connect(observer)

    def end() -> None:
        for signal in ALL:
            signal.disconnect(observer)

    return end


class TestFinished:
    def test_a_run_that_succeeded(self, watch: Watch) -> None:
        listen(post_save, Tag, name="tests.watched")
        tag = Tag.objects.create(name="a")
        (run,) = watch.runs
        assert run.receiver is registry.get("tests.watched")
        assert run.event.instance is tag
        assert run.event.signal is post_save
        assert run.phase is Phase.INLINE
        assert run.outcome is Outcome.SUCCEEDED
        assert run.duration is not None
        assert 0 <= run.duration < 60
        assert run.error is None

    @pytest.mark.parametrize("options", [{}, {"reentry": "skip"}], ids=["plain", "full"])
    @pytest.mark.parametrize(
        ("error", "outcome"),
        [
            (Boom(), Outcome.FAILED),
            (Veto("no"), Outcome.VETOED),
            (KeyboardInterrupt(), Outcome.FAILED),
        ],
        ids=["error", "veto", "interrupt"],
    )
    def test_a_run_that_did_not(
        self, watch: Watch, error: BaseException, outcome: Outcome, options: dict[str, Any]
    ) -> None:
        def fail(named: dict[str, Any]) -> None:
            raise error

        listen(post_save, Tag, note=fail, name="tests.watched", **options)
        with pytest.raises(type(error)):
            Tag.objects.create(name="a")
        (run,) = watch.runs
        assert run.outcome is outcome
        assert run.error is error
        assert run.duration is not None

    def test_an_isolated_run_that_failed(self, watch: Watch) -> None:
        listen(post_save, Tag, note=lambda named: 1 / 0, on_error="isolate")
        with transaction.atomic():
            Tag.objects.create(name="a")
        assert watch.outcomes == [Outcome.FAILED]
        assert isinstance(watch.runs[0].error, ZeroDivisionError)

    def test_the_duration_is_the_receivers(
        self, watch: Watch, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clock = iter([10.0, 12.5])
        monkeypatch.setattr(runner, "perf_counter", lambda: next(clock))
        make_run(replace(registry_entry(), call=lambda **kwargs: None))(Event(Signal(), None, {}))
        assert watch.runs[-1].duration == 2.5

    def test_values_are_returned_all_the_same(self, watch: Watch) -> None:
        sent = Signal()
        listen(sent, name="tests.plain")
        listen(sent, name="tests.full", reentry="skip")
        answers: list[Any] = [answer for _, answer in sent.send(sender=None)]
        assert answers == [1, 1]
        assert watch.outcomes == [Outcome.SUCCEEDED] * 2

    def test_a_function_gets_the_same_arguments(self, watch: Watch) -> None:
        seen = listen(post_save, Tag, name="tests.watched")
        Tag.objects.create(name="a")
        assert set(seen[0]) == {
            "signal",
            "sender",
            "instance",
            "created",
            "update_fields",
            "raw",
            "using",
        }

    def test_what_is_skipped_is_no_run(self, watch: Watch) -> None:
        listen(post_save, Tag, created=False)

        class Again(ModelReceiver):
            signal = post_save
            sender = Tag

            def handle(self, event: Event) -> None:
                event.instance.save_base()

        Tag.objects.create(name="a")
        # The first is told of the second save; the class is not.
        assert [run.receiver.kind for run in watch.runs] == ["function", "class"]


def registry_entry() -> Any:
    listen(Signal(), name="tests.entry")
    return registry.get("tests.entry")


class TestDeferred:
    @pytest.mark.parametrize("phase", [Phase.BEFORE_COMMIT, Phase.AFTER_COMMIT])
    def test_scheduled_then_finished(self, watch: Watch, phase: Phase) -> None:
        listen(post_save, Tag, phase=phase)
        with transaction.atomic():
            Tag.objects.create(name="a")
            assert watch.outcomes == [Outcome.SCHEDULED]
        assert watch.outcomes == [Outcome.SCHEDULED, Outcome.SUCCEEDED]
        scheduled, finished = watch.runs
        assert scheduled.event is finished.event
        assert scheduled.duration is None
        assert scheduled.phase is phase

    @pytest.mark.parametrize("phase", [Phase.BEFORE_COMMIT, Phase.AFTER_COMMIT])
    def test_what_does_not_wait_is_not_scheduled(self, watch: Watch, phase: Phase) -> None:
        listen(post_save, Tag, phase=phase)
        Tag.objects.create(name="a")
        assert watch.outcomes == [Outcome.SUCCEEDED]

    def test_in_manual_mode_it_waits(self, watch: Watch) -> None:
        listen(post_save, Tag, phase=Phase.AFTER_COMMIT)
        transaction.set_autocommit(False)
        try:
            Tag.objects.create(name="a")
            assert watch.outcomes == [Outcome.SCHEDULED]
            transaction.commit()
        finally:
            transaction.set_autocommit(True)
        assert watch.outcomes == [Outcome.SCHEDULED, Outcome.SUCCEEDED]

    @pytest.mark.parametrize("phase", [Phase.BEFORE_COMMIT, Phase.AFTER_COMMIT])
    def test_rolled_back_is_exactly_what_was_dropped(self, watch: Watch, phase: Phase) -> None:
        listen(post_save, Tag, phase=phase)
        with transaction.atomic():
            Tag.objects.create(name="kept")
            with undone():
                Tag.objects.create(name="lost")
        names = {
            outcome: [run.event.instance.name for run in watch.runs if run.outcome is outcome]
            for outcome in Outcome
        }
        assert names[Outcome.SCHEDULED] == ["kept", "lost"]
        assert names[Outcome.SUCCEEDED] == ["kept"]
        assert names[Outcome.ROLLED_BACK] == ["lost"]
        lost = next(run for run in watch.runs if run.outcome is Outcome.ROLLED_BACK)
        assert (lost.duration, lost.error) == (None, None)

    def test_a_whole_transaction(self, watch: Watch) -> None:
        listen(post_save, Tag, phase=Phase.BEFORE_COMMIT)
        listen(post_save, Tag, phase=Phase.AFTER_COMMIT)
        with undone():
            Tag.objects.create(name="a")
        assert watch.outcomes == [Outcome.SCHEDULED] * 2 + [Outcome.ROLLED_BACK] * 2

    def test_a_before_commit_receiver_that_fails(self, watch: Watch) -> None:
        """It ran; what waited for the commit did not."""
        listen(post_save, Tag, phase=Phase.BEFORE_COMMIT, note=lambda named: 1 / 0)
        listen(post_save, Tag, phase=Phase.AFTER_COMMIT)
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            Tag.objects.create(name="a")
        assert watch.outcomes == [
            Outcome.SCHEDULED,
            Outcome.SCHEDULED,
            Outcome.FAILED,
            Outcome.ROLLED_BACK,
        ]

    def test_after_rollback_is_never_scheduled(self, watch: Watch) -> None:
        """Nobody knows whether it will run."""
        listen(post_save, Tag, phase=Phase.AFTER_ROLLBACK)
        with transaction.atomic():
            Tag.objects.create(name="a")
        assert watch.outcomes == []
        with undone():
            Tag.objects.create(name="b")
        assert watch.outcomes == [Outcome.SUCCEEDED]

    def test_what_a_later_event_replaces_is_not_told_of_again(self, watch: Watch) -> None:
        listen(post_save, Tag, phase=Phase.AFTER_COMMIT, once_per_transaction=True)
        with transaction.atomic():
            Tag.objects.create(name="a")
            Tag.objects.create(name="b")
        assert watch.outcomes == [Outcome.SCHEDULED, Outcome.SCHEDULED, Outcome.SUCCEEDED]
        assert watch.runs[-1].event.instance.name == "b"


class TestObservers:
    @pytest.mark.parametrize("phase", [Phase.INLINE, Phase.AFTER_COMMIT])
    def test_one_that_raises_changes_nothing(
        self, phase: Phase, watch: Watch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail(**kwargs: Any) -> None:
            raise Boom("observer")

        end = connect(fail)
        try:
            seen = listen(post_save, Tag, phase=phase)
            with transaction.atomic():
                Tag.objects.create(name="a")
            with undone():
                Tag.objects.create(name="b")
        finally:
            end()
        assert len(seen) == (2 if phase is Phase.INLINE else 1)
        assert "observer" in caplog.text

    def test_one_that_raises_keeps_nothing_from_the_next(self) -> None:
        def fail(**kwargs: Any) -> None:
            raise Boom

        watch = Watch()
        ends = [connect(fail), connect(watch)]
        try:
            listen(post_save, Tag, name="tests.watched")
            Tag.objects.create(name="a")
        finally:
            for end in ends:
                end()
        assert watch.outcomes == [Outcome.SUCCEEDED]

    def test_one_that_django_cannot_name(self, caplog: pytest.LogCaptureFixture) -> None:
        """Django's log of the failure itself fails for a partial."""

        def fail(what: str, **kwargs: Any) -> None:
            raise Boom(what)

        observer = functools.partial(fail, "partial")
        end = connect(observer)
        try:
            seen = listen(post_save, Tag, name="tests.watched")
            Tag.objects.create(name="a")
        finally:
            end()
        assert len(seen) == 1
        (record,) = [each for each in caplog.records if each.name == "signalkit.receivers"]
        assert record.getMessage() == "An observer of receivers failed."
        assert vars(record)["receiver"] == "tests.watched"

    def test_the_receivers_own_error_survives_it(self) -> None:
        def fail(**kwargs: Any) -> None:
            raise KeyError

        end = connect(fail)
        try:
            listen(post_save, Tag, note=lambda named: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                Tag.objects.create(name="a")
        finally:
            end()

    @pytest.mark.parametrize("signal", ALL)
    def test_each_signal_can_be_watched_alone(self, signal: observation.Observation) -> None:
        watch = Watch()
        signal.connect(watch)
        try:
            listen(post_save, Tag, phase=Phase.AFTER_COMMIT)
            with transaction.atomic():
                Tag.objects.create(name="kept")
            with undone():
                Tag.objects.create(name="lost")
        finally:
            signal.disconnect(watch)
        expected = {
            run_scheduled: [Outcome.SCHEDULED, Outcome.SCHEDULED],
            run_finished: [Outcome.SUCCEEDED],
            run_rolled_back: [Outcome.ROLLED_BACK],
        }
        assert watch.outcomes == expected[signal]

    def test_nothing_is_measured_when_nobody_watches(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def never() -> float:
            raise AssertionError("the clock was read")

        listen(post_save, Tag, name="tests.plain")
        listen(post_save, Tag, reentry="skip")
        listen(post_save, Tag, phase=Phase.AFTER_COMMIT, on_error="raise")
        with monkeypatch.context() as patch:
            patch.setattr(runner, "perf_counter", never)
            post_save.send(sender=Tag, instance=Tag(), using="default", created=True, raw=False)

    def test_a_watcher_that_comes_late_hears_the_rest(self) -> None:
        listen(post_save, Tag, phase=Phase.AFTER_COMMIT)
        watch = Watch()
        with transaction.atomic():
            Tag.objects.create(name="a")
            end = connect(watch)
        end()
        assert watch.outcomes == [Outcome.SUCCEEDED]
