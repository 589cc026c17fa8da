"""The public hooks: three moments of a transaction, by database alias."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.asyncio import async_unsafe

from signalkit.transactions.entries import Moment, Work
from signalkit.transactions.observer import Observer
from signalkit.transactions.opened import in_transaction
from signalkit.transactions.watch import observe


def queue(
    connection: BaseDatabaseWrapper,
    moment: Moment,
    func: Work,
    *,
    key: Hashable | None = None,
    dropped: Work | None = None,
) -> None:
    """Have work wait for a moment of the transaction that is open on a connection.

    Without one, what is for before or after a commit is called at once, and the rest never: and a
    connection on which nothing ever begins is left as it is.

    Args:
        connection: the connection.
        moment: what it waits for.
        func: the work.
        key: of what is queued for one moment with one key in one transaction, the last that was
            not undone runs, in the place of the first.
        dropped: called instead of the work if a rollback undid it.
    """
    # The first half spares a call in most cases.
    if connection.in_atomic_block or in_transaction(connection):
        observe(connection).queue(moment, func, key=key, dropped=dropped)
    elif moment is not Moment.AFTER_ROLLBACK:
        func()


def observer_for(using: str | None) -> Observer:
    """Return the observer of this thread's connection to a database alias."""
    return observe(connections[using or DEFAULT_DB_ALIAS])


# As Django's on_commit() does. The transaction that its caller has in mind is another thread's.
_in_no_coroutine = async_unsafe(
    "This waits for a transaction, and a coroutine has none: call it where the transaction is, in "
    "the function that sync_to_async() calls."
)


def _refuse_what_is_not_callable(name: str, func: object) -> None:
    if not callable(func):
        raise TypeError(
            f"{name}() was given {func!r}; expected a function, or anything else that can be "
            "called without arguments."
        )


@_in_no_coroutine
def before_commit(func: Callable[[], object], using: str | None = None) -> None:
    """Run ``func`` as the last thing inside the outermost transaction that is open.

    It may write, open ``atomic()`` blocks, and queue more before-commit, after-commit and
    ``on_commit`` work. It is forgotten when the savepoint it was queued in is rolled back.

    Args:
        func: called without arguments. If it raises, the transaction is rolled back and the
            exception reaches whoever commits.
        using: the database alias; the default alias when None.

    Raises:
        TypeError: ``func`` cannot be called.
        django.core.exceptions.SynchronousOnlyOperation: it is called in a coroutine.
        Exception: without an open transaction ``func`` is called at once, and what it raises
            propagates.
    """
    _refuse_what_is_not_callable("before_commit", func)
    queue(connections[using or DEFAULT_DB_ALIAS], Moment.BEFORE_COMMIT, func)


@_in_no_coroutine
def after_commit(func: Callable[[], object], using: str | None = None) -> None:
    """Run ``func`` once the outermost transaction that is open has been committed.

    Like :func:`django.db.transaction.on_commit`, and with its ordering, except that a failing
    callback of somebody else cannot drop it, that rolling back to a savepoint made by hand undoes
    it, and that it works in manual transaction management (``set_autocommit(False)``) too: there
    it runs right after ``commit()``, in a transaction of its own.

    Args:
        func: called without arguments. What it raises reaches whoever committed, once all
            after-commit work has had its turn.
        using: the database alias; the default alias when None.

    Raises:
        TypeError: ``func`` cannot be called.
        django.core.exceptions.SynchronousOnlyOperation: it is called in a coroutine.
    """
    _refuse_what_is_not_callable("after_commit", func)
    queue(connections[using or DEFAULT_DB_ALIAS], Moment.AFTER_COMMIT, func)


@_in_no_coroutine
def after_rollback(func: Callable[[], object], using: str | None = None) -> None:
    """Run ``func`` if what is open now is rolled back, be it a savepoint or all of it.

    It runs outside the transaction that was lost, once the outermost block has ended and the
    connection is usable again; after a lost connection that is when the next one is opened. In
    manual transaction management it runs right after ``rollback()``, or the next ``commit()``, in
    a transaction of its own.
    Best effort: a process that dies runs nothing. Without an open transaction it never runs.

    Args:
        func: called without arguments. What it raises is logged: the exception that caused the
            rollback is already on its way.
        using: the database alias; the default alias when None.

    Raises:
        TypeError: ``func`` cannot be called.
        django.core.exceptions.SynchronousOnlyOperation: it is called in a coroutine.
    """
    _refuse_what_is_not_callable("after_rollback", func)
    queue(connections[using or DEFAULT_DB_ALIAS], Moment.AFTER_ROLLBACK, func)
