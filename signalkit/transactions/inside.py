"""Before-commit work, inside the transaction whose COMMIT is due."""

from __future__ import annotations

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import atomic

from signalkit.transactions.running import run_rounds
from signalkit.transactions.server import begin_late_transaction, refuse_lost_transaction
from signalkit.transactions.waiting import Waiting


def run_inside(connection: BaseDatabaseWrapper, waiting: Waiting, *, manual: bool) -> None:
    """Run what is due before COMMIT, as if the transaction's block were still open.

    Args:
        connection: where ``commit()`` was called: autocommit is off, no block is open.
        waiting: what was queued there.
        manual: whether commits are managed by hand.

    Raises:
        TransactionAborted: there is nothing left to commit, or the work has lost it.
        BeforeCommitLoop: the work does not end.
        BaseException: what the work raises.
    """
    refuse_lost_transaction(connection, "before its COMMIT", begins_late=manual)
    if not waiting.has_before_commit():
        return
    if manual:
        begin_late_transaction(connection)
    commit_on_exit = connection.commit_on_exit
    try:
        # In this state Django takes the block for one in manual mode, which neither begins nor
        # commits anything: in it, atomic() makes savepoints, and on_commit() is accepted.
        with atomic(using=connection.alias, savepoint=False):
            run_rounds(connection.alias, waiting, waiting.due_before_commit)
            refuse_lost_transaction(connection, "by the work before its COMMIT")
    finally:
        connection.in_atomic_block = False
        connection.commit_on_exit = commit_on_exit
