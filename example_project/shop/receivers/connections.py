"""What every new database connection is told."""

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

import signalkit

from ..pulse import pulse

WAIT_NO_LONGER_THAN = {
    "sqlite": "PRAGMA busy_timeout = 3000",
    "postgresql": "SET lock_timeout = '3s'",
    "mysql": "SET SESSION innodb_lock_wait_timeout = 3",
}
"""The statement that limits the wait for a lock to three seconds, by vendor."""


@signalkit.receiver(connection_created, name="shop.limit_waiting")
def limit_waiting(sender: type, connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """Keep a customer from waiting longer than three seconds for a lock.

    What is set on a connection is gone with it, and Django opens a new one whenever it sees fit.
    Only this signal reaches all of them, the ones in other threads too.
    """
    pulse.seen["connections"] += 1
    if statement := WAIT_NO_LONGER_THAN.get(connection.vendor):
        with connection.cursor() as cursor:
            cursor.execute(statement)
