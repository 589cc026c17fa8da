"""The tables of the reference, compared with the code."""

import ast
import importlib
import inspect
import re
from pathlib import Path
from typing import Any, get_args

import pytest
from django.core import exceptions as django_exceptions
from django.db.models.signals import post_save
from django.db.transaction import TransactionManagementError
from django.dispatch import Signal

import signalkit
from signalkit import ModelReceiver, Phase, bulk, exceptions
from signalkit.catalogue import builtin_signals, carries, find
from signalkit.declaration import Declaration
from signalkit.declare.build import OPTIONS
from signalkit.exceptions import DeclarationError
from signalkit.registry import registry
from signalkit.types import OnError, Reentry
from tests.testapp.models import Author

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference"
CODE = re.compile(r"`([^`]*)`")


def table(page: str, first: str) -> list[list[str]]:
    """Return the rows of the table whose first column has this heading."""
    text = (REFERENCE / page).read_text()
    found = re.search(rf"^\| {re.escape(first)} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", text, re.MULTILINE)
    assert found, f"{page} has no table of {first}"
    return [[cell.strip() for cell in row[1:-1].split("|")] for row in found[1].splitlines()]


def code(cell: str) -> list[str]:
    """Return what a cell sets as code."""
    return CODE.findall(cell)


def value(cell: str) -> Any:
    """Return the value that a cell shows: a literal, or a phase."""
    (shown,) = code(cell)
    return Phase[shown[6:]] if shown.startswith("Phase.") else ast.literal_eval(shown)


VALUES = {code(row[0])[0]: row[2] for row in table("receivers.md", "option")}
DEFAULTS = {code(row[0])[0]: row[1:] for row in table("receivers.md", "defaults")}
PHASES = {value(row[0]): row for row in table("receivers.md", "phase")}


def attribute(path: str) -> Any:
    """Return what a dotted path leads to."""
    module, _, name = path.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except ModuleNotFoundError:
        return getattr(attribute(module), name)


def function(signal: Signal = post_save, sender: Any = None, **options: Any) -> Declaration:
    """Declare a function and return its declaration."""

    @signalkit.receiver(signal, sender=sender, **options)
    def f(sender: Any, **kwargs: Any) -> None: ...

    return registry.all()[-1]


def class_based(**options: Any) -> Declaration:
    """Declare a class and return its declaration."""
    body = {"signal": post_save, "sender": Author, "handle": lambda self, event: None}
    type("Described", (ModelReceiver,), {**body, "__module__": __name__, **options})
    return registry.all()[-1]


class TestOptions:
    def test_each_has_a_row(self) -> None:
        assert tuple(VALUES) == tuple(DEFAULTS) == OPTIONS

    @pytest.mark.parametrize("option", sorted(set(OPTIONS) - {"on_error", "name"}))
    def test_defaults(self, option: str) -> None:
        # an option that says nothing, so that the function is declared and not handed to Django
        other = {"order": 0} if option == "aliases" else {"aliases": ()}
        assert getattr(function(sender=Author, **other), option) == value(DEFAULTS[option][0])
        assert getattr(class_based(), option) == value(DEFAULTS[option][1])

    def test_names(self) -> None:
        """By default they end in what the function or the class is called."""
        assert function(aliases=()).name.endswith(".f")
        assert code(DEFAULTS["name"][0]) == ["app_label.function_name"]
        assert class_based().name.endswith(".Described")
        assert code(DEFAULTS["name"][1]) == ["app_label.ClassName"]

    @pytest.mark.parametrize("phase", PHASES, ids=lambda phase: phase.name)
    def test_on_error_goes_by_phase(self, phase: Phase) -> None:
        assert function(phase=phase).on_error == value(PHASES[phase][3])
        assert class_based(phase=phase).on_error == value(PHASES[phase][3])

    @pytest.mark.parametrize(
        ("option", "given"), [("created", True), ("raw", False), ("changed", ["name"])]
    )
    def test_signals(self, option: str, given: object) -> None:
        """Those in the table take the option, and no other signal of Django's does."""
        taken = set()
        for builtin in builtin_signals():
            sender = Author if builtin.sender_kind == "model" else None
            sender = None if builtin.name == "m2m_changed" else sender
            try:
                function(builtin.signal, sender, **{option: given})
            except DeclarationError:
                continue
            taken.add(builtin.name)
        assert set(code(DEFAULTS[option][2])) == taken

    def test_signals_of_using(self) -> None:
        assert DEFAULTS["using"][2] == "those without `using`"
        for builtin in builtin_signals():
            given = {"using": "default", "phase": Phase.AFTER_COMMIT}
            if carries(builtin.signal, "using"):
                with pytest.raises(DeclarationError):
                    function(builtin.signal, **given)
            else:
                function(builtin.signal, **given)

    @pytest.mark.parametrize("option", ["phase", "on_error", "reentry"])
    def test_values(self, option: str) -> None:
        if option == "phase":
            assert list(PHASES) == list(Phase)
            return
        shown = {ast.literal_eval(each) for each in code(VALUES[option])}
        assert shown == set(get_args({"on_error": OnError, "reentry": Reentry}[option]))


class TestOtherTables:
    def test_bulk_signals(self) -> None:
        rows = table("bulk.md", "signal")
        assert {code(row[0])[0] for row in rows} == {
            name for name, each in vars(bulk).items() if isinstance(each, Signal)
        }
        keywords: set[str] = set()
        for name, shown, _ in rows:
            keywords = set(code(shown)) | (keywords if shown.startswith("the same") else set())
            known = find(getattr(bulk, code(name)[0]))
            assert known is not None
            assert keywords == known.keywords, name
        explained = {each for row in table("bulk.md", "keyword") for each in code(row[0])}
        assert {each for row in rows for each in code(row[1])} == explained

    def test_errors(self) -> None:
        rows = table("receivers.md", "error")
        classes = dict(inspect.getmembers(exceptions, inspect.isclass))
        ours = {name for name, each in classes.items() if each.__module__ == exceptions.__name__}
        assert {code(row[0])[0] for row in rows} == ours
        named = {
            **vars(django_exceptions),
            **classes,
            **vars(importlib.import_module("builtins")),
            "TransactionManagementError": TransactionManagementError,
        }
        for row in rows:
            bases = [named[name] for name in code(row[1])]
            assert bases, row
            assert all(issubclass(classes[code(row[0])[0]], base) for base in bases), row

    @pytest.mark.parametrize(
        ("page", "first"), [("receivers.md", "call"), ("veto.md", "name")], ids=["calls", "vetoes"]
    )
    def test_what_is_named_exists_and_takes_these_arguments(self, page: str, first: str) -> None:
        for row in table(page, first):
            for path, arguments in re.findall(r"(signalkit(?:\.\w+)+)(\([^`]*\))?", row[0]):
                found = attribute(path)
                for keyword in re.findall(r"(\w+)=", arguments):
                    assert keyword in inspect.signature(found).parameters, f"{path}: {keyword}"
