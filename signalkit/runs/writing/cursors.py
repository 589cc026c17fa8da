"""Cursors for what is none of the application's business."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from signalkit.dispatch.running import RUNNING

_SAVEPOINT = "signalkit_runs"


@contextmanager
def unlogged_cursor(connection: BaseDatabaseWrapper) -> Iterator[Any]:
    """Have a cursor whose statements Django does not list among the application's.

    So ``assertNumQueries`` counts what it counted before runs were recorded, and a receiver is not
    said to have sent them. Whoever looks with ``execute_wrapper()`` sees them.

    It is made from one of Django's, which looks after threads, coroutines, the errors of the
    driver, and tests that may use no database.
    """
    running = RUNNING.get()
    RUNNING.set(None)
    try:
        with connection.cursor() as cursor:
            yield connection.make_cursor(cursor.cursor)
    finally:
        RUNNING.set(running)


@contextmanager
def unharmed(connection: BaseDatabaseWrapper, cursor: Any) -> Iterator[None]:
    """Keep what fails from failing the transaction, which PostgreSQL does."""
    if connection.vendor != "postgresql" or connection.get_autocommit():
        yield
        return
    cursor.execute(f"SAVEPOINT {_SAVEPOINT}")
    try:
        yield
    except BaseException:
        cursor.execute(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}")
        raise
    finally:
        cursor.execute(f"RELEASE SAVEPOINT {_SAVEPOINT}")
