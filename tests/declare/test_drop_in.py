"""Without a keyword of its own, ``@signalkit.receiver`` is Django's: scenarios run with both."""

from __future__ import annotations

import asyncio
import functools
import gc
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import pytest
from django.apps import apps
from django.core import serializers
from django.db.models.signals import ModelSignal, class_prepared, post_delete, post_save
from django.dispatch import Signal
from django.dispatch import receiver as django_receiver
from django.test import override_settings

import signalkit
from signalkit.exceptions import DeclarationError, UnknownOption
from signalkit.registry import registry
from tests.testapp.models import Author, Book

F = TypeVar("F", bound=Callable[..., Any])


class Receiver(Protocol):
    """Either of the two decorators."""

    def __call__(self, signal: Any, **kwargs: Any) -> Callable[[F], F]: ...


Scenario = Callable[[Receiver], Any]

NOT_CALLABLE: Any = "text"
SCENARIOS: list[Scenario] = []


def scenario(func: Scenario) -> Scenario:
    SCENARIOS.append(func)
    return func


def entries(signal: Signal) -> list[tuple[str, ...]]:
    """Describe what is connected, in the shape that the running Django has."""
    return [
        (
            str(len(entry)),
            type(entry[1]).__name__,
            *(str(item) for item in entry[2:] if item in (0, 1)),
        )
        for entry in signal.receivers
    ]


def attempt(func: Callable[[], Any]) -> Any:
    try:
        return func()
    except Exception as error:  # noqa: BLE001  (whatever Django raises is compared)
        return type(error), str(error)


@scenario
def connected_weakly(receiver: Receiver) -> Any:
    signal = Signal()

    @receiver(signal)
    def f(sender: Any, **kwargs: Any) -> None: ...

    before = entries(signal)
    del f
    gc.collect()
    return before, signal.send(sender=None)


@scenario
def connected_strongly(receiver: Receiver) -> Any:
    signal = Signal()

    @receiver(signal, weak=False)
    def f(sender: Any, **kwargs: Any) -> str:
        return "alive"

    del f
    gc.collect()
    return entries(signal), [answer for _, answer in signal.send(sender=None)]


@scenario
def a_method_dies_with_its_object(receiver: Receiver) -> Any:
    class Owner:
        def method(self, **kwargs: Any) -> str:
            return "alive"

    signal, owner = Signal(), Owner()
    receiver(signal)(owner.method)
    alive = [answer for _, answer in signal.send(sender=None)]
    del owner
    gc.collect()
    return alive, signal.send(sender=None)


@scenario
def what_is_returned_is_the_function(receiver: Receiver) -> Any:
    def f(**kwargs: Any) -> None: ...

    return receiver(Signal())(f) is f


@scenario
def return_values_and_arguments(receiver: Receiver) -> Any:
    signal = Signal()

    @receiver(signal)
    def f(sender: Any, signal: Signal, **kwargs: Any) -> Any:
        return sender, sorted(kwargs.items())

    return [(got is f, answer) for got, answer in signal.send(sender="me", a=1, b=2)]


@scenario
def errors_propagate(receiver: Receiver) -> Any:
    signal = Signal()

    @receiver(signal)
    def f(**kwargs: Any) -> None:
        raise LookupError("wrong")

    return attempt(lambda: signal.send(sender=None))


@scenario
def errors_are_returned_by_send_robust(receiver: Receiver) -> Any:
    signal = Signal()

    @receiver(signal)
    def f(**kwargs: Any) -> None:
        raise LookupError("wrong")

    return [(got is f, repr(answer)) for got, answer in signal.send_robust(sender=None)]


@scenario
def asynchronous(receiver: Receiver) -> Any:
    signal = Signal()

    @receiver(signal)
    async def f(**kwargs: Any) -> int:
        return 1

    @receiver(signal)
    def g(**kwargs: Any) -> int:
        return 2

    async def both() -> list[Any]:
        return [
            *(await signal.asend(sender=None)),
            *(await signal.asend_robust(sender=None)),
        ]

    return (
        entries(signal),
        [answer for _, answer in signal.send(sender=None)],
        [answer for _, answer in asyncio.run(both())],
    )


@scenario
def senders_by_identity(receiver: Receiver) -> Any:
    signal, heard = Signal(), []

    @receiver(signal, sender=Book)
    def f(sender: Any, **kwargs: Any) -> None:
        heard.append(sender)

    signal.send(sender=Book)
    signal.send(sender=Author)
    signal.send(sender=None)
    return heard


