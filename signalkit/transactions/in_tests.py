"""What a ``TestCase`` changes: the transaction that it holds around a test never commits.

Django runs no ``on_commit`` callback there; its test helpers call them by hand. So everything
that waits for the commit is such a callback, before-commit work included. And the outermost block
that the test itself opens stands for the transaction: its rollback is one, and what happens once
per transaction happens once in it. The rollback that cleans up after a test is none.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import Atomic, atomic

from signalkit.transactions.callbacks import Callback, ours_among
from signalkit.transactions.entries import Entry, Moment
from signalkit.transactions.running import run_all, run_rounds
from signalkit.transactions.server import refuse_lost_transaction
from signalkit.transactions.waiting import Waiting

logger = logging.getLogger("signalkit.transactions")


def is_of_test(block: Atomic) -> bool:
    """Say whether a ``TestCase`` opened a block to clean up by rolling it back."""
    return bool(getattr(block, "_from_testcase", False))


def in_test(connection: BaseDatabaseWrapper) -> bool:
    """Say whether the open transaction is one that a ``TestCase`` holds around a test."""
    # Asked whenever something is queued, so without a further call.
    blocks = connection.atomic_blocks
    return bool(blocks) and getattr(blocks[0], "_from_testcase", False)


def count_test_blocks(connection: BaseDatabaseWrapper) -> int:
    """Return how many blocks a ``TestCase`` holds open around a test.

    When there are fewer than there were, the test is being cleaned up.
    """
    return sum(map(is_of_test, connection.atomic_blocks))


def between_blocks(connection: BaseDatabaseWrapper) -> bool:
    """Say whether a test is between two of what stands for a transaction in it."""
    blocks = connection.atomic_blocks
    return bool(blocks) and all(map(is_of_test, blocks))


def stand_in(connection: BaseDatabaseWrapper) -> Hashable | None:
    """Return what tells the block that stands for the transaction from others.

    Its savepoint does not suffice: with ``savepoint=False`` there is none. Nor does the block
    itself, which a decorator enters more than once. Only where both come together, one time
    cannot be told from the next.
    """
    blocks, savepoints = connection.atomic_blocks, connection.savepoint_ids
    # The block that began the transaction has no savepoint.
    without = len(blocks) - len(savepoints)
    for index, block in enumerate(blocks):
        if not is_of_test(block):
            return block, savepoints[index - without] if index >= without else None
    return None


def run_like_a_test(using: str, func: Callable[[], object]) -> None:
    """Run work that no transaction would surround outside a test; an error leaves no trace.

    Args:
        using: the database alias.
        func: the work.
    """
    block = atomic(using=using)
    # Counted as one of the test's, so that nothing in it takes it for a transaction.
    block._from_testcase = True  # type: ignore[attr-defined]  # Django's own mark, not in the stubs
    with _UnloggedEnds(block, connections[using]):
        func()


class _UnloggedEnds:
    """A block whose savepoint is not among the queries that ``assertNumQueries`` counts.

    The test has not asked for it, and it may be that what runs in it sends no query at all.
    """

    def __init__(self, block: Atomic, connection: BaseDatabaseWrapper) -> None:
        self._block = block
        self._connection = connection

    def __enter__(self) -> None:
        with self._unlogged():
            self._block.__enter__()

    def __exit__(self, *error: Any) -> None:
        with self._unlogged():
            self._block.__exit__(*error)

    @contextmanager
    def _unlogged(self) -> Iterator[None]:
        before = self._connection.force_debug_cursor
        self._connection.force_debug_cursor = False
        try:
            yield
        finally:
            self._connection.force_debug_cursor = before


def run_by_hand(connection: BaseDatabaseWrapper, waiting: Waiting, entry: Entry) -> None:
    """Run an entry that a test helper has called, as ``captureOnCommitCallbacks`` does.

    Args:
        connection: where it was queued.
        waiting: what was queued there.
        entry: what was called.
    """
    if entry.moment is Moment.BEFORE_COMMIT:
        run_before_commit(connection, waiting, [entry])
    elif not in_test(connection):
        # Its own COMMIT is still to come, and will call it again unless it was undone.
        if not entry.over:
            entry.func()
    else:
        if entry.block is not None:
            run_before_commit(connection, waiting, waiting.before_commit_of(entry.block))
        if not waiting.is_replaced(entry):
            entry.over = True
            # Not only once: Django, too, runs a callback as often as a test calls it.
            entry.func()


def run_before_commit(
    connection: BaseDatabaseWrapper, waiting: Waiting, wanted: Iterable[Entry]
) -> None:
    """Run before-commit work in a test's transaction, and what it queues itself.

    Args:
        connection: where it was queued.
        waiting: what was queued there.
        wanted: that of it which is to run, as far as it has not.
    """
    first = [entry for entry in wanted if not entry.over]
    if not first:
        return
    last = waiting.last_place

    def due() -> list[Entry]:
        nonlocal first
        batch, first = first, []
        return batch or waiting.before_commit(after=last)

    with atomic(using=connection.alias):
        run_rounds(connection.alias, waiting, due)
        refuse_lost_transaction(connection, "by the work before its COMMIT")


def act_out_commit(connection: BaseDatabaseWrapper, waiting: Waiting) -> bool:
    """Do what a COMMIT would do now, for what the innermost of the test's blocks has queued, once.

    What ``setUpTestData()`` queued is no test's: it stands before each of them, and would run in
    whichever came first.

    Args:
        connection: where the transaction is open.
        waiting: what was queued there.

    Returns:
        Whether there was anything to do.
    """
    blocks = count_test_blocks(connection)
    # Not only as many: after-rollback work is run in one more block than the test has.
    of_block = [entry for entry in waiting.before_commit() if entry.test_blocks >= blocks]
    run_before_commit(connection, waiting, of_block)
    callbacks = _take_callbacks(connection)
    ours = ours_among(callbacks)
    waiting.discard(ours)
    run_all(connection.alias, ours, partial(_call, callbacks))
    return bool(callbacks)


def _take_callbacks(connection: BaseDatabaseWrapper) -> list[Callback]:
    """Take Django's callbacks that were queued in the innermost block; leave the others."""
    # The first block has no savepoint; all others, in a test between its own, have one.
    savepoint = connection.savepoint_ids[-1] if connection.savepoint_ids else None
    callbacks = connection.run_on_commit
    if savepoint is None:
        connection.run_on_commit = []
        return callbacks
    connection.run_on_commit = [each for each in callbacks if savepoint not in each[0]]
    return [each for each in callbacks if savepoint in each[0]]


def _call(callbacks: Iterable[Callback]) -> None:
    """Call ``on_commit`` callbacks as Django does."""
    for _, func, robust in callbacks:
        try:
            func()
        except Exception:
            if not robust:
                raise
            logger.exception("Error in a robust on_commit() callback.")
