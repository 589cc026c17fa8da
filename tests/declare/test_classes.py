"""Class-based receivers: which classes are registered, as what, and which are refused."""

from __future__ import annotations

import functools
import inspect
import re
import sys
import types
from abc import ABC, abstractmethod
from functools import cached_property, partial, partialmethod
from typing import Any

import pytest
from django.core import serializers
from django.core.signals import request_started
from django.db.models.signals import post_delete, post_save, pre_save
from django.dispatch import Signal

import signalkit
from signalkit import Event, ModelReceiver, Phase, Receiver
from signalkit.exceptions import DeclarationError, NameClash, SenderError, UnknownOption
from signalkit.registry import registry
from tests.testapp.models import Author, Book, Ticket

HERE = __name__


def answers(signal: Signal, sender: Any = None, **payload: Any) -> list[Any]:
    return [answer for _, answer in signal.send(sender, **payload)]


def line_of(cls: type) -> str:
    return f"{__file__}:{inspect.getsourcelines(cls)[1]}"


class TestWhichAreRegistered:
    def test_a_concrete_class_that_names_a_signal(self) -> None:
        signal_ = Signal()

        class Welcome(Receiver):
            signal = signal_

            def handle(self, event: Event) -> str:
                return "welcome"

        assert answers(signal_) == ["welcome"]
        declaration = registry.get(f"{HERE}.Welcome")
        assert declaration.kind == "class"
        assert f"{declaration.origin.file}:{declaration.origin.line}" == line_of(Welcome)
        assert str(declaration.origin).startswith(f"{HERE}.TestWhichAreRegistered.")

    def test_the_automatic_name_takes_the_app_label(self) -> None:
        class Welcome(Receiver):
            __module__ = "tests.testapp.receivers"
            signal = Signal()

            def handle(self, event: Event) -> None: ...

        assert "testapp.Welcome" in registry

    def test_a_base_without_a_signal_is_none(self) -> None:
        before = registry.all()

        class Base(Receiver):
            def handle(self, event: Event) -> None: ...

        assert registry.all() == before

        class Child(Base):
            signal = Signal()

        assert [each.name for each in registry.all()[len(before) :]] == [f"{HERE}.Child"]

    def test_an_abstract_one_is_none_and_its_children_are(self) -> None:
        signal_ = Signal()
        before = registry.all()

        class Base(Receiver, abstract=True):
            signal = signal_
            order = 3

            def handle(self, event: Event) -> str:
                return type(self).__name__

        assert registry.all() == before

        class One(Base): ...

        class Two(Base):
            order = 1

        assert answers(signal_) == ["Two", "One"]

    def test_an_abstract_one_may_leave_handle_out(self) -> None:
        class Base(Receiver, abstract=True):
            signal = Signal()

    def test_a_child_of_a_concrete_one_is_another_receiver(self) -> None:
        signal_ = Signal()

        class Parent(Receiver):
            signal = signal_
            name = "shop.parent"
            aliases = ("shop.old",)

            def handle(self, event: Event) -> str:
                return type(self).__name__

        class Child(Parent): ...

        assert answers(signal_) == ["Parent", "Child"]
        child = registry.get(f"{HERE}.Child")  # neither name nor aliases are inherited
        assert child.aliases == ()
        assert child.extends == ("shop.parent",)

    def test_several_signals(self) -> None:
        one, two = Signal(), Signal()

        class Both(Receiver):
            signal = (one, two)

            def handle(self, event: Event) -> bool:
                return event.signal is one

        assert answers(one) == [True]
        assert answers(two) == [False]

    def test_async_handles_are_awaited(self) -> None:
        signal_ = Signal()

        class Later(Receiver):
            signal = signal_

            async def handle(self, event: Event) -> str:
                return "awaited"

        assert registry.get(f"{HERE}.Later").is_async
        assert answers(signal_) == ["awaited"]

    def test_static_and_class_methods(self) -> None:
        signal_ = Signal()

        class Static(Receiver):
            signal = signal_

            @staticmethod
            def handle(event: Event) -> str:
                return "static"

        class Klass(Receiver):
            signal = signal_

            @classmethod
            def handle(cls, event: Event) -> str:
                return cls.__name__

        assert answers(signal_) == ["static", "Klass"]

    @pytest.mark.parametrize(
        "made",
        [
            lambda self, happening: happening,
            lambda self, event, /: event,
            lambda self, event, more=None, *, else_=None, **kwargs: event,
            lambda *args: args[1],
            staticmethod(lambda event: event),
            classmethod(lambda cls, event: event),
            partialmethod(lambda self, first, event: event, 1),
            staticmethod(partial(lambda first, event: event, 1)),
            # Its own signature is none that Python can tell.
            staticmethod(types.MappingProxyType({}).get),
        ],
    )
    def test_whatever_can_be_called_with_the_event(self, made: Any) -> None:
        signal_ = Signal()
        body = {"handle": made, "when": lambda self, event: True, "once_per_transaction": made}

        type("Mine", (Receiver,), {"signal": signal_, **body, "phase": Phase.AFTER_COMMIT})

        assert len(answers(signal_)) == 1

    def test_a_decorator_is_asked_what_it_takes_itself(self) -> None:
        signal_ = Signal()

        def with_client(method: Any) -> Any:
            @functools.wraps(method)
            def call(self: Any, event: Event) -> Any:
                return method(self, event, "client")

            return call

        def without_wraps(method: Any) -> Any:
            return lambda *args, **kwargs: method(*args, **kwargs)

        class Mine(Receiver):
            signal = signal_

            @without_wraps
            @with_client
            def when(self, event: Event, client: str) -> bool:
                return client == "client"

            @with_client
            def handle(self, event: Event, client: str) -> str:
                return client

        assert answers(signal_) == ["client"]

    def test_annotations_that_only_a_type_checker_knows(self) -> None:
        signal_ = Signal()
        namespace: dict[str, Any] = {"Receiver": Receiver, "signal_": signal_, "__name__": HERE}

        # Compiled without this module's own __future__, as most modules are from Python 3.14 on.
        source = """
class Mine(Receiver):
    signal = signal_
    def __init__(self, client: "Client" = None): ...
    def handle(self, event: "Nowhere"): return "handled"
"""
        if sys.version_info >= (3, 14):
            source = source.replace('"Client"', "Client").replace('"Nowhere"', "Nowhere")
        exec(compile(source, __file__, "exec", dont_inherit=True), namespace)

        assert answers(signal_) == ["handled"]

    def test_an_init_that_python_cannot_tell(self) -> None:
        signal_ = Signal()

        class Mine(Receiver, dict[str, Any]):
            signal = signal_

            def handle(self, event: Event) -> int:
                return len(self)

        assert answers(signal_) == [0]

    def test_one_instance_for_all_events(self) -> None:
        signal_ = Signal()

        class Self(Receiver):
            signal = signal_

            def handle(self, event: Event) -> Any:
                return self

        assert answers(signal_)[0] is answers(signal_)[0]

    def test_an_init_of_its_own(self) -> None:
        signal_ = Signal()

        class Prepared(Receiver):
            signal = signal_

            def __init__(self, word: str = "ready") -> None:
                super().__init__()
                self.word = word

            def handle(self, event: Event) -> str:
                return self.word

        assert answers(signal_) == ["ready"]

    def test_made_by_type_under_names_of_their_own(self) -> None:
        signal_ = Signal()
        for word in ("One", "Two"):
            type(word, (Receiver,), {"signal": signal_, "handle": lambda self, event: event.pk})
        assert {f"{HERE}.One", f"{HERE}.Two"} <= {each.name for each in registry}


