"""Manual mode: autocommit is off, and somebody commits and rolls back by hand."""

from __future__ import annotations

from django.db.backends.base.base import BaseDatabaseWrapper


def is_manual(connection: BaseDatabaseWrapper) -> bool:
    """Say whether the transaction that is open will be ended by hand.

    To be asked inside the transaction: at its COMMIT, ``atomic()`` has put its marks away.
    """
    in_own_block = connection.in_atomic_block and connection.commit_on_exit
    return not connection.autocommit and not in_own_block
