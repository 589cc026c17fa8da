"""What is cached of the catalogue, and must be forgotten with it."""

from collections.abc import Iterable
from typing import Any

from django.db.models.signals import post_delete

from signalkit import Event, bulk
from signalkit.builtin_events import PostDelete, PostSave
from signalkit.receivers import InvalidateCache
from signalkit.signals import book_published

from ..models import Author, Book
from ..shelves import SHELVES, SITEMAP

ON_THE_SHELF = {"price", "slug", "status", "stock", "title"}
"""The fields of a book that the shelves show."""


class ForgetSitemap(InvalidateCache[Any]):
    """Have the site map made anew when a book has come out, or one is gone.

    A book that is only taken off the shelf may stay in it until it times out: search engines come
    when they come.
    """

    signal = (book_published, post_delete)
    sender = "shop.Book"

    def namespaces(self, event: Event) -> Iterable[str]:
        return [SITEMAP]


class ForgetShelves(InvalidateCache[PostSave[Book | Author] | PostDelete[Book | Author]]):
    """Have the shelves drawn anew when what stands there has changed.

    After commit: whoever came before would draw the old ones and cache them again. Which page shows
    which book nobody knows, so all of them are forgotten at once.
    """

    sender = ("shop.Book", "shop.Author")

    def namespaces(self, event: Event) -> Iterable[str]:
        return [SHELVES]


class ForgetShelvesInBulk(InvalidateCache[Event]):
    """Have the shelves drawn anew when `update()` has changed what stands there.

    Django's own signals know nothing of `update()`. These are signalkit's, for the models that a
    receiver names: one for all rows, with the fields that were written.
    """

    signal = bulk.post_update
    sender = "shop.Book"

    def when(self, event: Event) -> bool:
        """Keywords and sales figures are written by `update()` too, and not shown there."""
        return not ON_THE_SHELF.isdisjoint(event.fields)

    def namespaces(self, event: Event) -> Iterable[str]:
        return [SHELVES]
