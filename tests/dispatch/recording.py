"""Receivers that remember what reached them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from typing import Any

import pytest
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.dispatch import Signal
from django.test.utils import CaptureQueriesContext

import signalkit

# Only the tables that these tests fill are emptied after each, and nothing is migrated for it:
# the difference is minutes on a database server.
real_commits = pytest.mark.django_db(transaction=True, available_apps=["tests.testapp"])
both_aliases = pytest.mark.django_db(
    transaction=True, available_apps=["tests.testapp"], databases=["default", "other"]
)

_numbers = count(1)


def listen(
    signal: Signal | list[Signal],
    sender: Any = None,
    *,
    note: Callable[[dict[str, Any]], object] = dict,
    **options: Any,
) -> list[Any]:
    """Declare a function receiver; return the list to which it adds a note of each call.

    Args:
        signal: the signal, or several.
        sender: as for the decorator.
        note: makes the note from the keywords of the call.
        options: as for the decorator.
    """
    seen: list[Any] = []
    options.setdefault("name", f"tests.recorder{next(_numbers)}")

    @signalkit.receiver(signal, sender=sender, **options)
    def record(**kwargs: Any) -> object:
        seen.append(note(kwargs))
        return len(seen)

    return seen


class Undone(Exception):
    """What ends an :func:`undone` block."""


@contextmanager
def undone(using: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """Run a block in a transaction or savepoint that an error ends."""
    with suppress(Undone), transaction.atomic(using=using):
        yield
        raise Undone


def queries(using: str = DEFAULT_DB_ALIAS) -> CaptureQueriesContext:
    """Return a block that counts the queries of one alias."""
    return CaptureQueriesContext(connections[using])
