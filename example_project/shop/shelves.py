"""What is cached of the catalogue: the shelves of the front page, and the site map.

The keys are versioned: the receivers in `receivers.cache` make all of a namespace outdated at once.
Whoever uses one must make it before looking into the database, so that what is read too early ends
up under a key that nobody asks for any more.
"""

from collections.abc import Callable

from django.core.cache import cache

from signalkit.receivers import versioned_key

from .money import currency

SHELVES, SITEMAP = "shop.shelves", "shop.sitemap"
"""The namespaces."""

KEEP = 3600
"""Seconds."""


def shelf_key(ordering: str, page: str) -> str:
    """Return the key of one page of the front page's shelves."""
    return versioned_key(SHELVES, f"{ordering}:{page}:{currency()}")


def cached_sitemap(find: Callable[[], list[str]]) -> list[str]:
    """Return the addresses that are in the site map.

    Args:
        find: looks for them, unless they are known.
    """
    key = versioned_key(SITEMAP, "addresses")
    found: list[str] | None = cache.get(key)
    if found is None:
        found = find()
        cache.set(key, found, KEEP)
    return found
