"""W008 to W011, I001, I002: what Django has connected, plain receivers above all."""

from __future__ import annotations

import gc
import importlib
import sys
from functools import partial
from typing import Any

import pytest
from django.core.checks import INFO
from django.dispatch import Signal

from signalkit.signal_names import signal_path
from tests.diagnosis.checks.conftest import Ask
from tests.diagnosis.conftest import Site
from tests.testapp.models import Book

HEAD = """\
import signalkit
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_login_failed
from django.core.signals import request_started
from django.db.models.signals import *
from django.db.models.signals import m2m_changed, post_init, post_migrate
from django.dispatch import Signal, receiver
from tests.testapp.models import Book, Dated
rung = Signal()
def hear(**kwargs): ...
"""


def load(site: Site, source: str) -> None:
    """Import source as a module of the project's own app."""
    site.load("corner.listeners", HEAD + source)


HIDDEN_CALL = """
class Meta(type):
    def __getattribute__(cls, name):
        if name == "__call__":
            raise RuntimeError
        return super().__getattribute__(name)

class Ear(metaclass=Meta):
    def __call__(self, **kwargs): ...

rung.connect(Ear(), weak=False)
"""


class TestW008:
    @pytest.mark.parametrize(
        ("call", "count"), [("async def __call__", 1), ("def __call__", 0), ("async def hear", 0)]
    )
    def test_an_instance_whose_call_is_asynchronous(
        self, messages: Ask, site: Site, call: str, count: int
    ) -> None:
        base = "" if "__call__" in call else "    def __call__(self, **kwargs): ...\n"
        load(
            site,
            f"class Ear:\n    {call}(self, **kwargs): ...\n{base}ear = Ear()\nrung.connect(ear)",
        )

        found = messages("W008")

        assert len(found) == count
        assert all("never awaits it" in each.msg for each in found)
        assert all(each.obj == "corner.listeners.Ear.__call__" for each in found)

    def test_a_class_that_does_not_say_how_it_is_called(self, messages: Ask, site: Site) -> None:
        load(site, HIDDEN_CALL)

        assert messages("W008") == []

    def test_asynchronous_functions_are_awaited(self, messages: Ask, site: Site) -> None:
        load(site, "async def wait(**kwargs): ...\nrung.connect(wait)")

        assert messages("W008") == []


# One is connected twice; the other is written in the same place and is another.
INCOMPARABLE = """
class Odd:
    __hash__ = object.__hash__

    def __eq__(self, other):
        raise ValueError("ambiguous")

    def __call__(self, **kwargs): ...

one, other = Odd(), Odd()
rung.connect(one, sender=one)
rung.connect(one)
rung.connect(other)
"""


