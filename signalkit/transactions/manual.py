"""Manual mode: autocommit is off, and somebody commits and rolls back by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from django.db.transaction import atomic

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper


def is_manual(connection: BaseDatabaseWrapper) -> bool:
    """Say whether the transaction that is open will be ended by hand.

    To be asked inside the transaction: at its COMMIT, ``atomic()`` has put its marks away.
    """
    in_own_block = connection.in_atomic_block and connection.commit_on_exit
    return not connection.autocommit and not in_own_block


def run_committed(connection: BaseDatabaseWrapper, func: Callable[[], object]) -> None:
    """Where no transaction is open, run what nobody else would commit, and commit it.

    Args:
        connection: in manual mode, right after COMMIT, ROLLBACK or connecting.
        func: the work; an error of its own rolls it back.
    """
    try:
        with atomic(using=connection.alias):
            func()
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