class TestDefaults:
    def test_they_are_the_safe_ones(self) -> None:
        class Safe(ModelReceiver):
            signal = post_save
            sender = Author

            def handle(self, event: Event) -> None: ...

        declaration = registry.get(f"{HERE}.Safe")
        assert declaration.reentry == "skip"
        assert declaration.on_error == "raise"
        assert not declaration.raw
        assert declaration.phase is Phase.INLINE

    @pytest.mark.parametrize(
        ("phase_", "expected"),
        [
            (Phase.INLINE, "raise"),
            (Phase.BEFORE_COMMIT, "raise"),
            (Phase.AFTER_COMMIT, "isolate"),
            (Phase.AFTER_ROLLBACK, "isolate"),
        ],
    )
    def test_errors_in_work_that_nobody_waits_for_are_isolated(
        self, phase_: Phase, expected: str
    ) -> None:
        class Later(Receiver):
            signal = Signal()
            phase = phase_

            def handle(self, event: Event) -> None: ...

        assert registry.get(f"{HERE}.Later").on_error == expected

    @pytest.mark.django_db
    @pytest.mark.parametrize("base", [Receiver, ModelReceiver])
    def test_fixtures_are_left_alone_by_both(self, base: type[Receiver]) -> None:
        heard: list[str] = []

        class Listens(base):  # type: ignore[valid-type, misc]  # a parameter
            signal = post_save
            sender = Author

            def handle(self, event: Event) -> None:
                heard.append(event.instance.name)

        # far from where PostgreSQL counts: a sequence knows nothing of keys that were given
        fixture = serializers.serialize("json", [Author(pk=10**6, name="loaded")])
        for loaded in serializers.deserialize("json", fixture):
            loaded.save()
        Author.objects.create(name="created")
        assert heard == ["created"]

    def test_the_options_of_a_class_are_taken(self) -> None:
        class First(Receiver):
            signal = Signal()

            def handle(self, event: Event) -> None: ...

        class Options(ModelReceiver):
            signal = post_save
            sender = "testapp.Book"
            phase = Phase.BEFORE_COMMIT
            created = False
            raw = True
            changed = ["title"]
            include_subclasses = True
            on_error = "isolate"
            reentry = "raise"
            order = 4
            after = [First, "shop.other"]
            name = "shop.options"
            aliases = ["shop.old"]

            def when(self, event: Event) -> bool:
                return True

            def once_per_transaction(self, event: Event) -> Any:
                return event.pk

            def handle(self, event: Event) -> None: ...

        declaration = registry.get("shop.options")
        assert declaration.senders == ("testapp.Book",)
        assert declaration.phase is Phase.BEFORE_COMMIT
        assert (declaration.created, declaration.raw) == (False, True)
        assert declaration.changed == ("title",)
        assert declaration.include_subclasses
        assert (declaration.on_error, declaration.reentry) == ("isolate", "raise")
        assert (declaration.order, declaration.after) == (4, (f"{HERE}.First", "shop.other"))
        assert declaration.aliases == ("shop.old",)
        assert declaration.when is not None
        assert callable(declaration.once_per_transaction)

    def test_an_inherited_policy_can_be_taken_back(self) -> None:
        class Base(Receiver, abstract=True):
            signal = Signal()
            on_error = "raise"

            def handle(self, event: Event) -> None: ...

        with pytest.raises(DeclarationError, match="on_error='raise' cannot apply"):

            class Kept(Base):
                phase = Phase.AFTER_ROLLBACK

        class TakenBack(Base):
            phase = Phase.AFTER_ROLLBACK
            on_error = None  # type: ignore[assignment]  # mypy narrows the base's to its value

    def test_an_inherited_raw_is_no_mistake_where_there_is_none(self) -> None:
        class Base(ModelReceiver, abstract=True):
            raw = True

            def handle(self, event: Event) -> None: ...

        class Deleted(Base):
            signal = post_delete
            sender = Book

        with pytest.raises(DeclarationError, match="post_delete has no such thing"):

            class Written(Base):
                signal = post_delete
                sender = Book
                raw = True


