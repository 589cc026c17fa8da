"""Each kind of callable leads to the source it was written in."""

from __future__ import annotations

import functools
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from signalkit.declare.places import Place, place_of

HERE = __name__
LINES = Path(__file__).read_text().splitlines()


def line_of(text: str) -> int:
    return next(n for n, line in enumerate(LINES, start=1) if line.strip().startswith(text))


def hear(**kwargs: Any) -> None: ...


def decorated(func: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any: ...

    return wrapper


@decorated
def hear_decorated(**kwargs: Any) -> None: ...


class Ear:
    def hear(self, **kwargs: Any) -> None: ...

    def __call__(self, **kwargs: Any) -> None: ...


@pytest.mark.parametrize(
    ("target", "path", "code"),
    [
        (hear, "hear", "def hear(**"),
        (hear_decorated, "hear_decorated", "@decorated"),
        (Ear().hear, "Ear.hear", "def hear(self"),
        (Ear(), "Ear.__call__", "def __call__"),
    ],
    ids=["function", "decorated", "method", "instance"],
)
def test_what_is_written_in_python(target: Callable[..., Any], path: str, code: str) -> None:
    place = place_of(target)

    assert place == Place(f"{HERE}.{path}", HERE, __file__, line_of(code))
    assert str(place) == f"{HERE}.{path} ({__file__}:{place.line})"
    assert place.app is None


def test_a_partial_says_so() -> None:
    place = place_of(partial(partial(hear, a=1), b=2))

    # functools makes one of the two.
    assert place.path == f"partial of {HERE}.hear"
    assert place.line == line_of("def hear(**")


def test_a_class_has_a_file_and_no_line() -> None:
    place = place_of(Ear)

    assert (place.path, place.file, place.line) == (f"{HERE}.Ear", __file__, None)


def test_what_is_not_written_in_python_has_neither() -> None:
    place = place_of([].append)

    assert (place.file, place.line) == (None, None)
    assert str(place) == "builtins.list.append"


def test_a_wrapper_of_itself_does_not_lead_round_and_round() -> None:
    def ring(**kwargs: Any) -> None: ...

    ring.__wrapped__ = ring  # type: ignore[attr-defined]  # that is the point

    assert place_of(ring).path.endswith("ring")


def test_the_app_that_it_belongs_to() -> None:
    from django.contrib.auth.models import update_last_login

    assert place_of(update_last_login).app == "auth"
