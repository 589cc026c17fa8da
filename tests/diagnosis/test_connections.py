"""What Django has connected is read as it is, whatever the version of Django."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import django
import pytest
from django.apps import apps
from django.db.models.signals import post_save, pre_save
from django.dispatch import Signal

from signalkit.diagnosis.connections import (
    SignalConnection,
    Unknown,
    all_connections,
    awaited_connections,
)
from signalkit.diagnosis.senders import label
from signalkit.dispatch.found import all_signals
from tests.testapp.models import Book

SENDER = object()


def hear(**kwargs: Any) -> None:
    pass


async def hear_async(**kwargs: Any) -> None:
    pass


@pytest.fixture
def signal() -> Signal:
    return Signal()


def only(signal: Signal) -> SignalConnection:
    (connection,) = all_connections([signal])
    return connection


class TestAllSignals:
    def test_those_that_no_module_holds_are_found(self, signal: Signal) -> None:
        assert any(found is signal for found in all_signals())
        assert any(found is post_save for found in all_signals())

    def test_those_that_were_set_aside_are_found_by_their_names(self) -> None:
        gc.freeze()
        try:
            assert any(found is post_save for found in all_signals())
        finally:
            gc.unfreeze()

    def test_those_of_a_class_of_their_own_are_found(self) -> None:
        class Bell(Signal):
            pass

        class Bells(Bell):
            pass

        kept = {"bell": Bell(), "bells": Bells()}

        assert {*kept.values()} < {*all_signals()}

    def test_each_is_found_once(self) -> None:
        assert len(all_signals()) == len({id(signal) for signal in all_signals()})

    def test_nothing_is_imported(self) -> None:
        before = set(sys.modules)

        all_connections()

        assert set(sys.modules) == before

    def test_lazy_objects_are_left_asleep(self) -> None:
        from django.utils.functional import SimpleLazyObject

        def wake() -> Any:
            raise AssertionError

        asleep = SimpleLazyObject(wake)

        all_connections()

        assert isinstance(vars(asleep), dict)


class TestConnection:
    def test_a_plain_receiver(self, signal: Signal) -> None:
        signal.connect(hear)

        connection = only(signal)

        assert connection.signal is signal
        assert connection.receiver is hear
        assert connection.sender is Unknown.ANYONE
        assert connection.weak
        assert not connection.is_async
        assert connection.uid is None
        assert connection.declaration is None

    def test_strong_with_a_uid(self, signal: Signal) -> None:
        signal.connect(hear, weak=False, dispatch_uid="once")

        assert not only(signal).weak
        assert only(signal).uid == "once"

    def test_an_asynchronous_one(self, signal: Signal) -> None:
        signal.connect(hear_async)

        assert only(signal).is_async

    def test_a_bound_method_has_no_uid(self, signal: Signal) -> None:
        class Ear:
            def hear(self, **kwargs: Any) -> None: ...

        ear = Ear()
        signal.connect(ear.hear)

        assert only(signal).receiver == ear.hear
        assert only(signal).uid is None

    @pytest.mark.parametrize(("uid", "known"), [(None, None), ("mine", "mine"), (("a", 1),) * 2])
    def test_one_that_has_died_is_still_shown(
        self, signal: Signal, uid: object, known: object
    ) -> None:
        signal.connect(partial(hear), dispatch_uid=uid)
        gc.collect()

        assert only(signal).receiver is None
        assert only(signal).uid == known

    def test_a_method_that_has_died_has_no_uid(self, signal: Signal) -> None:
        class Ear:
            def hear(self, **kwargs: Any) -> None: ...

        signal.connect(Ear().hear)
        gc.collect()

        assert only(signal).receiver is None
        assert only(signal).uid is None

    def test_what_only_claims_to_be_ours_is_not(self, signal: Signal) -> None:
        def pretend(**kwargs: Any) -> None: ...

        pretend.signalkit_declaration = "no"  # type: ignore[attr-defined]  # that is the point
        signal.connect(pretend)

        assert only(signal).declaration is None


class TestSender:
    @pytest.mark.parametrize("sender", [Book, Signal, SENDER], ids=["model", "class", "sentinel"])
    def test_an_object_that_a_module_holds(self, signal: Signal, sender: object) -> None:
        signal.connect(hear, sender=sender)

        assert only(signal).sender is sender

    def test_a_class_that_no_module_holds(self, signal: Signal) -> None:
        class Local:
            pass

        signal.connect(hear, sender=Local)

        assert only(signal).sender is Local

    def test_a_class_that_was_set_aside(self, signal: Signal) -> None:
        class Local:
            pass

        signal.connect(hear, sender=Local)
        gc.freeze()
        try:
            assert only(signal).sender is Local
        finally:
            gc.unfreeze()

    def test_beside_classes_that_can_be_neither_compared_nor_hashed(self, signal: Signal) -> None:
        class Meta(type):
            __hash__ = None  # type: ignore[assignment]  # as where only __eq__ is defined

            def __eq__(cls, other: object) -> bool:
                raise ValueError("ambiguous")

            def __subclasses__(cls) -> list[Any]:
                raise ValueError("none of your business")

        class Odd(metaclass=Meta):
            pass

        odd = Odd()
        signal.connect(hear, sender=Book)

        assert only(signal).sender is Book
        assert signal in all_signals()
        del odd

    def test_an_app(self, signal: Signal) -> None:
        app_config = apps.get_app_config("testapp")
        signal.connect(hear, sender=app_config)

        assert only(signal).sender is app_config

    @pytest.mark.parametrize("make", [list, lambda: str(id(Book))], ids=["list", "string"])
    def test_one_that_cannot_be_told(self, signal: Signal, make: Callable[[], Any]) -> None:
        signal.connect(hear, sender=make())

        assert only(signal).sender is Unknown.UNTOLD
        assert label(only(signal)) == ("no known object", "untold")

    def test_one_that_is_gone(self, signal: Signal) -> None:
        def connect() -> None:
            class Local:
                pass

            signal.connect(hear, sender=Local)

        connect()
        gc.collect()

        expected = Unknown.GONE if django.VERSION >= (6, 0) else Unknown.UNTOLD
        assert only(signal).sender is expected

    def test_what_one_that_is_gone_is_called(self, signal: Signal) -> None:
        signal.connect(hear)

        gone = replace(only(signal), sender=Unknown.GONE)

        assert label(gone) == ("a sender that is gone", "gone")

    def test_one_that_only_an_instance_holds(self, signal: Signal) -> None:
        class Local:
            pass

        sender = Local()
        signal.connect(hear, sender=sender)

        # Django 5.2 keeps the id alone.
        expected = sender if django.VERSION >= (6, 0) else Unknown.UNTOLD
        assert only(signal).sender is expected


class TestAwaited:
    @pytest.fixture(autouse=True)
    def forget(self) -> Any:
        yield
        apps._pending_operations.pop(("testapp", "nosuch"), None)

    def test_what_waits_for_a_model(self) -> None:
        pre_save.connect(hear, sender="testapp.NoSuch", weak=False, dispatch_uid="later")

        (connection,) = awaited_connections()

        assert connection.signal is pre_save
        assert connection.receiver is hear
        assert connection.uid == "later"
        assert not connection.weak
        assert label(connection) == ("testapp.nosuch", "awaited")

    def test_other_work_that_waits_for_a_model_is_none_of_ours(self) -> None:
        apps.lazy_model_operation(lambda model: None, ("testapp", "nosuch"))

        assert not [*awaited_connections()]
