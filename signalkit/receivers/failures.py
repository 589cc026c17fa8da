"""Doing several things of which none keeps the others from being done."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from signalkit.transactions.opened import in_transaction


class Failures:
    """What failed of several attempts."""

    def __init__(self, what: str, connection: BaseDatabaseWrapper | None = None) -> None:
        """Begin without any.

        Args:
            what: what is attempted, in the plural, for the message.
            connection: where attempts may write: inside an open transaction, each gets a
                savepoint, so that a database error of one leaves the others a transaction.
        """
        self._what = what
        self._connection = connection
        self._attempts = 0
        self.errors: list[Exception] = []

    def attempt(self, label: str, func: Callable[[], object]) -> None:
        """Do one of them; an error is kept, with a note that says whose it is.

        Args:
            label: whose it is.
            func: called without arguments.
        """
        self._attempts += 1
        try:
            with self._guarded():
                func()
        except Exception as error:  # noqa: BLE001  (raised by raise_any)
            error.add_note(f"Raised by {label}.")
            self.errors.append(error)

    def raise_any(self) -> None:
        """Raise what has failed.

        Raises:
            Exception: the error, when there is one.
            ExceptionGroup: the errors, when there are several.
        """
        if len(self.errors) == 1:
            raise self.errors[0]
        if self.errors:
            raise ExceptionGroup(
                f"{len(self.errors)} of {self._attempts} {self._what} failed", self.errors
            )

    def _guarded(self) -> AbstractContextManager[object]:
        if self._connection is not None and in_transaction(self._connection):
            return transaction.atomic(using=self._connection.alias)
        return nullcontext()
