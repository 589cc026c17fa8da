"""No object of other code, whatever it does when it is asked, hides the rest of the listing."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any
from unittest import mock

import pytest
from django.core.management import call_command
from django.db.models.signals import post_save
from django.dispatch import Signal

from signalkit.declare.places import place_of
from signalkit.diagnosis import checks
from signalkit.diagnosis.connections import all_connections
from signalkit.diagnosis.listing import Row, all_rows
from signalkit.diagnosis.senders import label_of

HERE = __name__
heard = Signal()


def hear(**kwargs: Any) -> None: ...


class Incomparable:
    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        raise RuntimeError

    def __call__(self, **kwargs: Any) -> None: ...


class Silent:
    def __repr__(self) -> str:
        raise RuntimeError

    def __call__(self, **kwargs: Any) -> None: ...


class SilentText(str):
    __slots__ = ()
    __repr__ = Silent.__repr__


class Nobody(type):
    def __getattribute__(cls, name: str) -> Any:
        if name in ("__module__", "__qualname__", "__call__"):
            raise RuntimeError
        return super().__getattribute__(name)


def unknown() -> Any:
    """Return a class that does not say what it is called."""

    class Unknown(metaclass=Nobody):
        __call__ = print

    return Unknown


class Fives:
    def __getattribute__(self, name: str) -> Any:
        return object.__getattribute__(self, name) if name == "__class__" else 5

    def __call__(self, **kwargs: Any) -> None: ...


class Fluent:
    def __getattr__(self, name: str) -> Any:
        return Fluent()

    def __call__(self, **kwargs: Any) -> None: ...


class Undecided:
    """Wraps something of which nobody can say whether it is there."""

    class Inner:
        def __bool__(self) -> bool:
            raise RuntimeError

        def __call__(self, **kwargs: Any) -> None: ...

    def __init__(self) -> None:
        self.__wrapped__ = self.Inner()

    def __call__(self, **kwargs: Any) -> None: ...


class Changeable:
    """Lets Django connect it, and raises from then on."""

    connected = False

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError if self.connected else AttributeError

    def __call__(self, **kwargs: Any) -> None: ...


class BuiltIn:
    """Leads to no code of Python's."""

    __call__ = print

    def __init__(self, **facts: Any) -> None:
        vars(self).update(facts)


def lambda_of(module: Any, func: Any = None) -> Any:
    made = func or (lambda **kwargs: None)
    made.__module__ = module
    return made


RECEIVERS = [
    Incomparable(),
    Silent(),
    unknown()(),
    unknown(),
    Fives(),
    Fluent(),
    Undecided(),
    BuiltIn(__qualname__=5, __name__=5, __module__=5),
    lambda_of(None),
    lambda_of(5),
    mock.call,
    mock.AsyncMock(),
]


def rows() -> list[Row]:
    """Return the rows of the signal, and see that the others can be read too."""
    found = all_rows()
    output = io.StringIO()
    call_command("signalkit", "list", format="json", stdout=output)
    assert len(json.loads(output.getvalue())["receivers"]) == len(found)
    call_command("signalkit", "list", stdout=output)
    checks.run()
    return [row for row in found if row.signal == f"{HERE}.heard"]


def row() -> Row:
    (found,) = rows()
    return found


def test_receivers() -> None:
    for receiver in RECEIVERS:
        heard.connect(receiver, weak=False)

    found = rows()

    assert len(found) == len(RECEIVERS)
    assert {(each.kind, each.state) for each in found} == {("plain", "connected")}


def test_one_that_raises_later_on() -> None:
    receiver = Changeable()
    heard.connect(receiver, weak=False)
    receiver.connected = True

    assert row().receiver == f"{HERE}.Changeable.__call__"


def test_receivers_that_are_connected_twice() -> None:
    for receiver in RECEIVERS:
        heard.connect(receiver, weak=False, dispatch_uid=("one", id(receiver)))
        heard.connect(receiver, weak=False, dispatch_uid=("other", id(receiver)))

    assert len(rows()) == 2 * len(RECEIVERS)


