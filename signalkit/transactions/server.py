"""What the server thinks of a transaction, where Django does not ask."""

from __future__ import annotations

from django.db.backends.base.base import BaseDatabaseWrapper

from signalkit.exceptions import TransactionAborted

# libpq's transaction states, the same numbers in psycopg and psycopg2.
_POSTGRESQL_IDLE = 0
_POSTGRESQL_IN_ERROR = 3


def refuse_lost_transaction(
    connection: BaseDatabaseWrapper, when: str, *, begins_late: bool = False
) -> None:
    """Raise if there is nothing left that COMMIT could make last.

    Args:
        connection: where COMMIT is due.
        when: when it was lost, as far as it is known, for the message.
        begins_late: whether the driver begins the transaction at its first write.

    Raises:
        TransactionAborted: the transaction has failed.
    """
    reason = why_lost(connection, begins_late=begins_late)
    if reason is None:
        return
    cause = getattr(connection, "rollback_exc", None) if connection.needs_rollback else None
    raise TransactionAborted(
        f"The transaction on {connection.alias!r} was lost {when}: {reason}. Put a statement that "
        "may fail in transaction.atomic(), and let its error leave that block."
    ) from cause


def why_lost(connection: BaseDatabaseWrapper, *, begins_late: bool = False) -> str | None:
    """Return why there is nothing left that COMMIT could make last; None where there is.

    Args:
        connection: where COMMIT is due.
        begins_late: whether the driver begins the transaction at its first write.
    """
    if connection.closed_in_transaction:
        return "the connection was closed"
    if connection.needs_rollback or _has_failed(connection):
        return "a database error was caught without a savepoint around the statement"
    if not begins_late and _has_ended(connection):
        return "a statement, or an error that was caught, has ended it"
    return None


def _has_failed(connection: BaseDatabaseWrapper) -> bool:
    # PostgreSQL answers the COMMIT of a failed transaction by a ROLLBACK, and calls that success.
    return _postgresql_state(connection) == _POSTGRESQL_IN_ERROR


def _has_ended(connection: BaseDatabaseWrapper) -> bool:
    # SQLite ends the transaction by itself on some errors; each statement then stands alone.
    return (
        connection.vendor == "sqlite"
        and connection.connection is not None
        and not connection.connection.in_transaction
    )


def begin_late_transaction(connection: BaseDatabaseWrapper) -> None:
    """In manual mode on SQLite, begin the transaction that the driver begins at the first write.

    Without it the first savepoint would be the transaction, and its release the COMMIT.
    """
    if _has_ended(connection):
        with connection.cursor() as cursor:
            cursor.execute("BEGIN")


def can_turn_autocommit_on(connection: BaseDatabaseWrapper) -> bool:
    """Say whether the driver turns autocommit on now; psycopg refuses inside a transaction."""
    return _postgresql_state(connection) in (None, _POSTGRESQL_IDLE)


def _postgresql_state(connection: BaseDatabaseWrapper) -> int | None:
    if connection.vendor != "postgresql" or connection.connection is None:
        return None
    return int(connection.connection.info.transaction_status)
