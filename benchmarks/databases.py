"""The database that is measured with, made for the purpose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from django.db import connections
from django.test.utils import setup_databases, teardown_databases


@contextmanager
def made(aliases: Mapping[str, bool | None] | None = None) -> Iterator[None]:
    """Have a database for the length of a block.

    Args:
        aliases: those that are needed, as Django's ``setup_databases()`` takes them; all when None.
    """
    created = setup_databases(verbosity=0, interactive=False, aliases=aliases)
    try:
        yield
    finally:
        # Several aliases may lead to one database, which is dropped only when nobody uses it.
        connections.close_all()
        teardown_databases(created, verbosity=0)