class TestW009:
    def test_one_file_under_two_names(
        self, messages: Ask, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.syspath_prepend(site.folder / "corner")
        load(site, "@receiver(post_save, sender=Book)\ndef twice(**kwargs): ...")
        importlib.import_module("listeners")

        (message,) = messages("W009")

        assert "corner.listeners.twice and listeners.twice" in message.msg
        assert "its module is imported under two names" in message.msg
        assert "connected twice to post_save" in message.msg

    @pytest.mark.parametrize(
        "connect",
        [
            "post_save.connect(hear, sender=Book, dispatch_uid='a')",
            "post_save.connect(hear)",
        ],
        ids=["uid", "anyone"],
    )
    def test_one_function(self, messages: Ask, site: Site, connect: str) -> None:
        load(site, f"post_save.connect(hear, sender=Book)\n{connect}")

        (message,) = messages("W009")

        assert "the same function is connected twice" in message.msg
        assert messages("W009", "auth") == []

    def test_one_function_of_ours_that_is_plainly_connected_too(
        self, messages: Ask, site: Site
    ) -> None:
        load(
            site,
            "@signalkit.receiver(post_save, sender=Book, order=1, dispatch_uid='mine')\n"
            "def both(**kwargs): ...\npost_save.connect(both)",
        )

        assert len(messages("W009")) == 1

    def test_equality_that_raises(self, messages: Ask, site: Site) -> None:
        load(site, INCOMPARABLE)

        (message,) = messages("W009")

        assert "the same function is connected twice" in message.msg

    @pytest.mark.parametrize(
        "source",
        [
            "post_save.connect(hear, sender=Book)\npost_save.connect(hear, sender=User)",
            "post_save.connect(hear)\nrung.connect(hear)",
            # a factory may well be meant
            "made = [lambda n=n, **kwargs: n for n in range(2)]\nfor m in made: rung.connect(m)",
            "@signalkit.receiver(post_save, sender=[Book, User])\ndef two(**kwargs): ...",
            "rung.connect(print)\nrung.connect([].append, weak=False)",
        ],
        ids=["other sender", "other signal", "factory", "ours", "no source"],
    )
    def test_what_does_not_run_twice(self, messages: Ask, site: Site, source: str) -> None:
        load(site, source)

        assert messages("W009") == []

    def test_the_code_of_others_is_their_own_affair(self, messages: Ask, packages: Site) -> None:
        packages.install("lib")
        packages.load("lib.listeners", f"{HEAD}rung.connect(hear)\nrung.connect(hear, sender=Book)")

        assert messages("W009") == []


# As arrays of numbers do: what == answers is no boolean.
ODD_EQUALITY = """
class Odd:
    __hash__ = object.__hash__

    def __eq__(self, other):
        raise ValueError("ambiguous")

ODD = Odd()
post_save.connect(hear, sender=ODD)
"""

ODD_STRING = """
class Odd(str):
    __slots__ = ()

    def __repr__(self):
        raise RuntimeError

ODD = Odd("corner")
post_migrate.connect(hear, sender=ODD)
"""


class TestW010:
    @pytest.mark.parametrize(
        ("connect", "why"),
        [
            ("post_save.connect(hear, sender=[Book])", "such as a list"),
            ("BOTH = [Book, User]\npost_save.connect(hear, sender=BOTH)", "is a list"),
            ("post_save.connect(hear, sender=Dated)", "abstract"),
            ("m2m_changed.connect(hear, sender=Book)", "the through model"),
            ("post_save.connect(hear, sender=hear)", "expected a model class"),
            ("NAME = 'corner'\npost_migrate.connect(hear, sender=NAME)", "the string 'corner'"),
            ("rung.connect(hear, sender=str(id(rung)))", "a string"),
            (ODD_EQUALITY, "expected a model class"),
            (ODD_STRING, "the string cannot be described (RuntimeError)"),
        ],
        ids=[
            "list",
            "named list",
            "abstract",
            "m2m",
            "function",
            "string",
            "lost string",
            "odd",
            "odd string",
        ],
    )
    def test_what_never_sends_the_signal(
        self, messages: Ask, site: Site, connect: str, why: str
    ) -> None:
        load(site, connect)

        (message,) = messages("W010")

        assert message.obj == "corner.listeners.hear"
        assert why in message.msg

    @pytest.mark.parametrize(
        "connect",
        [
            "post_save.connect(hear)",
            "post_save.connect(hear, sender=Book)",
            "m2m_changed.connect(hear, sender=Book.tags.through)",
            "NAME = 'x y'\nrung.connect(hear, sender=NAME)",
            "rung.connect(hear, sender=hear)",
            # of what raises when it is looked at nothing is known
            f"{ODD_EQUALITY.replace('__eq__', '__repr__').replace(', other', '')}",
        ],
    )
    def test_what_does(self, messages: Ask, site: Site, connect: str) -> None:
        load(site, connect)

        assert messages("W010") == []


class TestW011:
    def test_one_that_has_died(self, messages: Ask) -> None:
        played = Signal()
        played.connect(partial(print), sender=Book)
        gc.collect()
        path = signal_path(played)

        (message,) = (each for each in messages("W011") if f"of {path} " in each.msg)

        assert "(sender: testapp.Book) has died" in message.msg
        assert messages("W011", "auth") == []

    def test_a_method_that_went_with_its_object(self, messages: Ask) -> None:
        class Storage:
            def forget(self, **kwargs: Any) -> None:
                pass

        played = Signal()
        played.connect(Storage().forget)
        gc.collect()
        path = signal_path(played)

        assert not [each for each in messages("W011") if path in each.msg]

    def test_one_that_lives(self, messages: Ask) -> None:
        played, held = Signal(), partial(print)
        played.connect(held)
        path = signal_path(played)

        assert not [each for each in messages("W011") if path in each.msg]


class TestI001:
    def test_a_plain_receiver_of_every_model(self, messages: Ask, site: Site) -> None:
        load(site, "post_save.connect(hear)")

        (message,) = messages("I001")

        assert message.level == INFO
        assert message.obj == "corner.listeners.hear"
        assert "hears post_save of every model" in message.msg
        assert messages("I001", "auth") == []

    @pytest.mark.parametrize(
        "connect", ["post_save.connect(hear, sender=Book)", "rung.connect(hear)"]
    )
    def test_others(self, messages: Ask, site: Site, connect: str) -> None:
        load(site, connect)

        assert messages("I001") == []

    def test_the_code_of_others_is_their_own_affair(self, messages: Ask, packages: Site) -> None:
        packages.install("lib")
        packages.load("lib.listeners", f"{HEAD}post_save.connect(hear)")

        assert messages("I001") == []


class TestI002:
    def test_a_plain_receiver_of_made_objects(self, messages: Ask, site: Site) -> None:
        load(site, "post_init.connect(hear, sender=Book)")

        (message,) = messages("I002")

        assert message.level == INFO
        assert "hears post_init" in message.msg

    @pytest.mark.parametrize("connect", ["post_init.connect(hear)", "post_save.connect(hear)"])
    def test_others(self, messages: Ask, site: Site, connect: str) -> None:
        load(site, connect)

        assert messages("I002") == []


def test_nothing_is_imported(messages: Ask, site: Site) -> None:
    site.write("corner/receivers.py", "import signalkit\n@signalkit.receiver(x)\ndef f(): ...")
    before = set(sys.modules)

    messages("W014")

    assert set(sys.modules) == before
