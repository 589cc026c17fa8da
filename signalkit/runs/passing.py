"""Which errors of a database are over soon."""

from __future__ import annotations

import sqlite3

from django.db import Error, InterfaceError, OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper

_SQLITE = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
# A lock that was waited for, a deadlock, too many connections.
_MYSQL = (1205, 1213, 1040)
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
    if getattr(cause, "sqlite_errorcode", None) in _SQLITE:
        return True
    if getattr(cause, "sqlstate", None) in _POSTGRESQL:
        return True
    if connection.vendor == "mysql" and error.args and error.args[0] in _MYSQL:
        return True
    try:
        return not connection.is_usable()
    except Error:
        return True
