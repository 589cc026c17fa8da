"""Fills an empty shop; running it again adds what is missing and changes nothing else."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor

import signalkit

from .models import Author, Book, Tag
from .services import publish_book

CATALOGUE = Path(__file__).parent / "data" / "catalogue.json"
BOOKSELLER = "bookseller"
READER = "ada"
PASSWORD = "a quiet page"
"""Of these two users, on a developer's machine."""


@dataclass(frozen=True)
class Seeded:
    """How much there was to add."""

    authors: int
    books: int
    users: int


def missing_migrations() -> int:
    """Return how many migrations the database has not seen yet: all of them when it is new."""
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def seed() -> Seeded:
    """Add the authors, books and users that are not there yet.

    Those who come with the shop are not welcomed by letter, and its books are no news.
    """
    catalogue = json.loads(CATALOGUE.read_text(encoding="utf-8"))
    quiet = signalkit.muted("accounts.Welcome", "shop.AnnouncePublication")
    with quiet, transaction.atomic():
        authors = sum(add_author(entry) for entry in catalogue["authors"])
        books = sum(add_book(entry, publish=True) for entry in catalogue["books"])
        books += sum(add_book(entry, publish=False) for entry in catalogue["drafts"])
        users = add_users()
    return Seeded(authors, books, users)


def add_author(entry: dict[str, Any]) -> bool:
    """Add an author unless there is one of that name."""
    return Author.objects.get_or_create(name=entry["name"], defaults=entry)[1]


def add_book(entry: dict[str, Any], *, publish: bool) -> bool:
    """Add a book with its tags, unless its author has one of that title."""
    tags = [Tag.objects.get_or_create(name=name)[0] for name in entry["tags"]]
    author = Author.objects.get(name=entry["author"])
    facts = {key: entry[key] for key in ("year", "pages", "price", "stock", "blurb")}
    book, is_new = Book.objects.get_or_create(title=entry["title"], author=author, defaults=facts)
    if is_new:
        book.tags.set(tags)
        if publish:
            publish_book(book)
    return is_new


def add_users() -> int:
    """Add a bookseller, who may do everything in the admin, and a reader."""
    users = get_user_model().objects
    added = 0
    if not users.filter(username=BOOKSELLER).exists():
        bookseller = users.create_superuser(BOOKSELLER, password=PASSWORD)
        bookseller.groups.add(Group.objects.get(name="Booksellers"))
        added += 1
    if not users.filter(username=READER).exists():
        users.create_user(READER, email="ada@example.org", password=PASSWORD)
        added += 1
    return added
