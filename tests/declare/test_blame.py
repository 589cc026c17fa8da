"""Which file a refused declaration names, so that ``runserver`` watches it."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from django.db.models.signals import post_save
from django.dispatch import Signal

import signalkit
from signalkit import Event, Receiver
from signalkit.exceptions import (
    DeclarationError,
    NameClash,
    OrderError,
    SenderError,
    UnknownOption,
)
from tests.testapp.models import Book

played = Signal()


def function(signal: Any = played, **options: Any) -> None:
    @signalkit.receiver(signal, **options)
    def index(**kwargs: Any) -> None: ...


def body(**attributes: Any) -> Callable[[], object]:
    return lambda: type("Index", (Receiver,), {"handle": lambda self, event: None, **attributes})


def no_function() -> None:
    signalkit.receiver(played, order=1)(3)  # type: ignore[type-var]  # the mistake


def no_parentheses() -> None:
    @signalkit.receiver  # type: ignore[arg-type]  # the mistake
    def index(**kwargs: Any) -> None: ...


def no_keywords() -> None:
    @signalkit.receiver(played, order=1)
    def index(sender: Any) -> None: ...


def name_clash() -> None:
    function(name="shop.index")
    function(name="shop.index")


def place_clash() -> None:
    def index(**kwargs: Any) -> None: ...

    for _ in range(2):
        signalkit.receiver(played, order=1)(index)


def cycle() -> None:
    function(name="shop.one", after="shop.two")
    function(name="shop.two", after="shop.one")


def class_keyword() -> None:
    class Index(Receiver, abstrct=True): ...


def replaces_nobody() -> None:
    class Index(Receiver, replaces="shop.Theirs"): ...


def replaces_itself() -> None:
    class Index(Receiver, replaces="shop.Index"):
        signal = played
        name = "shop.Index"

        def handle(self, event: Event) -> None: ...


@pytest.mark.parametrize(
    ("mistake", "error"),
    [
        (lambda: function("post_save", order=1), DeclarationError),
        (lambda: function(phase="later"), DeclarationError),
        (lambda: function(phse=1), UnknownOption),
        (lambda: function(order=1, phse=1), UnknownOption),
        (lambda: function(created=True, name="two words"), DeclarationError),
        (lambda: function(weak=True, order=1), DeclarationError),
        (lambda: function(post_save, sender=[]), SenderError),
        (lambda: function(post_save, sender="testapp.Boook", order=1), SenderError),
        (lambda: function(post_save, sender=Book, changed=["titel"]), DeclarationError),
        (lambda: function(after=[3]), DeclarationError),
        (no_function, DeclarationError),
        (no_parentheses, DeclarationError),
        (no_keywords, DeclarationError),
        (name_clash, NameClash),
        (place_clash, NameClash),
        (cycle, OrderError),
        (body(signal=3), DeclarationError),
        (body(signal=played, handle=3), DeclarationError),
        (body(signal=played, sender=[]), SenderError),
        (body(singal=played), UnknownOption),
        (body(abstract=True), UnknownOption),
        (body(signal=played, aliases="old"), DeclarationError),
        (class_keyword, UnknownOption),
        (replaces_nobody, DeclarationError),
        (replaces_itself, NameClash),
    ],
)
def test_every_mistake_names_the_file(
    mistake: Callable[[], object], error: type[DeclarationError]
) -> None:
    with pytest.raises(error) as raised:
        mistake()

    assert raised.type is error
    assert raised.value.filename == __file__


@pytest.mark.parametrize(
    "mistaken",
    [
        "signalkit.receiver(post_save, sender='testapp.Boook', order=1)(helpers.index)",
        "helpers.declare(post_save, sender='testapp.Boook', order=1)",
        "signalkit.receiver(post_save, phse=1)",
        "type('Index', (helpers.Base,), {'signal': 3})",
    ],
)
def test_of_several_it_is_the_one_whose_import_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mistaken: str
) -> None:
    """The others are loaded, and so watched already."""
    monkeypatch.syspath_prepend(tmp_path)
    name = tmp_path.name
    helpers = """
        import signalkit

        def index(**kwargs): pass

        def declare(signal, **options):
            return signalkit.receiver(signal, **options)(lambda **kwargs: None)

        class Base(signalkit.Receiver, abstract=True):
            def __init_subclass__(cls, **kwargs):
                super().__init_subclass__(**kwargs)

            def handle(self, event): pass
    """
    (tmp_path / f"{name}_helpers.py").write_text(dedent(helpers))
    (tmp_path / f"{name}.py").write_text(
        f"import signalkit, {name}_helpers as helpers\n"
        f"from django.db.models.signals import post_save\n{mistaken}\n"
    )

    with pytest.raises(DeclarationError) as raised:
        import_module(name)

    assert raised.value.filename == str(tmp_path / f"{name}.py")


def test_an_error_of_anything_else_is_left_as_it_is() -> None:
    class Base(Receiver, abstract=True):
        def __init__(self) -> None:
            raise LookupError

        def handle(self, event: Event) -> None: ...

    with pytest.raises(LookupError) as raised:
        type("Index", (Base,), {"signal": played})

    assert not hasattr(raised.value, "filename")
