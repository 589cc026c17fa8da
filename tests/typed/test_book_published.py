"""The signal that signalkit offers to shops."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.dispatch import receiver

from signalkit import TypedSignal
from signalkit.exceptions import PayloadError
from signalkit.signal_names import signal_path
from signalkit.signals import BookPublished, book_published
from tests.testapp.models import Author, Book
from tests.typed.making import Nameless

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def book() -> Book:
    return Book(title="Emma", author=Author(name="Jane Austen"))


def test_it_reaches_a_plain_receiver(book: Book) -> None:
    seen: list[Any] = []

    @receiver(book_published)
    def announce(sender: type[Book], book: Book, author: Author, **kwargs: Any) -> str:
        seen.append((sender, book, author, kwargs))
        return "announced"

    answers = book_published.send_robust(sender=type(book), book=book, author=book.author)
    assert answers == [(announce, "announced")]
    assert seen == [(Book, book, book.author, {"signal": book_published})]


def test_one_that_fails_stops_nobody(book: Book) -> None:
    fails = Nameless(lambda **named: 1 / 0)
    book_published.connect(fails)
    assert book_published.disconnect(fails)
    book_published.connect(fails)

    @receiver(book_published)
    def announce(**kwargs: Any) -> str:
        return "announced"

    try:
        answers = book_published.send_robust(sender=type(book), book=book, author=None)
    finally:
        book_published.disconnect(fails)
    assert [receiver for receiver, _ in answers] == [fails, announce]
    assert isinstance(answers[0][1], ZeroDivisionError)
    assert answers[1][1] == "announced"


def test_importing_it_loads_no_model() -> None:
    code = (
        "from django.conf import settings; settings.configure(); "
        "import signalkit.signals; from django.apps import apps; "
        "assert not apps.apps_ready and not apps.all_models"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=ROOT, check=True)


def test_what_it_takes(book: Book) -> None:
    assert isinstance(book_published, TypedSignal)
    assert book_published.payload is BookPublished
    assert signal_path(book_published) == "signalkit.signals.book_published"
    with pytest.raises(PayloadError) as error:
        book_published.send(sender=Book, book=book)  # type: ignore[call-arg]
    assert str(error.value) == (
        "signalkit.signals.book_published.send(): 'author' is missing. "
        "It takes book: Any, author: Any."
    )
    # A shop may know books by something else than a model.
    book_published.send(sender=None, book="978-3-16-148410-0", author="Jane Austen")
