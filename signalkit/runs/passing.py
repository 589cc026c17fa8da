"""Which errors of a database are over soon."""

from __future__ import annotations

import sqlite3

from django.db import Error, InterfaceError, OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper

_SQLITE = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
# A lock that was waited for, a deadlock, too many connections.
_LOCK_WAIT_TIMEOUT, _DEADLOCK = 1205, 1213
_MYSQL = (_LOCK_WAIT_TIMEOUT, _DEADLOCK, 1040)
_POSTGRESQL = ("55P03", "40P01", "40001", "53300")


def is_passing(connection: BaseDatabaseWrapper, error: Exception) -> bool:
    """Say whether what failed may succeed a little later: a lock is held, or the server is away.

    Args:
        connection: where it failed.
        error: what it failed with.
    """
    if not isinstance(error, (OperationalError, InterfaceError)):
        return False
    cause = error.__cause__
    # Further bytes say which kind of it.
    if getattr(cause, "sqlite_errorcode", 0) & 0xFF in _SQLITE:
        return True
    if getattr(cause, "sqlstate", None) in _POSTGRESQL:
        return True
    if connection.vendor == "mysql" and error.args and error.args[0] in _MYSQL:
        return True
    try:
        return not connection.is_usable()
    except Error:
        return True


def has_ended_transaction(connection: BaseDatabaseWrapper, error: Exception) -> bool:
    """Say whether a statement's error has taken the whole transaction with it.

    What Django or a driver notices by itself is left out: a COMMIT after that raises.

    Args:
        connection: where it failed.
        error: what it failed with.
    """
    if connection.vendor != "mysql" or not isinstance(error, OperationalError) or not error.args:
        return False
    # A lock that was waited for: the settings of the server say what becomes of the rest.
    return error.args[0] == _DEADLOCK or (
        error.args[0] == _LOCK_WAIT_TIMEOUT and _rolls_back_on_timeout(connection)
    )


def _rolls_back_on_timeout(connection: BaseDatabaseWrapper) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@innodb_rollback_on_timeout")
        return bool(cursor.fetchone()[0])