class TestRefusals:
    def test_no_handle(self) -> None:
        with pytest.raises(DeclarationError, match=r"Empty \(.*\) defines no handle\(self, event"):

            class Empty(Receiver):
                signal = Signal()

    def test_handle_of_a_base_that_is_called_after_all(self) -> None:
        with pytest.raises(NotImplementedError, match="Receiver defines no handle"):
            Receiver().handle(Event(Signal(), None, {}))
        assert Receiver().when(Event(Signal(), None, {}))

    def test_a_handle_that_is_still_abstract(self) -> None:
        class Base(Receiver, ABC):
            @abstractmethod
            def handle(self, event: Event) -> None: ...

        with pytest.raises(DeclarationError, match="leaves handle abstract"):

            class Concrete(Base):
                signal = Signal()

    @pytest.mark.parametrize(
        ("made", "found"),
        [
            (lambda self: None, "besides self it takes nothing"),
            (lambda event: None, "besides self it takes nothing"),
            (lambda self, **kwargs: None, r"it takes \(\*\*kwargs\)"),
            (lambda self, *, event: None, r"it takes \(\*, event\)"),
            (lambda self, event, extra: None, r"it takes \(event, extra\) \(missing .*'extra'"),
            (lambda self, sender, instance, **kwargs: None, "missing .*'instance'"),
            (staticmethod(lambda self, event: None), "missing .*'event'"),
            (classmethod(lambda cls: None), "it takes nothing"),
            (partialmethod(lambda self, event: None, 1), "it takes nothing"),
        ],
    )
    @pytest.mark.parametrize("method", ["handle", "when", "once_per_transaction"])
    def test_a_method_that_cannot_be_called_with_the_event(
        self, method: str, made: Any, found: str
    ) -> None:
        body = {"phase": Phase.AFTER_COMMIT, "handle": lambda self, event: None, method: made}
        with pytest.raises(DeclarationError) as error:
            type("Mine", (Receiver,), {"signal": Signal(), **body})

        assert re.search(found, str(error.value))
        assert f": {method} cannot be called with one event: " in str(error.value)
        assert f"Write it as {method}(self, event)" in str(error.value)
        assert f"{HERE}.Mine" not in registry

    @pytest.mark.parametrize(
        ("made", "found"),
        [
            (lambda self, sender, **kwargs: None, "not (sender, **kwargs)"),
            (lambda self, sender=None, **kwargs: None, "not (sender, **kwargs)"),
            (lambda self, signal, *args: None, "not (signal, *args)"),
            (lambda self, instance: None, "not (instance)"),
            (staticmethod(lambda sender, **kwargs: None), "not (sender, **kwargs)"),
        ],
    )
    @pytest.mark.parametrize("method", ["handle", "when", "once_per_transaction"])
    def test_a_method_that_takes_what_django_passes(
        self, method: str, made: Any, found: str
    ) -> None:
        body = {"phase": Phase.AFTER_COMMIT, "handle": lambda self, event: None, method: made}
        with pytest.raises(DeclarationError) as error:
            type("Mine", (Receiver,), {"signal": Signal(), **body})

        assert f": {method} takes one event, {found}. Write it as {method}(self, event); " in str(
            error.value
        )
        assert f"{HERE}.Mine" not in registry

    @pytest.mark.parametrize(
        "made",
        [
            lambda self, event, **kwargs: None,
            lambda self, sent, sender=None: None,
            lambda self, *args, sender=None: None,
        ],
    )
    def test_a_method_that_calls_the_event_something_else(self, made: Any) -> None:
        type("Mine", (Receiver,), {"signal": Signal(), "handle": made})

        assert f"{HERE}.Mine" in registry

    def test_an_async_handle_that_cannot_be_called_with_the_event(self) -> None:
        with pytest.raises(DeclarationError, match="handle cannot be called with one event"):

            class Later(Receiver):
                signal = Signal()

                async def handle(self) -> None:  # type: ignore[override]  # the mistake
                    ...

    @pytest.mark.parametrize("value", [1, "handle", None])
    def test_a_handle_that_is_no_method(self, value: object) -> None:
        with pytest.raises(DeclarationError, match=r"handle is .*; expected a method"):
            type("Mine", (Receiver,), {"signal": Signal(), "handle": value})

    def test_an_init_with_arguments(self) -> None:
        with pytest.raises(
            DeclarationError, match=r"__init__ takes arguments \(missing .*'client'"
        ):

            class Client(Receiver):
                signal = Signal()

                def __init__(self, client: object) -> None: ...

                def handle(self, event: Event) -> None: ...

    def test_an_error_inside_init_is_its_own(self) -> None:
        with pytest.raises(TypeError, match="own mistake"):

            class Broken(Receiver):
                signal = Signal()

                def __init__(self) -> None:
                    raise TypeError("own mistake")

                def handle(self, event: Event) -> None: ...

    def test_a_generator(self) -> None:
        with pytest.raises(DeclarationError, match="contains a yield"):

            class Yields(Receiver):
                signal = Signal()

                def handle(self, event: Event) -> Any:
                    yield 1

    def test_an_async_condition(self) -> None:
        with pytest.raises(DeclarationError, match="when is a coroutine function"):

            class Asks(Receiver):
                signal = Signal()

                async def when(self, event: Event) -> bool:  # type: ignore[override]  # the mistake
                    return False

                def handle(self, event: Event) -> None: ...

    def test_a_model_receiver_of_what_is_not_about_rows(self) -> None:
        with pytest.raises(DeclarationError, match=r"request_started is not about an instance\. S"):

            class Request(ModelReceiver):
                signal = [post_save, request_started]

                def handle(self, event: Event) -> None: ...

    def test_a_wrong_value_names_the_class(self) -> None:
        with pytest.raises(DeclarationError, match=r"Wrong \(.*test_classes\.py:\d+\): order is"):

            class Wrong(Receiver):
                signal = Signal()
                order = "first"  # type: ignore[assignment]  # the mistake

                def handle(self, event: Event) -> None: ...

    def test_a_wrong_name(self) -> None:
        with pytest.raises(DeclarationError, match="name is 'two words'"):

            class Named(Receiver):
                signal = Signal()
                name = "two words"

                def handle(self, event: Event) -> None: ...

    def test_a_misspelt_keyword_of_the_class_statement(self) -> None:
        with pytest.raises(UnknownOption, match=r"takes no 'abstrct'\. .*ean 'abstract'") as error:

            class Base(Receiver, abstrct=True): ...

        line = inspect.currentframe().f_lineno - 2  # type: ignore[union-attr]  # CPython has it
        assert f"Base ({__file__}:{line}): a class statement" in str(error.value)

    def test_keywords_of_other_bases_are_theirs(self) -> None:
        taken: list[str] = []

        class Mixin:
            def __init_subclass__(cls, *, colour: str = "", **kwargs: Any) -> None:
                super().__init_subclass__(**kwargs)
                taken.append(colour)

        class Base(Receiver, Mixin, colour="red"): ...

        assert taken == ["red"]

    @pytest.mark.parametrize(
        ("wrong", "right"),
        [
            ("singal", "signal"),
            ("signals", "signal"),
            ("senders", "sender"),
            ("sendr", "sender"),
            ("onerror", "on_error"),
            ("phse", "phase"),
        ],
    )
    def test_a_misspelt_option(self, wrong: str, right: str) -> None:
        with pytest.raises(UnknownOption, match=f"sets {wrong!r}.*Did you mean {right!r}"):
            type("Misspelt", (ModelReceiver,), {wrong: None})

    def test_a_misspelt_option_is_told_with_its_place(self) -> None:
        with pytest.raises(UnknownOption) as error:

            class Misspelt(Receiver):
                singal = None

        line = inspect.currentframe().f_lineno - 3  # type: ignore[union-attr]  # CPython has it
        assert f"Misspelt ({__file__}:{line}) sets 'singal'" in str(error.value)

    @pytest.mark.parametrize(
        ("attribute", "value", "instead"),
        [
            ("replaces", "shop.Theirs", r"class Mine\(Theirs, replaces=\.\.\.\)"),
            ("replaces", Receiver, r"class Mine\(Theirs, replaces=\.\.\.\)"),
            ("abstract", True, r"class Base\(Receiver, abstract=True\)"),
            ("dispatch_uid", "mine", "name tells a class apart"),
            ("weak", False, "always held strongly"),
        ],
    )
    def test_what_is_no_attribute(self, attribute: str, value: object, instead: str) -> None:
        with pytest.raises(UnknownOption, match=f"sets {attribute!r}.*{instead}"):
            type("Mine", (Receiver,), {attribute: value})

    @pytest.mark.parametrize(
        "name",
        [
            *("create", "render", "draw", "on_event", "should_handle", "handle_error"),
            *("handler", "handled", "handles", "handle2", "candle", "bundle", "mishandle"),
            *("then", "where", "when_paid", "once", "once_per_request", "_handel"),
        ],
    )
    @pytest.mark.parametrize(
        "decorate", [lambda func: func, staticmethod, classmethod, property, cached_property]
    )
    def test_methods_of_ones_own(self, name: str, decorate: Any) -> None:
        type("Mine", (ModelReceiver,), {name: decorate(lambda self: None)})

    @pytest.mark.parametrize(
        ("right", "slips"),
        [
            ("handle", "handel hanlde ahndle hande handl handdle handlee handke Handle handle_"),
            ("when", "wehn hwen whn whe wheen whenn whem When when_"),
            (
                "once_per_transaction",
                "once_per_transacton once_pre_transaction once_per_transactions oncePerTransaction",
            ),
        ],
    )
    @pytest.mark.parametrize(
        "decorate",
        [lambda func: func, staticmethod, classmethod, property, partialmethod, partial],
    )
    def test_a_misspelt_method(self, right: str, slips: str, decorate: Any) -> None:
        for wrong in slips.split():
            with pytest.raises(UnknownOption, match=f"sets {wrong!r}.*Did you mean {right!r}"):
                type("Mine", (ModelReceiver,), {wrong: decorate(lambda *args: None)})

    def test_a_name_like_a_method_beside_the_method_itself(self) -> None:
        class Mine(ModelReceiver):
            def handle(self, event: Event) -> None: ...

            def handle_(self, event: Event) -> None: ...

    @pytest.mark.parametrize("value", [Book, 1, "text", None])
    def test_what_is_no_method_is_not_taken_for_one(self, value: object) -> None:
        type("Mine", (ModelReceiver,), {"handel": value})

    def test_attributes_of_ones_own(self) -> None:
        class Fine(ModelReceiver):
            orders = ["a"]
            created_at = 1
            handler = "what it hands on to"
            _singal = "private"

    def test_a_class_from_a_factory_needs_a_name(self) -> None:
        def make(**more: Any) -> type[Receiver]:
            class Made(Receiver):
                signal = Signal()
                name = more.get("name")

                def handle(self, event: Event) -> None: ...

            return Made

        first = make()
        with pytest.raises(NameClash) as error:
            make()
        assert str(error.value).count(line_of(first)) == 2
        make(name="shop.second")

    def test_two_classes_of_one_name(self) -> None:
        def one() -> None:
            class Same(Receiver):
                signal = Signal()

                def handle(self, event: Event) -> None: ...

        def two() -> None:
            class Same(Receiver):
                signal = Signal()

                def handle(self, event: Event) -> None: ...

        one()
        with pytest.raises(NameClash, match="Two receivers claim the name"):
            two()

    def test_nothing_of_a_refused_class_stays_behind(self) -> None:
        before, connected = registry.all(), len(post_save.receivers)
        with pytest.raises(SenderError):

            class Refused(ModelReceiver):
                signal = [pre_save, post_save]
                sender = ["testapp.Book", "testapp.Boook"]

                def handle(self, event: Event) -> None: ...

        assert registry.all() == before
        assert len(post_save.receivers) == connected


