"""Our entries among the ``on_commit`` callbacks that Django keeps on a connection.

Of what Django keeps for each, the second item is the callback, in every supported version.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from signalkit.transactions.entries import Entry

Callback = tuple[Any, ...]


def ours_among(callbacks: Iterable[Callback]) -> list[Entry]:
    """Return our entries among callbacks."""
    return [func for _, func, *_ in callbacks if isinstance(func, Entry)]


def take_out(connection: BaseDatabaseWrapper, entries: Iterable[Entry]) -> None:
    """Take entries out of Django's callbacks, as far as they are there.

    They are near the end, where savepoints are made and undone; so that a thousand savepoints
    beside a thousand callbacks are no million steps, only the end is looked at.
    """
    gone = {id(entry): entry.place for entry in entries if entry.is_callback}
    if not gone:
        return
    first = min(gone.values())
    callbacks = connection.run_on_commit
    for index in reversed(range(len(callbacks))):
        func = callbacks[index][1]
        if isinstance(func, Entry):
            if func.place < first:
                return
            if id(func) in gone:
                del callbacks[index]
