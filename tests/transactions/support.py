"""What the tests of transactions share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest
from django.db import connection, connections, transaction

from tests.testapp.models import Record

#: Commits are real, on both aliases. Only the tables of these apps are emptied after each test.
real_commits = pytest.mark.django_db(
    transaction=True, databases=["default", "other"], available_apps=["signalkit", "tests.testapp"]
)

sqlite_only = pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite's own way")
postgresql_only = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="PostgreSQL's own way"
)
not_on_postgresql = pytest.mark.skipif(
    connection.vendor == "postgresql", reason="psycopg refuses to switch inside a transaction"
)
not_on_sqlite = pytest.mark.skipif(
    connection.vendor == "sqlite", reason="SQLite has no server to lose"
)


NOTHING: Any = None
"""What a column refuses that is not null; of no type, because the types refuse it as well."""


class Boom(Exception):
    """What the work under test raises."""


class Interrupt(BaseException):
    """What no ``except Exception`` stops."""


class Log(list[str]):
    """The names of what ran, in order."""

    def note(self, name: str) -> Callable[[], None]:
        """Return work that leaves its name."""
        return lambda: self.append(name)

    def fail(self, name: str, error: type[BaseException] = Boom) -> Callable[[], None]:
        """Return work that leaves its name and raises."""

        def work() -> None:
            self.append(name)
            raise error(name)

        return work

    def write(self, name: str, using: str = "default") -> Callable[[], None]:
        """Return work that leaves its name, and a row of that name."""

        def work() -> None:
            self.append(name)
            Record.objects.using(using).create(text=name)

        return work


def write(text: str, using: str = "default") -> None:
    """Write a row."""
    Record.objects.using(using).create(text=text)


@contextmanager
def rolled_back(
    using: str = "default", *, savepoint: bool = True, error: type[BaseException] = Boom
) -> Iterator[None]:
    """Be a block that an error at its end rolls back; the error goes no further."""
    try:
        with transaction.atomic(using=using, savepoint=savepoint):
            yield
            raise error
    except error:
        pass


@contextmanager
def raising(
    error: type[BaseException], match: str | None = None, using: str = "default"
) -> Iterator[pytest.ExceptionInfo[BaseException]]:
    """Be a block that ends well, and raises when it is to be committed."""
    with pytest.raises(error, match=match) as caught, transaction.atomic(using=using):
        yield caught


def make_savepoint(using: str = "default") -> str:
    """Make a savepoint by hand."""
    # transaction.savepoint() has another name from Django 6.1 on; this has not.
    sid = connections[using].savepoint()
    assert sid is not None
    return sid


def write_nothing(using: str = "default") -> None:
    """Cause a database error in the ORM."""
    Record.objects.using(using).create(text=cast("str", None))
