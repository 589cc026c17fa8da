"""Whether a transaction is open, asked without opening a connection."""

from __future__ import annotations

from django.core.exceptions import SynchronousOnlyOperation
from django.db.backends.base.base import BaseDatabaseWrapper


def in_transaction(connection: BaseDatabaseWrapper) -> bool:
    """Say whether what is written now can still be rolled back.

    Django's ``get_autocommit()`` would open a connection to find out: at the end of a request,
    after Django has closed them all, or in a coroutine, where it is not allowed. Here that is
    done only where the settings turn autocommit off, so that something does begin.
    """
    if connection.in_atomic_block:
        return True
    if connection.connection is not None:
        return not connection.autocommit
    if connection.settings_dict["AUTOCOMMIT"]:
        return False
    try:
        # The transaction begins with the connection.
        return not connection.get_autocommit()
    except SynchronousOnlyOperation:
        # In a coroutine, where nothing can be written on it either.
        return False
