"""The shop is built and opens."""

from django.apps.registry import Apps
from django.contrib.auth.models import Group
from django.db import models

from accounts.models import Profile

from ..models import Book, SearchTerm
from ..pages import PAGES
from ..seeding import BOOKSELLER, seed
from .stage import Stage, step


@step
def build_a_model(stage: Stage) -> None:
    """A model is built.

    class_prepared is sent for every model class, here for one that somebody brings along at
    run time. The receiver puts its pages into the site map.
    """
    stage.did("class GiftCard(models.Model)")

    class GiftCard(models.Model):
        """A model in a registry of its own, so that the shop's stays as it is."""

        class Meta:
            app_label = "shop"
            apps = Apps()

        def __str__(self) -> str:
            return f"Gift card {self.pk}"

        @classmethod
        def in_sitemap(cls) -> models.QuerySet["GiftCard"]:
            return cls._default_manager.none()

    stage.expect("the site map knows of gift cards", GiftCard in PAGES)
    PAGES[:] = [model for model in PAGES if model is not GiftCard]


@step
def migrate(stage: Stage) -> None:
    """The database is made by migrations.

    Real migrations run on a database of the demo's own; yours is not touched. Before them a
    receiver looks whether newer code was here, after them another one prepares a group for the
    staff. Whatever opens a connection has it set up by a receiver.
    """
    stage.did(f"manage.py migrate  ({stage.database.label})")
    stage.database.create()
    may = Group.objects.get(name="Booksellers").permissions.count()
    stage.expect(f"the group Booksellers has {may} permissions", may > 0)


@step
def fill_the_shelves(stage: Stage) -> None:
    """The shelves are filled.

    One transaction adds authors, tags, books and users, and each user gets a profile. Receivers
    after the commit wait for all of it. Those that would welcome users and announce books are
    muted: what comes with the shop is no news.
    """
    stage.did("manage.py seed")
    added = seed()
    book = Book.objects.get(title="Moby-Dick")
    stage.expect(f"there are {added.books} books", Book.objects.count() == added.books)
    kind = Profile.objects.get(user__username=BOOKSELLER).get_kind_display()
    stage.expect(f"who sells them has a profile: {kind}", kind == "Bookseller")
    stage.expect(f"“{book}” is found by the words “{book.keywords}”", bool(book.keywords))


@step
def look_around(stage: Stage) -> None:
    """Somebody looks around.

    Three pages through Django's WSGI handler: requests start and finish, templates are
    rendered, connections are opened.
    """
    shelf = stage.ada.get("/")
    book = stage.ada.get("/books/moby-dick/")
    sitemap = stage.ada.get("/sitemap.xml")
    stage.expect("the book is on the shelf", "Moby-Dick" in shelf.text)
    stage.expect("and has a page", "Some of it is about a whale" in book.text)
    stage.expect("the site map leads to it", "/books/moby-dick/" in sitemap.text)


@step
def search(stage: Stage) -> None:
    """Somebody searches.

    The search is an async view under Django's ASGI handler. It sends the shop's own signal with
    asend(), and an `async def` receiver counts what people look for.
    """
    answer = stage.ada.get_async("/search/?q=sea")
    stage.expect("it suggests books", "Treasure Island" in answer.text)
    stage.expect("the word was counted", SearchTerm.objects.get(term="sea").times == 1)
