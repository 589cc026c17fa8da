"""``@signalkit.receiver`` with keywords: what each one accepts, refuses and changes."""

from __future__ import annotations

import functools
import gc
import inspect
import queue
import weakref
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
from django.apps import apps
from django.db.models.signals import (
    class_prepared,
    m2m_changed,
    post_delete,
    post_save,
    pre_init,
    pre_save,
)
from django.dispatch import Signal

import signalkit
from signalkit import Phase
from signalkit.declaration import Declaration
from signalkit.exceptions import DeclarationError, NameClash
from signalkit.registry import registry
from tests.testapp.models import Article, Author, Book, Dated

HERE = __name__


def declared() -> Declaration:
    """Return what was declared last."""
    return registry.all()[-1]


def answers(signal: Signal, sender: Any = None, **payload: Any) -> list[Any]:
    return [answer for _, answer in signal.send(sender, **payload)]


class TestTheFunction:
    def test_stays_the_same_object_with_its_signature(self) -> None:
        def f(sender: Any, instance: Any, **kwargs: Any) -> None: ...

        assert signalkit.receiver(post_save, sender=Book, order=1)(f) is f
        assert [*inspect.signature(f).parameters] == ["sender", "instance", "kwargs"]

    def test_gets_what_was_sent(self) -> None:
        signal = Signal()

        @signalkit.receiver(signal, order=1)
        def f(sender: Any, **kwargs: Any) -> Any:
            return sender, kwargs

        assert answers(signal, "me", a=1) == [("me", {"signal": signal, "a": 1})]

    def test_is_held_strongly(self) -> None:
        signal = Signal()
        signalkit.receiver(signal, order=1)(lambda **kwargs: "alive")
        gc.collect()
        assert answers(signal) == ["alive"]

    def test_is_disconnected_by_itself(self) -> None:
        signal = Signal()

        @signalkit.receiver(signal, sender=Book, order=1)
        def f(**kwargs: Any) -> None: ...

        assert not signal.disconnect(f)
        assert signal.disconnect(f, sender=Book)
        assert answers(signal, Book) == []

    def test_a_model_signal_is_disconnected_by_label(self) -> None:
        @signalkit.receiver(post_save, sender="testapp.Book", order=1)
        def f(**kwargs: Any) -> None: ...

        connected = len(post_save.receivers)
        post_save.disconnect(f, sender="testapp.Book")
        assert len(post_save.receivers) == connected - 1

    def test_stays_disconnected_when_others_are_declared_and_put_in_order(self) -> None:
        signal = Signal()

        @signalkit.receiver(signal, order=1)
        def f(**kwargs: Any) -> str:
            return "f"

        signal.disconnect(f)

        @signalkit.receiver(signal, order=0)
        def g(**kwargs: Any) -> str:
            return "g"

        assert answers(signal) == ["g"]

    def test_several_signals_and_several_senders(self) -> None:
        one, two = Signal(), Signal()

        @signalkit.receiver([one, two], sender=[Book, Author])
        def f(signal: Signal, sender: Any, **kwargs: Any) -> Any:
            return signal is one, sender

        assert answers(one, Book) == [(True, Book)]
        assert answers(two, Author) == [(False, Author)]
        assert answers(two, Article) == []

    def test_the_same_signal_twice_in_a_list_counts_once(self) -> None:
        signal = Signal()

        @signalkit.receiver([signal, signal], order=1)
        def f(**kwargs: Any) -> int:
            return 1

        assert answers(signal) == [1]


