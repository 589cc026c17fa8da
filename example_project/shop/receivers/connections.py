"""What every new database connection is told."""

from signalkit.builtin_events import ConnectionCreated
from signalkit.receivers import ConnectionReceiver

from ..pulse import pulse

WAIT_NO_LONGER_THAN = {
    "sqlite": "PRAGMA busy_timeout = 3000",
    "postgresql": "SET lock_timeout = '3s'",
    "mysql": "SET SESSION innodb_lock_wait_timeout = 3",
}
"""The statement that limits the wait for a lock to three seconds, by vendor."""


class LimitWaiting(ConnectionReceiver):
    """Keep a customer from waiting longer than three seconds for a lock.

    What is set on a connection is gone with it, and Django opens a new one whenever it sees fit.
    Only this signal reaches all of them, the ones in other threads too.
    """

    vendors = tuple(WAIT_NO_LONGER_THAN)

    def on_connected(self, event: ConnectionCreated) -> None:
        """Set the limit; it is an option of the session, so nothing is written."""
        pulse.seen["connections"] += 1
        with event.connection.cursor() as cursor:
            cursor.execute(WAIT_NO_LONGER_THAN[event.vendor])
