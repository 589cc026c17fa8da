"""Rows that no transaction takes along: kept in this process until they are written together.

They are kept for a database, not for a connection: what a thread leaves behind is written by the
next one that writes. A crash loses what is kept here.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Condition, RLock
from typing import TypeAlias

from django.db.backends.base.base import BaseDatabaseWrapper

from signalkit.runs.health import health
from signalkit.runs.notes import Note

ENOUGH = 100
"""As many rows are written at once."""

LONGEST_WAIT = 1.0
"""In seconds: a row that comes when another has waited for so long has all of them written."""

MOST = 10_000
"""As many are kept at most; of more, the oldest go."""

Place: TypeAlias = tuple[str, str]
"""An alias, and the name of the database behind it: in a test run that is another one."""


def place_of(connection: BaseDatabaseWrapper) -> Place:
    """Return what tells the database behind a connection from others."""
    return connection.alias, str(connection.settings_dict["NAME"])


@dataclass(slots=True)
class _Kept:
    rows: deque[Note] = field(default_factory=deque)
    since: float = 0.0
    not_before: float = 0.0


# Reentrant, all locks of the record: the garbage collector, or a handler of the operating system's
# signals, may call what sends one of Django's while a lock is held.
class Outgoing:
    """The rows of this process, by database."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._kept: dict[Place, _Kept] = {}
        self._written = Condition()
        self._writers = 0

    def add(self, place: Place, rows: Iterable[Note], *, urgent: bool = False) -> bool:
        """Keep rows; say whether it is time to write.

        Args:
            place: the database that they are for.
            rows: the rows.
            urgent: whether it is, unless that has just failed.
        """
        now = time.monotonic()
        with self._lock:
            kept = self._kept.setdefault(place, _Kept())
            if not kept.rows:
                kept.since = now
            kept.rows.extend(rows)
            too_many = len(kept.rows) - MOST
            for _ in range(too_many):
                kept.rows.popleft()
            is_time = now >= kept.not_before and (
                urgent or len(kept.rows) >= ENOUGH or now - kept.since >= LONGEST_WAIT
            )
        if too_many > 0:
            health.count(f"more than {MOST:,} waited to be written to {place[0]!r}", too_many)
        return is_time

    def take(self, place: Place, *, when_due: bool = False) -> list[Note]:
        """Take all rows for a database; whoever does has to write them.

        Args:
            place: the database.
            when_due: whether to take none where an attempt has failed a moment ago.
        """
        with self._lock:
            kept = self._kept.get(place)
            if kept is None or (when_due and time.monotonic() < kept.not_before):
                return []
            del self._kept[place]
        return list(kept.rows)

    def put_back(self, place: Place, rows: Iterable[Note]) -> None:
        """Keep rows that could not be written, ahead of those that came meanwhile.

        For a while nobody is to try again: each attempt may have to wait.
        """
        later = self.take(place)
        self.add(place, [*rows, *later])
        with self._lock:
            if kept := self._kept.get(place):
                kept.not_before = time.monotonic() + LONGEST_WAIT

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Have readers wait, though not for long, while rows that were taken are written."""
        with self._written:
            self._writers += 1
        try:
            yield
        finally:
            with self._written:
                self._writers -= 1
                self._written.notify_all()

    def wait(self, seconds: float) -> None:
        """Wait until what other threads have taken is written, or for as long."""
        with self._written:
            self._written.wait_for(lambda: not self._writers, seconds)

    def places(self) -> list[Place]:
        """Return the databases for which there are rows."""
        with self._lock:
            return list(self._kept)

    def forget(self) -> None:
        """Keep nothing: in a forked process, where the parent has the rows as well."""
        self._lock = RLock()
        self._kept.clear()
        self._written = Condition()
        self._writers = 0


outgoing = Outgoing()
