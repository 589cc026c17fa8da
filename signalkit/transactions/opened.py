"""Whether a transaction is open, asked without opening a connection."""

from __future__ import annotations

from django.db.backends.base.base import BaseDatabaseWrapper


def in_transaction(connection: BaseDatabaseWrapper) -> bool:
    """Say whether what is written now can still be rolled back.

    Django's ``get_autocommit()`` would open a connection to find out: at the end of a request,
    after Django has closed them all, or in a coroutine, where it is not allowed.
    """
    if connection.in_atomic_block:
        return True
    if connection.connection is None:
        # With autocommit off, the transaction begins with the connection.
        return not (connection.settings_dict["AUTOCOMMIT"] or connection.get_autocommit())
    return not connection.autocommit
