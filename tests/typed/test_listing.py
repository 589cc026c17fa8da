"""A typed signal in ``manage.py signalkit list``."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from signalkit import TypedSignal
from signalkit.dispatch.found import all_signals
from signalkit.exceptions import DeclarationError
from signalkit.signals import book_published
from tests.typed.making import listen, typed
from tests.typed.payloads import Published

nothing = typed()
published = typed(book=Published, note="str | None")


@pytest.fixture(autouse=True)
def connected() -> Any:
    signals = (book_published, nothing, published)
    for signal in signals:
        listen(signal)
    yield
    for signal in signals:
        signal.receivers.clear()


def listed(*arguments: str) -> str:
    out = StringIO()
    call_command("signalkit", "list", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("signalkit.signals.book_published", "  carries book: Any, author: Any"),
        (f"{__name__}.nothing", "  carries nothing"),
        (f"{__name__}.published", "  carries book: Published, note: str | None"),
    ],
)
def test_it_says_what_it_carries(name: str, line: str) -> None:
    heading, said, row, *_ = listed("--signal", name).splitlines()
    module, _, short = name.rpartition(".")
    assert heading == f"{short}  {module}"
    assert said == line
    assert row.startswith("   1  tests.typed.making.listen")


def test_one_line_for_each_row_where_that_is_asked_for() -> None:
    assert "carries" not in listed("--signal", "book_published", "--verbosity", "0")


def test_for_machines() -> None:
    (row,) = json.loads(listed("--signal", "book_published", "--format", "json"))["receivers"]
    assert row["payload"] == {"book": "Any", "author": "Any"}
    (row,) = json.loads(listed("--signal", "setting_changed", "--format", "json"))["receivers"][:1]
    assert row["payload"] is None


def test_one_that_was_refused_is_not_there() -> None:
    with pytest.raises(DeclarationError) as refused:
        TypedSignal(int)
    # Its traceback still has what was being made.
    assert refused.value.__traceback__ is not None
    assert all(hasattr(signal, "receivers") for signal in all_signals())
    assert "carries" in listed("--signal", "signalkit.signals.book_published")