class TestEveryKindOfCallable:
    def test_methods(self) -> None:
        class Owner:
            def method(self, **kwargs: Any) -> Any:
                return self

        signal, owner = Signal(), Owner()
        signalkit.receiver(signal, order=1)(owner.method)
        gc.collect()
        assert answers(signal) == [owner]
        assert declared().name == f"{HERE}.method"
        with signalkit.muted(owner.method):  # another object than the one that was declared
            assert answers(signal) == [None]
        assert signal.disconnect(owner.method)

    def test_partials(self) -> None:
        def f(number: int, **kwargs: Any) -> int:
            return number

        signal = Signal()
        for number in (1, 2):
            signalkit.receiver(signal, order=1)(functools.partial(functools.partial(f), number))
        assert answers(signal) == [1, 2]
        assert declared().name == f"{HERE}.f#2"
        assert declared().origin.line == f.__code__.co_firstlineno

    def test_callable_instances(self) -> None:
        class Callable_:  # noqa: N801  (its name is what the test is about)
            def __call__(self, **kwargs: Any) -> int:
                return 1

        signal = Signal()
        signalkit.receiver(signal, order=1)(Callable_())
        assert answers(signal) == [1]
        assert declared().name == f"{HERE}.Callable_"
        assert declared().origin.file == __file__

    def test_instances_whose_call_is_async_are_awaited(self) -> None:
        class Callable_:  # noqa: N801  (as above)
            async def __call__(self, **kwargs: Any) -> int:
                return 1

        signal = Signal()
        signalkit.receiver(signal, order=1)(Callable_())
        assert answers(signal) == [1]

    def test_lambdas(self) -> None:
        signal = Signal()
        signalkit.receiver(signal, order=1)(lambda **kwargs: 1)
        assert answers(signal) == [1]
        assert declared().name == f"{HERE}.<lambda>"

    def test_two_lambdas_are_told_apart(self) -> None:
        signalkit.receiver(Signal(), order=1)(lambda **kwargs: 1)
        with pytest.raises(NameClash, match=r"Two receivers claim the name .*<lambda>"):
            signalkit.receiver(Signal(), order=1)(lambda **kwargs: 2)

    def test_static_methods(self) -> None:
        signal = Signal()

        class Owner:
            @signalkit.receiver(signal, order=1)
            @staticmethod
            def inside(**kwargs: Any) -> str:
                return "inside"

            @staticmethod
            @signalkit.receiver(signal, order=1)
            def outside(**kwargs: Any) -> str:
                return "outside"

        assert answers(signal) == ["inside", "outside"]

    def test_decorated_functions(self) -> None:
        def decorated(**kwargs: Any) -> int:
            return 1

        @functools.wraps(decorated)
        def wrapper(*args: Any, **kwargs: Any) -> int:
            return decorated(*args, **kwargs) + 1

        signal = Signal()
        signalkit.receiver(signal, order=1)(wrapper)
        assert answers(signal) == [2]
        assert declared().name == f"{HERE}.decorated"

    def test_what_is_not_written_in_python(self) -> None:
        signal, lines = Signal(), queue.SimpleQueue[Any]()
        signalkit.receiver(signal, order=1)(lines.put)
        assert declared().name.endswith(".put")
        assert declared().origin.file == __file__
        with pytest.raises(TypeError):
            signal.send(None)

    def test_mocks(self) -> None:
        signal, double = Signal(), mock.Mock(return_value=1)
        signalkit.receiver(signal, order=1)(double)
        assert answers(signal, a=1) == [1]
        double.assert_called_once_with(signal=signal, sender=None, a=1)

    def test_a_class_is_called(self) -> None:
        class Made:
            def __init__(self, **kwargs: Any) -> None: ...

        signal = Signal()
        signalkit.receiver(signal, order=1)(Made)
        assert isinstance(answers(signal)[0], Made)

    @pytest.mark.parametrize("value", ["text", None, 3])
    def test_nothing_else(self, value: Any) -> None:
        with pytest.raises(DeclarationError, match="expected a function or another callable"):
            signalkit.receiver(Signal(), order=1)(value)

    def test_class_based_receivers_name_their_signal_themselves(self) -> None:
        class Base(signalkit.Receiver, abstract=True):
            def handle(self, event: signalkit.Event) -> None: ...

        with pytest.raises(DeclarationError, match=r"Base is a class-based receiver.*Drop the dec"):
            signalkit.receiver(Signal(), order=1)(Base)


