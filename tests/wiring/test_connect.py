"""The connector and the registry: what is connected is what is declared."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
from django.apps import apps
from django.db.models.signals import class_prepared, post_save, pre_save
from django.dispatch import Signal
from django.test import override_settings

import signalkit
from signalkit import Event, ModelReceiver, Receiver
from signalkit.conf import config
from signalkit.declaration import Declaration, Origin
from signalkit.dispatch.connect import Connector, connector
from signalkit.dispatch.connected import uid_of
from signalkit.dispatch.unwired import Watch
from signalkit.exceptions import (
    DeclarationError,
    NameClash,
    NotInstalled,
    OrderError,
    SenderError,
    UnknownReceiver,
)
from signalkit.registry import Registry, registry
from tests.settings import INSTALLED_APPS
from tests.testapp.models import Author, Book

ORIGIN = Origin("here", "f", __file__, 1, (lambda: None).__code__)


def make(name: str, *signals: Signal, answer: Any = None, **fields: Any) -> Declaration:
    """Describe a receiver that answers with its name."""
    values: dict[str, Any] = {
        "call": lambda event: answer or name,
        "kind": "class",
        "origin": ORIGIN,
        **fields,
    }
    return Declaration(name=name, signals=signals, **values)


def answers(signal: Signal, sender: Any = None) -> list[Any]:
    return [answer for _, answer in signal.send(sender)]


class TestTheRegistry:
    def test_by_name(self) -> None:
        declared = Registry()
        declaration = make("shop.a", aliases=("shop.old",))
        declared.add(declaration)
        assert declared.get("shop.a") is declared.get("shop.old") is declaration
        assert declared.find("shop.b") is None
        assert "shop.old" in declared
        assert "shop.b" not in declared
        assert [*declared] == [declaration]

    def test_unknown_names(self) -> None:
        declared = Registry()
        declared.add(make("shop.Welcome"))
        with pytest.raises(UnknownReceiver, match=r"'shop.Welcom'\. Did you mean 'shop.Welcome'\?"):
            declared.get("shop.Welcom")
        with pytest.raises(LookupError):
            declared.get("x")

    def test_whatever_its_listener_raises_nothing_is_taken_in(self) -> None:
        told: list[set[Signal]] = []
        signal = Signal()

        def listener(signals: set[Signal]) -> None:
            told.append(signals)
            if len(told) == 1:
                raise KeyboardInterrupt

        declared = Registry()
        declared.call_on_change(listener)
        with pytest.raises(KeyboardInterrupt):
            declared.add(make("shop.a", signal, aliases=("shop.old",)))
        assert [*declared] == []
        assert "shop.old" not in declared
        assert told == [{signal}, {signal}]  # told again, to undo what it has done

    def test_a_new_execution_of_a_module_takes_the_place_of_the_old(self) -> None:
        declared = Registry()

        def at(load: object, name: str, line: int = 1) -> Declaration:
            code = compile("", __file__, "exec")
            return make(name, origin=Origin("m", name, __file__, line, code, load))

        first, second = object(), object()
        for name in ("a", "b"):
            declared.add(at(first, name))
        declared.add(at(second, "a", line=7))
        assert [each.name for each in declared] == ["a"]
        with pytest.raises(NameClash):  # twice in one execution
            declared.add(at(second, "a", line=9))

    def test_what_says_nothing_of_its_execution_outdates_nobody(self) -> None:
        # A function whose __module__ was set to that of another, whose globals it has not.
        declared = Registry()
        for name, load in (("a", object()), ("b", None)):
            origin = Origin("m", name, __file__, 1, compile("", __file__, "exec"), load)
            declared.add(make(name, origin=origin))
        assert [each.name for each in declared] == ["a", "b"]

    def test_without_executions_to_tell_apart_the_same_line_is_the_same_receiver(self) -> None:
        declared = Registry()

        def at(file: str, line: int) -> Declaration:
            return make("a", origin=Origin("__main__", "a", file, line, compile("", file, "exec")))

        for file, line in (("<stdin>", 1), ("<stdin>", 1), ("<cell 2>", 4)):
            declared.add(at(file, line))
        assert len([*declared]) == 1
        with pytest.raises(NameClash):  # further down in one script
            declared.add(at("<cell 2>", 9))

    def test_one_source_under_two_names(self) -> None:
        declared = Registry()
        code = compile("", __file__, "exec")
        declared.add(make("a", origin=Origin("shop.receivers", "f", __file__, 3, code)))
        declared.add(make("b", origin=Origin("receivers", "g", __file__, 3, code)))
        with pytest.raises(NameClash, match=r"is imported as shop\.receivers and as receivers"):
            declared.add(make("c", origin=Origin("receivers", "f", __file__, 3, code)))


class TestWiring:
    @pytest.fixture
    def declared(self) -> Registry:
        return Registry()

    @pytest.fixture
    def own(self, declared: Registry, monkeypatch: pytest.MonkeyPatch) -> Connector:
        """Return a connector as it is before ready() has been called."""
        own = Connector(declared)
        declared.call_on_change(own.changed)
        monkeypatch.setattr(apps, "ready", False)
        return own

    def test_nothing_is_connected_before(self, declared: Registry, own: Connector) -> None:
        signal = Signal()
        declared.add(make("b", signal, order=1))
        declared.add(make("a", signal))
        assert answers(signal) == [None]  # the watch
        own.wire()
        assert answers(signal) == ["a", "b"]
        declared.add(make("c", signal))
        assert answers(signal) == ["a", "c", "b"]
        own.wire()
        assert answers(signal) == ["a", "c", "b"]
        for declaration in declared:
            declared.remove(declaration)
        assert signal.receivers == []
        assert own.connections() == ()

    def test_class_prepared_cannot_wait(self, declared: Registry, own: Connector) -> None:
        other = Signal()
        before = len(class_prepared.receivers)
        declaration = make("a", class_prepared, other)
        declared.add(declaration)
        assert [each.signal for each in own.connections()] == [class_prepared]
        declared.remove(declaration)
        assert own.connections() == ()
        own.wire()
        class_prepared.disconnect(own._model_prepared, dispatch_uid="signalkit.include_subclasses")
        # The connector of this process is connected under the same uid.
        connector.wire()
        assert len(class_prepared.receivers) == before

    @pytest.mark.parametrize(
        ("fields", "error"),
        [
            ({"after": ("a",)}, OrderError),
            ({"senders": ("testapp.Boook",)}, SenderError),
            ({"kind": "function"}, NameClash),
        ],
    )
    def test_a_failure_leaves_nothing_connected(
        self, declared: Registry, own: Connector, fields: dict[str, Any], error: type[Exception]
    ) -> None:
        def f(**kwargs: Any) -> None: ...

        signal = Signal()
        post_save.connect(f, sender=Book)
        connected = len(post_save.receivers), len(pre_save.receivers)
        declared.add(make("prepared", class_prepared))
        declared.add(make("a", signal, post_save, senders=(Author,), after=("b",)))
        wrong = {"call": f, "senders": (Author, Book), "changed": ("id",), **fields}
        declared.add(make("b", post_save, **wrong))
        with pytest.raises(error):
            own.wire()
        assert [each.declaration.name for each in own.connections()] == ["prepared"]
        for name in ("b", "a", "prepared"):
            declared.remove(declared.get(name))
        own._watch.end()
        assert signal.receivers == []
        assert (len(post_save.receivers), len(pre_save.receivers)) == connected
        assert own.connections() == ()

    def test_settings_that_bring_the_apps_anew_connect_nothing_twice(self) -> None:
        signal_ = Signal()

        class Once(Receiver):
            signal = signal_

            def handle(self, event: Event) -> str:
                return "once"

        before = len(class_prepared.receivers)
        with override_settings(INSTALLED_APPS=[*INSTALLED_APPS, "django.contrib.sites"]):
            assert answers(signal_) == ["once"]
        assert answers(signal_) == ["once"]
        assert len(class_prepared.receivers) == before


class TestTheWatch:
    """What the subprocesses of test_start.py show, in this process."""

    @pytest.fixture
    def declared(self) -> Registry:
        declared = Registry()
        declared.add(make("shop.a"))
        return declared

    def test_installed_and_not_ready_yet(
        self, declared: Registry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(apps, "ready", False)
        signal, watch = Signal(), Watch(declared)
        watch.begin([signal])
        watch.begin([signal])
        signal.send(None)
        assert len(signal.receivers) == 1
        watch.end()
        assert signal.receivers == []

    def test_never_wired(self, declared: Registry) -> None:
        with pytest.raises(
            NotInstalled, match=r"its ready\(\) was never called.*shop\.a \(here\.f"
        ):
            Watch(declared).begin([])

    def test_not_installed(self, declared: Registry) -> None:
        others = [app for app in INSTALLED_APPS if app != "signalkit"]
        with (
            override_settings(INSTALLED_APPS=others),
            pytest.raises(
                NotInstalled, match=r"shop\.a \(.*\)\. Add 'signalkit' to INSTALLED_APPS"
            ),
        ):
            Watch(declared).begin([])

    def test_nothing_declared(self) -> None:
        Watch(Registry()).begin([])

    def test_apps_not_known_yet(self, declared: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
        signal, other = Signal(), Signal()
        declared.add(make("shop.b", signal))
        watch = Watch(declared)
        for flag in ("ready", "apps_ready", "models_ready"):
            monkeypatch.setattr(apps, flag, False)
        monkeypatch.setattr(apps, "loading", True)
        watch.begin([signal, other])
        signal.send(None)
        monkeypatch.setattr(apps, "loading", False)
        other.send(None)  # nobody is declared for this one
        with pytest.raises(NotInstalled, match=r"before django.setup\(\).*: shop\.b \("):
            signal.send(None)
        watch.end()


class TestUids:
    def test_a_class_by_its_name_so_that_it_survives_a_reload(self) -> None:
        assert uid_of(make("shop.a")) == "signalkit:shop.a"

    def test_a_function_by_what_django_takes(self) -> None:
        def f(**kwargs: Any) -> None: ...

        assert uid_of(make("shop.a", kind="function", call=f)) == id(f)
        assert uid_of(make("shop.a", kind="function", call=f, dispatch_uid="x")) == "x"


class TestMemory:
    def test_a_removed_class_is_freed(self) -> None:
        class Gone(ModelReceiver):
            signal = (pre_save, post_save)
            sender = Book
            changed = ["title"]

            def handle(self, event: Event) -> None: ...

        gone = weakref.ref(Gone)
        registry.remove(registry.all()[-1])
        del Gone
        gc.collect()
        assert gone() is None

    def test_a_refused_function_is_freed(self) -> None:
        def f(**kwargs: Any) -> None: ...

        gone = weakref.ref(f)
        with pytest.raises(DeclarationError):
            signalkit.receiver(post_save, sender="testapp.Boook", order=1)(f)
        del f
        gc.collect()
        assert gone() is None


def test_this_process_is_wired_with_its_settings() -> None:
    assert config().AUTODISCOVER is not None
    assert connector._wired


class Proxy:
    """As proxies do that make another object at each look."""

    def __call__(self, **kwargs: Any) -> None: ...

    def __getattr__(self, name: str) -> Any:
        if name in ("__func__", "__self__"):
            return object()
        raise AttributeError(name)


def test_what_is_another_at_each_look_is_disconnected_all_the_same() -> None:
    sent = Signal()
    signalkit.receiver(sent, name="shop.proxy", order=1)(Proxy())
    assert sent.has_listeners()
    registry.remove(registry.get("shop.proxy"))
    assert not sent.has_listeners()
