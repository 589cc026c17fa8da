"""What the tests of vetoes share: receivers that refuse, and proof that nothing was written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Model
from django.dispatch import Signal
from django.test import Client
from django.urls import reverse

from signalkit import Veto
from signalkit.transactions import before_commit
from signalkit.veto.admin import install, uninstall
from tests.veto.vetoapp.admin import plain
from tests.veto.vetoapp.models import Book, Copy, Genre, Note, Review

Refuse = Callable[..., None]


@pytest.fixture
def committed() -> list[str]:
    """What on_commit callbacks of vetoing receivers have appended."""
    return []


@pytest.fixture
def refuse(committed: list[str]) -> Iterator[Refuse]:
    """Connect plain receivers that write a row, queue an on_commit callback, then refuse."""
    connected: list[tuple[Signal, Any, Callable[..., None]]] = []

    def refuse(
        signal: Signal,
        sender: Any,
        message: Any = "Not today.",
        *,
        at_commit: bool = False,
        when: Callable[[dict[str, Any]], bool] = lambda keywords: True,
    ) -> None:
        def receiver(**keywords: Any) -> None:
            if not when(keywords):
                return
            using = keywords["using"]

            def veto() -> None:
                raise Veto(message)

            Note.objects.using(using).create(text="side effect")
            transaction.on_commit(lambda: committed.append("side effect"), using=using)
            if at_commit:
                before_commit(veto, using=using)
            else:
                veto()

        signal.connect(receiver, sender=sender, weak=False)
        connected.append((signal, sender, receiver))

    yield refuse
    for signal, sender, receiver in connected:
        signal.disconnect(receiver, sender=sender)


def written(using: str = "default") -> dict[str, list[Any]]:
    """Return every row that a test may have written."""
    models: list[type[Model]] = [Book, Book.genres.through, Copy, Review, Genre, Note, User]
    models.append(LogEntry)
    return {
        model._meta.label: list(model._default_manager.using(using).order_by("pk").values())
        for model in models
    }


@pytest.fixture
def client(db: None) -> Client:
    """A browser in which a superuser is logged in."""
    client = Client()
    client.force_login(User.objects.create_superuser("root", password="root"))
    return client


@pytest.fixture(params=["mixin", "installed"])
def site(request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of an admin site that shows vetoes."""
    if request.param == "mixin":
        yield "guarded"
        return
    install(plain, unguarded_actions=["raise_each_price"])
    yield "plain"
    uninstall(plain)


@pytest.fixture
def book(db: None) -> Book:
    return Book.objects.create(title="Emma", price=5)


@pytest.fixture
def page(site: str) -> Callable[..., str]:
    """Return the address of an admin page."""

    def page(name: str, *args: Any, model: str = "vetoapp_book") -> str:
        return reverse(f"{site}:{model}_{name}", args=args)

    return page


def posted(
    title: str = "Persuasion",
    *,
    copies: list[dict[str, Any]] | None = None,
    reviews: list[dict[str, Any]] | None = None,
    **fields: Any,
) -> dict[str, Any]:
    """Return what the browser posts from the form of a book."""
    data: dict[str, Any] = {"title": title, "price": "7.00", **fields}
    for prefix, rows in (("copies", copies or []), ("reviews", reviews or [])):
        data[f"{prefix}-TOTAL_FORMS"] = len(rows)
        data[f"{prefix}-INITIAL_FORMS"] = sum("id" in row for row in rows)
        for index, row in enumerate(rows):
            data |= {f"{prefix}-{index}-{name}": value for name, value in row.items()}
    return data