@scenario
def nobody_as_sender(receiver: Receiver) -> Any:
    signal = Signal()

    @receiver(signal, sender=None)
    def f(**kwargs: Any) -> int:
        return 1

    return [answer for _, answer in signal.send(sender=Book)]


@scenario
def several_signals(receiver: Receiver) -> Any:
    one, two, heard = Signal(), Signal(), []

    @receiver([one, two])
    def f(signal: Signal, **kwargs: Any) -> None:
        heard.append(signal is one)

    one.send(sender=None)
    two.send(sender=None)
    return heard


@scenario
def a_tuple_of_signals(receiver: Receiver) -> Any:
    one, two = Signal(), Signal()

    @receiver((one, two))
    def f(**kwargs: Any) -> None: ...

    return entries(one), entries(two)


@scenario
def the_same_uid_twice(receiver: Receiver) -> Any:
    signal = Signal()

    @receiver(signal, dispatch_uid="one")
    def f(**kwargs: Any) -> str:
        return "first"

    @receiver(signal, dispatch_uid="one")
    def g(**kwargs: Any) -> str:
        return "second"

    return [answer for _, answer in signal.send(sender=None)]


@scenario
def an_empty_uid(receiver: Receiver) -> Any:
    signal = Signal()

    @receiver(signal, dispatch_uid="")
    def f(**kwargs: Any) -> None: ...

    return signal.disconnect(f)


@scenario
def the_same_function_twice(receiver: Receiver) -> Any:
    signal = Signal()

    @receiver(signal)
    @receiver(signal)
    def f(**kwargs: Any) -> None: ...

    return entries(signal)


@scenario
def disconnected_by_function(receiver: Receiver) -> Any:
    signal = Signal()

    @receiver(signal, sender=Book)
    def f(**kwargs: Any) -> None: ...

    return signal.disconnect(f), signal.disconnect(f, sender=Book), signal.send(sender=Book)


@scenario
def disconnected_by_uid(receiver: Receiver) -> Any:
    signal = Signal()

    @receiver(signal, dispatch_uid="one")
    def f(**kwargs: Any) -> None: ...

    return signal.disconnect(f), signal.disconnect(dispatch_uid="one")


@scenario
def a_lazy_sender(receiver: Receiver) -> Any:
    signal = ModelSignal()

    @receiver(signal, sender="testapp.Book")
    def f(**kwargs: Any) -> int:
        return 1

    return [answer for _, answer in signal.send(sender=Book)], signal.send(sender=Author)


@scenario
def a_lazy_sender_that_does_not_exist_yet(receiver: Receiver) -> Any:
    signal = ModelSignal()

    @receiver(signal, sender="testapp.NeverDefined")
    def f(**kwargs: Any) -> None: ...

    # Django waits for the model; later tests have nothing to wait for.
    waiting = apps._pending_operations.pop(("testapp", "neverdefined"))
    return entries(signal), len(waiting)


@scenario
def the_apps_argument_of_model_signals(receiver: Receiver) -> Any:
    from django.apps.registry import Apps

    signal = ModelSignal()

    @receiver(signal, sender="testapp.Book", apps=Apps())
    def f(**kwargs: Any) -> None: ...

    return entries(signal)


@scenario
def no_keywords_in_debug(receiver: Receiver) -> Any:
    with override_settings(DEBUG=True):
        return attempt(lambda: receiver(Signal())(lambda sender: None))


@scenario
def no_keywords_without_debug(receiver: Receiver) -> Any:
    signal = Signal()

    @receiver(signal)
    def f(sender: Any) -> None: ...

    return entries(signal)


@scenario
def not_callable_in_debug(receiver: Receiver) -> Any:
    with override_settings(DEBUG=True):
        return attempt(lambda: receiver(Signal())(NOT_CALLABLE))


@scenario
def no_signal_at_all(receiver: Receiver) -> Any:
    return attempt(lambda: receiver("post_save")(lambda **kwargs: None))


@scenario
def reentry_is_allowed(receiver: Receiver) -> Any:
    signal, depth = Signal(), []

    @receiver(signal)
    def f(**kwargs: Any) -> None:
        depth.append(1)
        if len(depth) < 3:
            signal.send(sender=None)

    signal.send(sender=None)
    return len(depth)


@scenario
def order_of_connection(receiver: Receiver) -> Any:
    signal = Signal()

    @receiver(signal)
    def f(**kwargs: Any) -> str:
        return "f"

    signal.connect(plain)

    @receiver(signal)
    def g(**kwargs: Any) -> str:
        return "g"

    return [answer for _, answer in signal.send(sender=None)]


def plain(**kwargs: Any) -> str:
    return "plain"