class TestRefusals:
    def test_weak(self) -> None:
        with pytest.raises(DeclarationError, match=r"weak=True cannot be combined with order"):
            signalkit.receiver(post_save, weak=True, order=1)(lambda **kwargs: None)
        with pytest.raises(DeclarationError, match="cannot be combined with several senders"):
            signalkit.receiver(post_save, weak=True, sender=[Book])(lambda **kwargs: None)

    def test_weak_false_is_what_it_is_anyway(self) -> None:
        signal = Signal()
        signalkit.receiver(signal, weak=False, order=1)(lambda **kwargs: 1)
        assert answers(signal) == [1]

    def test_no_keyword_arguments(self) -> None:
        def f(sender: Any, instance: Any) -> None: ...

        with pytest.raises(DeclarationError, match=r"f \(.*test_functions\.py:\d+\): it does not"):
            signalkit.receiver(post_save, order=1)(f)

    @pytest.mark.parametrize("option", ["when", "once_per_transaction"])
    def test_no_keyword_arguments_in_a_condition(self, option: str) -> None:
        options: dict[str, Any] = {option: lambda instance: True, "phase": Phase.AFTER_COMMIT}
        with pytest.raises(DeclarationError, match=f"{option} does not accept keyword"):
            signalkit.receiver(post_save, **options)(lambda **kwargs: None)

    @pytest.mark.parametrize("option", ["when", "once_per_transaction"])
    def test_a_condition_that_nobody_would_await(self, option: str) -> None:
        async def condition(**kwargs: Any) -> bool:
            return False

        options: dict[str, Any] = {option: condition, "phase": Phase.AFTER_COMMIT}
        with pytest.raises(DeclarationError, match=f"{option} is a coroutine function"):
            signalkit.receiver(post_save, **options)(lambda **kwargs: None)

    def test_generators_would_never_run(self) -> None:
        def f(**kwargs: Any) -> Iterator[int]:
            yield 1

        async def g(**kwargs: Any) -> Any:
            yield 1

        class H:
            def __call__(self, **kwargs: Any) -> Iterator[int]:
                yield 1

        for func in (f, g, H(), functools.partial(f)):
            with pytest.raises(DeclarationError, match="contains a yield"):
                signalkit.receiver(post_save, order=1)(func)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (
                {"phase": "after_commit"},
                r"phase is 'after_commit'; .*DURABLE\. Did you mean 'AFTER_COMMIT'\?",
            ),
            ({"phase": None}, "phase is None; expected signalkit.Phase.INLINE, Phase.BEFORE"),
            ({"created": 1}, "created is 1; expected True or False"),
            ({"raw": None}, "raw is None; expected True or False"),
            ({"changed": "status"}, r"expected a list of strings\. Write changed=\('status',\)\."),
            ({"changed": [1]}, r"changed is \[1\]; expected a list of strings\.$"),
            ({"when": "x"}, "when is 'x'; expected a callable"),
            ({"on_error": "isolated"}, r"'raise' or 'isolate'\. Did you mean 'isolate'"),
            ({"on_error": 3}, "on_error is 3; expected 'raise' or 'isolate'"),
            ({"reentry": "skipp"}, "Did you mean 'skip'"),
            ({"order": "first"}, "order is 'first'; expected an integer"),
            ({"order": True}, "order is True; expected an integer"),
            ({"after": 3}, "after is 3; expected the name of a receiver"),
            ({"after": [print]}, "expected the name of a receiver, or a declared receiver"),
            ({"once_per_transaction": "x"}, "expected True, or a callable"),
            ({"include_subclasses": 1}, "include_subclasses is 1; expected True or False"),
            ({"name": "two words"}, "name is 'two words'; expected a name such as"),
            ({"name": "*"}, "expected a name such as"),
            ({"name": ""}, "expected a name such as"),
            ({"name": 3}, "expected a name such as"),
            ({"aliases": "old"}, r"a list of strings\. Write aliases=\('old',\)\."),
            (
                {"using": "defualt"},
                "using is 'defualt'; expected one of the aliases default, other",
            ),
            ({"using": 1}, "using is 1; expected one of the aliases"),
        ],
    )
    def test_wrong_values(self, options: dict[str, Any], message: str) -> None:
        with pytest.raises(DeclarationError, match=message) as error:
            signalkit.receiver(Signal(), **options)(lambda **kwargs: None)
        assert "test_functions.py" in str(error.value)

    @pytest.mark.parametrize("signal", ["post_save", [], [post_save, "post_save"], None])
    def test_what_is_no_signal(self, signal: Any) -> None:
        with pytest.raises(DeclarationError, match=r"expected a Signal, or a list of signals"):
            signalkit.receiver(signal, order=1)(lambda **kwargs: None)

    @pytest.mark.parametrize(
        ("signal", "options", "message"),
        [
            (pre_save, {"created": True}, "pre_save does not say what was created"),
            ([post_save, pre_save], {"created": False}, "pre_save does not say"),
            (
                post_delete,
                {"raw": False},
                "post_delete has no such thing; pre_save, post_save, m2m",
            ),
            (post_delete, {"changed": ["title"], "sender": Book}, "post_delete has no such thing"),
            (post_save, {"changed": ["title"]}, "it needs a sender whose fields it can watch"),
            (
                post_save,
                {"changed": ["title"], "sender": Book, "created": True},
                "what is created has not changed",
            ),
            (post_save, {"include_subclasses": True}, "there is no sender to extend"),
            (
                class_prepared,
                {"include_subclasses": True, "sender": "testapp.Book"},
                "class_prepared is sent once per class",
            ),
            (
                post_save,
                {"once_per_transaction": True},
                "once_per_transaction=True cannot apply: an INLINE receiver runs at the send",
            ),
            (
                post_save,
                {"phase": Phase.AFTER_ROLLBACK, "on_error": "raise"},
                "on_error='raise' cannot apply: after a rollback",
            ),
            (post_save, {"using": "other"}, "the signal carries the alias"),
            (post_save, {"changed": ["titel"], "sender": Book}, r"Book has not\. Did you mean 't"),
            (post_save, {"changed": ["tags"], "sender": Book}, "use m2m_changed"),
            (post_save, {"changed": ["books"], "sender": Author}, "which is no column of"),
            (
                post_save,
                {"changed": ["titel"], "sender": Dated, "include_subclasses": True},
                "changed names 'titel'",
            ),
        ],
    )
    def test_what_could_not_apply(self, signal: Any, options: dict[str, Any], message: str) -> None:
        before = registry.all()
        with pytest.raises(DeclarationError, match=message) as error:
            signalkit.receiver(signal, **options)(lambda **kwargs: None)
        assert "test_functions.py" in str(error.value)
        assert registry.all() == before

    def test_an_alias_that_nothing_would_use(self) -> None:
        with pytest.raises(DeclarationError, match="uses no transaction"):
            signalkit.receiver(Signal(), using="other")(lambda **kwargs: None)

    def test_what_could_apply(self) -> None:
        def f(**kwargs: Any) -> None: ...

        custom = Signal()
        signalkit.receiver(custom, created=True, using="other", on_error="isolate")(f)
        signalkit.receiver([post_save, m2m_changed], raw=False)(f)
        signalkit.receiver(pre_init, using="other", phase=Phase.AFTER_COMMIT)(f)
        signalkit.receiver(post_save, sender=Book, changed=("title", "author_id"))(f)

    def test_created_on_a_signal_of_ones_own(self) -> None:
        signal = Signal()
        signalkit.receiver(signal, created=True)(lambda **kwargs: 1)
        assert answers(signal, created=True) == [1]
        assert answers(signal, created=False) == [None]
        with pytest.raises(DeclarationError, match="was sent without created"):
            answers(signal)