UIDS = [Incomparable(), Fluent(), Fives(), ("a", Incomparable())]


def test_uids() -> None:
    for number, uid in enumerate(UIDS):
        # One signal each, for Django compares them.
        heard.receivers.append(_connected(uid))
        assert all_connections([heard])[number].uid is uid

    assert [each.dispatch_uid for each in rows()] == [*map(str, UIDS)]


def _connected(uid: Any) -> Any:
    """Return what Django keeps of a connection."""
    signal = Signal()
    signal.connect(hear, dispatch_uid=uid)
    (entry,) = signal.receivers
    return entry


def test_a_uid_that_cannot_be_described() -> None:
    heard.connect(hear, dispatch_uid=Silent())

    assert row().dispatch_uid == "cannot be described (RuntimeError)"
    assert row().receiver == f"{HERE}.hear"


SENDERS = [Incomparable(), Silent(), SilentText("a"), unknown()(), unknown(), Fives(), Fluent()]


def test_senders() -> None:
    for sender in SENDERS:
        heard.connect(hear, sender=sender)
        # Django takes a string for a model that is not defined yet.
        if not isinstance(sender, str):
            post_save.connect(hear, sender=sender)

    assert len(rows()) == len(SENDERS)


def test_signals_that_cannot_be_compared() -> None:
    class Bell(Signal):
        __hash__ = Signal.__hash__
        __eq__ = Incomparable.__eq__

    bells = [Bell(), Bell()]
    for bell in bells:
        bell.connect(hear)

    assert len([each for each in all_rows() if each.receiver == f"{HERE}.hear"]) == 2
    for bell in bells:
        bell.disconnect(hear)


@pytest.mark.parametrize("sender", [SilentText("a"), unknown()])
def test_a_sender_that_cannot_be_described(sender: Any) -> None:
    assert label_of(sender).text == "cannot be described (RuntimeError)"


def test_an_instance_of_a_class_that_cannot_be_described() -> None:
    assert label_of(unknown()()) == ("cannot be described (RuntimeError)", "object")
    assert place_of(BuiltIn()).path == f"{HERE}.BuiltIn"


@pytest.mark.parametrize("module", [None, 5, ""])
def test_a_function_that_says_no_module_is_of_the_one_that_it_runs_in(module: Any) -> None:
    assert place_of(lambda_of(module)).module == HERE


def test_a_function_that_runs_in_no_module() -> None:
    namespace: dict[str, Any] = {"__name__": 5}
    exec("def hear(**kwargs): pass", namespace)

    assert place_of(lambda_of(None, namespace["hear"])).path == "builtins.hear"


def test_a_qualified_name_that_is_no_string() -> None:
    place = place_of(BuiltIn(__qualname__=5, __module__="lib"))

    assert (place.path, place.file) == ("lib.BuiltIn", None)


@pytest.fixture
def odd_module() -> Iterator[None]:
    class Odd(ModuleType):
        def __getattr__(self, name: str) -> Any:
            raise RuntimeError

    sys.modules["odd"] = Odd("odd")
    yield
    del sys.modules["odd"]


@pytest.mark.usefixtures("odd_module")
def test_a_module_that_raises() -> None:
    heard.connect(hear)
    heard.connect(BuiltIn(__module__="odd"), weak=False)

    assert [each.file for each in rows()] == [__file__, None]


class Unhashable(Signal):
    __hash__ = None  # type: ignore[assignment]  # as dataclasses have it


def test_a_signal_that_cannot_be_hashed_is_listed_and_checked() -> None:
    sent = Unhashable()
    sent.connect(hear)
    try:
        assert f"{HERE}.hear" in [row.receiver for row in all_rows()]
        checks.run()
    finally:
        sent.disconnect(hear)