@pytest.mark.parametrize("run", SCENARIOS, ids=lambda run: run.__name__)
def test_is_djangos_own(run: Scenario) -> None:
    declared = registry.all()
    assert run(signalkit.receiver) == run(django_receiver)
    assert registry.all() == declared


@pytest.mark.django_db
@pytest.mark.parametrize("receiver", [signalkit.receiver, django_receiver])
def test_raw_is_passed(receiver: Receiver) -> None:
    heard: list[bool] = []

    @receiver([post_save, post_delete], sender=Author)
    def f(signal: Signal, **kwargs: Any) -> None:
        heard.append(kwargs.get("raw", False))

    # far from where PostgreSQL counts: a sequence knows nothing of keys that were given
    fixture = serializers.serialize("json", [Author(pk=10**6, name="A")])
    for loaded in serializers.deserialize("json", fixture):
        loaded.save()
    Author.objects.get().delete()
    assert heard == [True, False]


@pytest.mark.parametrize("receiver", [signalkit.receiver, django_receiver])
def test_class_prepared_and_strings_stay_djangos_business(receiver: Receiver) -> None:
    @receiver(class_prepared, sender="testapp.Book", weak=True)
    def f(**kwargs: Any) -> None: ...

    # Compared by identity, so it would never be heard; without a keyword that is Django's affair.
    assert class_prepared.disconnect(f, sender="testapp.Book")


class TestWithoutParentheses:
    """Django's decorator takes what is decorated for the signal, and nothing is ever connected."""

    def test_a_function(self) -> None:
        with pytest.raises(DeclarationError) as raised:

            @signalkit.receiver  # type: ignore[arg-type]  # the mistake
            def index(**kwargs: Any) -> None: ...

        message = str(raised.value)
        assert message.startswith(f"{__name__}.TestWithoutParentheses.")
        assert f"index ({__file__}:" in message
        assert "Write @signalkit.receiver(post_save, ...)" in message

    @pytest.mark.parametrize(
        "decorated",
        [Book, lambda **kwargs: None, functools.partial(print), print, staticmethod(id)],
    )
    @pytest.mark.parametrize("options", [{}, {"sender": Book}, {"order": 1}])
    def test_whatever_else_is_called(self, decorated: Any, options: dict[str, Any]) -> None:
        with pytest.raises(DeclarationError, match="is given in place of a signal"):
            signalkit.receiver(decorated, **options)

    def test_a_class_based_receiver(self) -> None:
        with pytest.raises(DeclarationError, match="names its signal itself"):

            @signalkit.receiver  # type: ignore[arg-type]  # the mistake
            class Index(signalkit.Receiver): ...

    def test_what_stands_in_for_a_signal_is_one(self) -> None:
        """As for Django, which asks for no more than a connect()."""
        connected: list[Any] = []

        class StandIn:
            def __call__(self) -> None: ...

            def connect(self, receiver: Any, **options: Any) -> None:
                connected.extend((receiver, options))

        @signalkit.receiver(StandIn(), sender=Book)  # type: ignore[arg-type]  # no Signal
        def index(**kwargs: Any) -> None: ...

        assert connected == [index, {"sender": Book}]


class TestUnknownKeywords:
    def test_alone(self) -> None:
        with pytest.raises(UnknownOption, match=r"no option 'phse'\. Did you mean 'phase'\?"):
            signalkit.receiver(post_save, phse=signalkit.Phase.AFTER_COMMIT)

    def test_beside_one_of_ours(self) -> None:
        with pytest.raises(UnknownOption, match="Did you mean 'created'"):
            signalkit.receiver(post_save, order=1, creatd=True)

    def test_is_the_type_error_that_django_raises(self) -> None:
        with pytest.raises(TypeError):
            signalkit.receiver([post_save, post_delete], sendr=Book)

    def test_apps_is_djangos_alone(self) -> None:
        with pytest.raises(UnknownOption, match="no option 'apps'"):
            signalkit.receiver(Signal(), apps=None)
        with pytest.raises(UnknownOption, match="no option 'apps'"):
            signalkit.receiver(post_save, apps=None, order=1)

    def test_a_signal_that_takes_anything(self) -> None:
        class Loose(Signal):
            def connect(self, receiver: Any, *args: Any, colour: str = "", **kwargs: Any) -> None:
                super().connect(receiver, *args)
                self.taken = colour, kwargs

        signal = Loose()

        @signalkit.receiver(signal, colour="red", size=1)
        def f(**kwargs: Any) -> None: ...

        assert signal.taken == ("red", {"size": 1})