class TestNames:
    def test_the_app_label_and_the_function(self) -> None:
        def welcome(**kwargs: Any) -> None: ...

        welcome.__module__ = "tests.testapp.receivers"
        signalkit.receiver(Signal(), order=1)(welcome)
        assert declared().name == "testapp.welcome"

    def test_given(self) -> None:
        signalkit.receiver(Signal(), name="shop.hello", aliases=["shop.hi"])(lambda **kwargs: 1)
        assert registry.get("shop.hello") is registry.get("shop.hi") is declared()
        assert "shop.hi" in registry
        assert str(declared()) == "shop.hello"

    def test_none_is_the_automatic_one(self) -> None:
        @signalkit.receiver(Signal(), name=None)  # type: ignore[arg-type]  # what a caller may do
        def f(**kwargs: Any) -> None: ...

        assert declared().name == f"{HERE}.f"

    def test_before_the_apps_are_known_one_has_to_be_given(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def f(**kwargs: Any) -> None: ...

        monkeypatch.setattr(apps, "apps_ready", False)
        monkeypatch.setattr(apps, "models_ready", False)
        with pytest.raises(DeclarationError, match=r"Give it one \(name='app_label.f'\)"):
            signalkit.receiver(Signal(), order=1)(f)
        signalkit.receiver(Signal(), name="shop.f")(f)

    def test_closures_in_a_loop_are_numbered_and_all_run(self) -> None:
        signal = Signal()
        for number in range(3):

            @signalkit.receiver(signal, order=-number)
            def closure(number: int = number, **kwargs: Any) -> int:
                return number

        names = [each.name for each in registry.all()[-3:]]
        assert names == [f"{HERE}.closure", f"{HERE}.closure#2", f"{HERE}.closure#3"]
        assert answers(signal) == [2, 1, 0]

    def test_a_clash_names_both_places(self) -> None:
        def one(**kwargs: Any) -> None: ...
        def two(**kwargs: Any) -> None: ...

        signalkit.receiver(Signal(), name="shop.same")(one)
        with pytest.raises(NameClash) as error:
            signalkit.receiver(Signal(), name="shop.same")(two)
        for func in (one, two):
            assert f"{__file__}:{func.__code__.co_firstlineno}" in str(error.value)
        assert "Give one of them another name (name=...)." in str(error.value)

    def test_a_clash_names_each_of_them_once(self) -> None:
        def index(**kwargs: Any) -> None: ...

        signalkit.receiver(Signal(), name="shop.index")(index)
        with pytest.raises(NameClash) as error:
            signalkit.receiver(Signal(), name="shop.index")(index)

        place = f"{__name__}.{index.__qualname__} ({__file__}:{index.__code__.co_firstlineno})"
        assert str(error.value) == (
            f"Two receivers claim the name 'shop.index': {place} and {place}. Give one of them "
            "another name (name=...)."
        )

    def test_two_functions_of_one_name_in_one_module_are_never_merged(self) -> None:
        def make_first() -> None:
            @signalkit.receiver(Signal(), order=1)
            def same(**kwargs: Any) -> None: ...

        def make_second() -> None:
            @signalkit.receiver(Signal(), order=1)
            def same(**kwargs: Any) -> None: ...

        make_first()
        with pytest.raises(NameClash):
            make_second()

    @pytest.mark.parametrize(
        ("options", "claimed"),
        [
            ({"name": "shop.old"}, "shop.old"),
            ({"name": "shop.x", "aliases": ["shop.new"]}, "shop.new"),
            ({"name": "shop.x", "aliases": ["shop.old"]}, "shop.old"),
        ],
    )
    def test_aliases_clash_too(self, options: dict[str, Any], claimed: str) -> None:
        signalkit.receiver(Signal(), name="shop.new", aliases=["shop.old"])(lambda **kwargs: 1)
        with pytest.raises(NameClash, match=f"claim the name '{claimed}'"):
            signalkit.receiver(Signal(), **options)(lambda **kwargs: 1)
        assert "shop.x" not in registry

    def test_an_alias_twice(self) -> None:
        signalkit.receiver(Signal(), name="shop.new", aliases=["a", "a"])(lambda **kwargs: 1)
        registry.remove(declared())
        assert "a" not in registry


class TestStackedDecorators:
    def test_different_signals_and_senders(self) -> None:
        one, two = Signal(), Signal()

        @signalkit.receiver(one, sender=Book, order=1)
        @signalkit.receiver(one, sender=Author, order=1)
        @signalkit.receiver(two, sender=Book, order=1)
        def f(**kwargs: Any) -> int:
            return 1

        assert answers(one, Book) == answers(one, Author) == answers(two, Book) == [1]
        assert [each.name for each in registry.all()[-3:]] == [
            f"{HERE}.f",
            f"{HERE}.f#2",
            f"{HERE}.f#3",
        ]

    def test_a_reference_to_the_function_means_all_of_them(self) -> None:
        one, two = Signal(), Signal()

        @signalkit.receiver(one, order=1)
        @signalkit.receiver(two, order=1)
        def f(**kwargs: Any) -> int:
            return 1

        with signalkit.muted(f):
            assert answers(one) == answers(two) == [None]

    def test_one_signal_and_sender_twice_is_refused(self) -> None:
        # Django would keep the first connection and drop the second one's conditions.
        def f(**kwargs: Any) -> int:
            return 1

        signalkit.receiver(post_save, sender=Book, created=True)(f)
        with pytest.raises(NameClash) as error:
            signalkit.receiver(post_save, sender=Book, changed=["title"])(f)
        assert f"{HERE}.f#2" in str(error.value)
        assert "Give one of them a dispatch_uid of its own" in str(error.value)

    def test_unless_each_has_a_uid(self) -> None:
        signal = Signal()

        def f(**kwargs: Any) -> int:
            return 1

        signalkit.receiver(signal, order=1)(f)
        signalkit.receiver(signal, order=1, dispatch_uid="again")(f)
        assert answers(signal) == [1, 1]
        assert signal.disconnect(dispatch_uid="again")
        assert signal.disconnect(f)


class TestDispatchUid:
    def test_is_djangos(self) -> None:
        signal = Signal()

        @signalkit.receiver(signal, dispatch_uid="mine", order=1)
        def f(**kwargs: Any) -> None: ...

        assert not signal.disconnect(f)
        assert signal.disconnect(dispatch_uid="mine")

    def test_an_empty_one_is_none(self) -> None:
        signal = Signal()

        @signalkit.receiver(signal, dispatch_uid="", order=1)
        def f(**kwargs: Any) -> None: ...

        assert signal.disconnect(f)

    def test_one_that_is_taken_is_refused(self) -> None:
        signal = Signal()

        def plain(**kwargs: Any) -> str:
            return "plain"

        signal.connect(plain, dispatch_uid="taken")
        with pytest.raises(NameClash, match=r"cannot be connected to .*TestDispatchUid.*plain"):
            signalkit.receiver(signal, dispatch_uid="taken", order=1)(lambda **kwargs: "ours")
        assert answers(signal) == ["plain"]

    def test_a_function_that_is_connected_already_is_refused(self) -> None:
        signal = Signal()

        def f(**kwargs: Any) -> None: ...

        signal.connect(f, sender=Book)
        with pytest.raises(NameClash, match="as the same function"):
            signalkit.receiver(signal, sender=[Author, Book], order=1)(f)
        assert answers(signal, Author) == []  # nothing is half connected
        assert signal.disconnect(f, sender=Book)
        signalkit.receiver(signal, sender=[Author, Book], order=1)(f)

    def test_the_place_of_a_dead_receiver_is_free(self) -> None:
        signal = Signal()
        signal.connect(plain := _Weak(), dispatch_uid="once")
        del plain
        gc.collect()
        signalkit.receiver(signal, dispatch_uid="once", order=1)(lambda **kwargs: 1)
        assert answers(signal) == [1]


class _Weak:
    def __call__(self, **kwargs: Any) -> None: ...


class TestMemory:
    def test_what_is_removed_is_freed(self) -> None:
        class Payload:
            """Something that a closure holds."""

        signal, payload = Signal(), Payload()

        def closure(payload: Payload = payload, **kwargs: Any) -> None: ...

        signalkit.receiver(signal, sender=Book, when=lambda payload=payload, **kwargs: True)(
            closure
        )
        gone = weakref.ref(payload)
        gone_signal = weakref.ref(signal)
        registry.remove(declared())
        del signal, payload, closure
        gc.collect()
        assert gone() is None
        assert gone_signal() is None

    def test_removing_twice_is_removing_once(self) -> None:
        signalkit.receiver(Signal(), name="shop.gone")(lambda **kwargs: 1)
        declaration = declared()
        registry.remove(declaration)
        registry.remove(declaration)
        assert "shop.gone" not in registry


def test_the_signature_says_what_is_optional() -> None:
    assert "order: 'int' = <not given>" in str(inspect.signature(signalkit.receiver))
