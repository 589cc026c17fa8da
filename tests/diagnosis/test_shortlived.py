"""Weak connections to what nothing else holds are found in the source, and no others are."""

from __future__ import annotations

import ast
from textwrap import dedent
from typing import Any

import pytest

from signalkit.diagnosis import shortlived

HEAD = """\
from functools import partial
import functools, sqlite3
import signalkit
from django.db.models import signals
from django.db.models.signals import post_save
from django.dispatch import receiver
class Ear:
    def hear(self, **kwargs): ...
def get_ear():
    return Ear()
def hear(**kwargs): ...
"""
LINES = HEAD.count("\n")


def find(source: str) -> list[tuple[int, str]]:
    """Return what is found in source that follows the imports, by its lines there."""
    # Run without what is looked for: the names are all that counts.
    namespace: dict[str, Any] = {"__name__": __name__}
    exec(HEAD, namespace)
    tree = ast.parse(HEAD + dedent(source))
    return [(line - LINES, what) for line, what in shortlived.find(tree, namespace)]


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("post_save.connect(lambda **kwargs: 0)", "a lambda"),
        ("post_save.connect(receiver=lambda **kwargs: 0)", "a lambda"),
        ("post_save.connect(lambda **kwargs: 0, weak=True)", "a lambda"),
        ("signals.post_save.connect(lambda **kwargs: 0)", "a lambda"),
        ("post_save.connect(partial(hear, 1))", "a partial"),
        ("post_save.connect(functools.partial(hear, 1))", "a partial"),
        ("post_save.connect(Ear().hear)", "a method of a temporary object"),
    ],
)
def test_what_dies_at_once(source: str, what: str) -> None:
    assert find(source) == [(1, what)]


@pytest.mark.parametrize(
    "source",
    [
        "post_save.connect(hear)",
        "post_save.connect(lambda **kwargs: 0, weak=False)",
        "post_save.connect(lambda **kwargs: 0, weak=maybe)",
        "post_save.connect(lambda **kwargs: 0, **options)",
        "post_save.connect(get_ear().hear)",
        "post_save.connect(get_ear())",
        "post_save.connect(ears[0].hear)",
        "post_save.connect()",
        "post_save.disconnect(lambda **kwargs: 0)",
        "sqlite3.connect(lambda **kwargs: 0)",
        "unknown.connect(lambda **kwargs: 0)",
        "unknown.any.connect(lambda **kwargs: 0)",
        "get_signal().connect(lambda **kwargs: 0)",
        "connect(lambda **kwargs: 0)",
    ],
)
def test_what_lives(source: str) -> None:
    assert find(source) == []


class TestInsideFunctions:
    def test_a_function_inside_a_function(self) -> None:
        assert find(
            """\
            def ready(self):
                async def inner(**kwargs): ...
                post_save.connect(inner)
            """
        ) == [(3, "inner, a function inside a function,")]

    def test_a_local_name_for_a_lambda(self) -> None:
        assert find(
            """\
            def ready(self):
                other = 1
                inner = lambda **kwargs: 0
                post_save.connect(inner)
            """
        ) == [(4, "a lambda")]

    @pytest.mark.parametrize("use", ["return inner", "keep(inner)", "self.inner = inner"])
    def test_one_that_is_held_elsewhere(self, use: str) -> None:
        source = """\
            def ready(self):
                def inner(**kwargs): ...
                post_save.connect(inner)
                {}
            """

        assert find(source.format(use)) == []

    def test_a_name_from_elsewhere(self) -> None:
        assert (
            find(
                """\
                def ready(self, given):
                    held = given
                    post_save.connect(given)
                    post_save.connect(held)
                    post_save.connect(hear)
                """
            )
            == []
        )

    @pytest.mark.parametrize(
        "line",
        [
            "from django.db.models.signals import pre_save as before",
            "from django.db.models import signals; before = 0",
        ],
    )
    def test_signals_imported_in_the_function(self, line: str) -> None:
        name = "before" if " as " in line else "signals.pre_save"

        assert find(f"def ready():\n    {line}\n    {name}.connect(lambda **k: 0)\n") == [
            (3, "a lambda")
        ]

    def test_what_is_imported_from_nowhere(self) -> None:
        assert (
            find(
                """\
                def ready():
                    from nowhere import at_all, other
                    from . import near
                    at_all.connect(lambda **kwargs: 0)
                    near.connect(lambda **kwargs: 0)
                """
            )
            == []
        )


DECORATED = """\
def ready():
    @{}
    def inner(**kwargs): ...
    {}
"""


@pytest.mark.parametrize(
    "decorator",
    [
        "receiver(post_save)",
        "receiver(post_save, sender=x)",
        "signalkit.receiver(post_save)",
        "signalkit.receiver(post_save, sender=x, dispatch_uid='y')",
    ],
)
def test_decorators_inside_functions(decorator: str) -> None:
    assert find(DECORATED.format(decorator, "pass")) == [
        (3, "inner, a function inside a function,")
    ]
    assert find(DECORATED.format(decorator, "return inner")) == []


@pytest.mark.parametrize(
    "decorator",
    [
        "receiver(post_save, weak=False)",
        "signalkit.receiver(post_save, order=1)",
        "signalkit.receiver(post_save, sender=[x, y])",
        "other(post_save)",
        "receiver",
    ],
)
def test_decorators_that_hold_the_function(decorator: str) -> None:
    assert find(DECORATED.format(decorator, "pass")) == []


def test_decorators_at_the_top_of_a_module() -> None:
    assert find("@receiver(post_save)\ndef top(**kwargs): ...") == []
