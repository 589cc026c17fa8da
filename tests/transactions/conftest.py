"""Fixtures of the tests of transactions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from signalkit.transactions import hooks
from signalkit.transactions.entries import Moment
from tests.transactions.support import Log

Committed = Callable[..., list[str]]


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def second() -> Iterator[Callable[[str], BaseDatabaseWrapper]]:
    """Return a second connection to an alias, which sees what is committed and no more."""
    copies: dict[str, BaseDatabaseWrapper] = {}

    def copy_of(alias: str) -> BaseDatabaseWrapper:
        if alias not in copies:
            copies[alias] = connections[alias].copy()
        return copies[alias]

    yield copy_of
    for copy in copies.values():
        copy.close()


@pytest.fixture
def committed(second: Callable[[str], BaseDatabaseWrapper]) -> Committed:
    """Return the texts of the committed records of an alias."""

    def texts(using: str = "default") -> list[str]:
        with second(using).cursor() as cursor:
            cursor.execute("SELECT text FROM testapp_record ORDER BY id")
            return [text for (text,) in cursor.fetchall()]

    return texts


@pytest.fixture
def queue() -> Callable[..., None]:
    """Return what queues work with a key, or with a word for when it is dropped."""

    def queue(
        moment: str, func: Callable[[], object], using: str = "default", **options: Any
    ) -> None:
        hooks.queue(connections[using], Moment(moment), func, **options)

    return queue
