"""The kinds of things that have a public page, as they become known."""

from typing import Protocol

from django.db.models import QuerySet


class HasPages(Protocol):
    """A model whose rows have pages."""

    @classmethod
    def in_sitemap(cls) -> QuerySet: ...


PAGES: list[type[HasPages]] = []
"""Filled by the receiver in apps.py while the models are imported; read by the site map."""
