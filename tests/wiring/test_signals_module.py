"""What services find in the module that ``ready()`` imports: a helper and a signal."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from django.dispatch import receiver

from signalkit.signals import book_published, notify_on_commit
from tests.dispatch.recording import undone
from tests.testapp.models import Author, Book

pytestmark = pytest.mark.django_db(transaction=True)


def test_somebody_is_notified_after_the_commit() -> None:
    told: list[str] = []
    with transaction.atomic():
        notify_on_commit(lambda: told.append("kept"))
        with undone():
            notify_on_commit(lambda: told.append("lost"))
        assert told == []
    assert told == ["kept"]


def test_a_plain_receiver_hears_of_a_published_book() -> None:
    heard: list[tuple[Any, ...]] = []

    @receiver(book_published)
    def hear(sender: Any, book: Any, author: Any, **kwargs: Any) -> None:
        heard.append((sender, book, author))

    author = Author.objects.create(name="Ada")
    book = Book.objects.create(title="Notes", author=author)
    try:
        book_published.send_robust(sender=type(book), book=book, author=book.author)
    finally:
        book_published.disconnect(hear)
    assert heard == [(Book, book, author)]