class TestReplacing:
    def theirs(self, signal_: Signal, **more: Any) -> type[Receiver]:
        return type(
            "Theirs",
            (Receiver,),
            {
                "signal": signal_,
                "name": "their.Theirs",
                "aliases": ["their.Old"],
                "handle": lambda self, event: type(self).__name__,
                **more,
            },
        )

    @pytest.mark.parametrize("by", ["their.Theirs", "their.Old", "the class"])
    def test_by_name_alias_or_class(self, by: Any) -> None:
        signal_ = Signal()
        theirs = self.theirs(signal_)
        replaces_ = theirs if by == "the class" else by

        class Mine(theirs, replaces=replaces_):  # type: ignore[call-arg, valid-type, misc]  # made above
            ...

        assert answers(signal_) == ["Mine"]
        registry.remove(registry.get(f"{HERE}.Mine"))
        assert answers(signal_) == ["Theirs"]

    def test_declared_before_what_it_replaces(self) -> None:
        signal_ = Signal()

        class Mine(Receiver, replaces="their.Theirs"):
            signal = signal_

            def handle(self, event: Event) -> str:
                return "Mine"

        self.theirs(signal_)
        assert answers(signal_) == ["Mine"]

    def test_on_another_signal(self) -> None:
        signal_, other = Signal(), Signal()
        self.theirs(signal_)

        class Mine(Receiver, replaces="their.Theirs"):
            signal = other

            def handle(self, event: Event) -> str:
                return "Mine"

        assert answers(signal_) == []
        assert answers(other) == ["Mine"]

    def test_a_chain(self) -> None:
        signal_ = Signal()
        theirs = self.theirs(signal_)

        class Mine(theirs, replaces=theirs): ...  # type: ignore[call-arg, valid-type, misc]  # made above

        class Yours(Mine, replaces=Mine): ...  # type: ignore[call-arg]  # its parent is a parameter

        assert answers(signal_) == ["Yours"]
        registry.remove(registry.get(f"{HERE}.Mine"))
        assert answers(signal_) == ["Theirs", "Yours"]

    def test_what_is_not_declared_is_waited_for(self) -> None:
        signal_ = Signal()

        class Mine(Receiver, replaces="their.Unknown"):
            signal = signal_

            def handle(self, event: Event) -> str:
                return "Mine"

        assert answers(signal_) == ["Mine"]

    def test_who_is_after_the_replaced_is_after_its_replacement(self) -> None:
        signal_ = Signal()
        theirs = self.theirs(signal_)

        class Last(Receiver):
            signal = signal_
            after = "their.Old"
            order = -5

            def handle(self, event: Event) -> str:
                return "Last"

        class Mine(theirs, replaces=theirs):  # type: ignore[call-arg, valid-type, misc]  # made above
            order = 5
            after = theirs  # itself now: no cycle

        assert answers(signal_) == ["Mine", "Last"]

    def test_a_class_that_is_no_receiver(self) -> None:
        class Base(Receiver, abstract=True):
            def handle(self, event: Event) -> None: ...

        with pytest.raises(DeclarationError, match="expected the name of a receiver, or a declare"):

            class Mine(Base, replaces=Base):
                signal = Signal()

    def test_an_abstract_child_is_not_its_parent(self) -> None:
        theirs = self.theirs(Signal())

        class Base(theirs, abstract=True): ...  # type: ignore[call-arg, valid-type, misc]  # made above

        with pytest.raises(DeclarationError, match="expected the name of a receiver"):
            signalkit.muted(Base)

    @pytest.mark.parametrize("keywords", [{"abstract": True}, {}])
    def test_what_is_no_receiver_replaces_nothing(self, keywords: Any) -> None:
        with pytest.raises(DeclarationError, match="but is not a receiver itself"):

            class Base(Receiver, replaces="their.Theirs", **keywords): ...

    def test_itself(self) -> None:
        with pytest.raises(NameClash, match="replaces itself"):

            class Mine(Receiver, replaces=f"{HERE}.Mine"):
                signal = Signal()

                def handle(self, event: Event) -> None: ...

        assert f"{HERE}.Mine" not in registry

    def test_each_other(self) -> None:
        class One(Receiver, replaces=f"{HERE}.Two"):
            signal = Signal()

            def handle(self, event: Event) -> None: ...

        class Three(One, replaces=One): ...

        with pytest.raises(NameClash, match=r"replace each other, so neither would run"):

            class Two(One, replaces=Three): ...

    def test_one_receiver_by_two(self) -> None:
        signal_ = Signal()
        theirs = self.theirs(signal_)

        class Mine(theirs, replaces="their.Old"): ...  # type: ignore[call-arg, valid-type, misc]  # made above

        with pytest.raises(NameClash, match=r"Mine \(.*:\d+\) and .*Yours \(.*:\d+\) both"):

            class Yours(theirs, replaces="their.Theirs"): ...  # type: ignore[call-arg, valid-type, misc]  # made above

        assert answers(signal_) == ["Mine"]

    def test_one_receiver_by_two_before_it_is_declared(self) -> None:
        for name, replaced in (("A", "their.Old"), ("B", "their.Theirs")):
            self.declare(name, replaced)
        with pytest.raises(NameClash, match="both replace"):
            self.theirs(Signal())
        assert "their.Theirs" not in registry

    def declare(self, name_: str, replaced: str) -> None:
        class Mine(Receiver, replaces=replaced):
            signal = Signal()
            name = name_

            def handle(self, event: Event) -> None: ...

    def test_a_function_that_is_several_receivers(self) -> None:
        @signalkit.receiver(Signal(), order=1)
        @signalkit.receiver(Signal(), order=1)
        def f(**kwargs: Any) -> None: ...

        with pytest.raises(
            DeclarationError, match=r"replaces several receivers at once: .*f, .*#2"
        ):

            class Mine(Receiver, replaces=f):
                signal = Signal()

                def handle(self, event: Event) -> None: ...

    def test_a_function(self) -> None:
        signal_ = Signal()

        @signalkit.receiver(signal_, order=1)
        def f(**kwargs: Any) -> str:
            return "f"

        class Mine(Receiver, replaces=f):
            signal = signal_

            def handle(self, event: Event) -> str:
                return "Mine"

        assert answers(signal_) == ["Mine"]


@pytest.mark.django_db
def test_one_row_makes_one_event_for_each() -> None:
    heard: list[str] = []

    class Opened(ModelReceiver):
        signal = post_save
        sender = Ticket
        created = True

        def handle(self, event: Event) -> None:
            heard.append(event.instance.state)

    ticket = Ticket.objects.create()
    ticket.save()
    assert heard == ["open"]
