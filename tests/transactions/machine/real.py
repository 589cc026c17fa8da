"""The same operations as the model's, on a real connection."""

from __future__ import annotations

from contextlib import AbstractContextManager, suppress

from django.db import IntegrityError, connections, transaction
from django.db.transaction import Atomic

from signalkit.transactions import hooks
from signalkit.transactions.entries import Moment
from tests.testapp.models import Record
from tests.transactions.machine.work import Callback, Work, call, perform
from tests.transactions.support import NOTHING, make_savepoint


class Real:
    """One alias of this thread."""

    def __init__(self, alias: str, log: list[str]) -> None:
        self.alias = alias
        self.log = log
        self.connection = connections[alias]
        self.blocks: list[Atomic] = []

    # What is done inside

    def write(self, text: str) -> None:
        Record.objects.using(self.alias).create(text=text)

    def swallow(self) -> None:
        with suppress(IntegrityError):
            Record.objects.using(self.alias).create(text=NOTHING)

    def queue(self, moment: Moment, work: Work) -> None:
        def tell() -> None:
            self.log.append(f"{work.name} was dropped")

        hooks.queue(
            self.connection,
            moment,
            lambda: perform(self, work),
            key=work.key,
            dropped=None if moment is Moment.AFTER_ROLLBACK else tell,
        )

    def on_commit(self, callback: Callback) -> None:
        transaction.on_commit(lambda: call(self, callback), using=self.alias)

    # Blocks and savepoints

    def block(self, *, durable: bool = False) -> AbstractContextManager[object]:
        return transaction.atomic(using=self.alias, durable=durable)

    def open(self, *, savepoint: bool, durable: bool) -> None:
        if not self.blocks and self._begins_late():
            # Without it, SQLite takes the block's savepoint for the transaction.
            with self.connection.cursor() as cursor:
                cursor.execute("BEGIN")
        block = transaction.atomic(using=self.alias, savepoint=savepoint, durable=durable)
        block.__enter__()
        self.blocks.append(block)

    def leave(self, error: BaseException | None) -> None:
        block = self.blocks.pop()
        try:
            block.__exit__(type(error) if error else None, error, None)
        finally:
            if not self.blocks:
                # After a connection that was closed inside: its next use.
                self.connection.ensure_connection()

    def savepoint(self) -> str:
        return make_savepoint(self.alias)

    def savepoint_rollback(self, sid: str) -> None:
        transaction.savepoint_rollback(sid, using=self.alias)

    def savepoint_commit(self, sid: str) -> None:
        transaction.savepoint_commit(sid, using=self.alias)

    def _begins_late(self) -> bool:
        connection = self.connection
        return (
            connection.vendor == "sqlite"
            and not connection.get_autocommit()
            and not connection.connection.in_transaction
        )

    # How it ends

    def commit(self) -> None:
        transaction.commit(using=self.alias)

    def rollback(self) -> None:
        transaction.rollback(using=self.alias)

    def set_autocommit(self, autocommit: bool) -> None:
        transaction.set_autocommit(autocommit, using=self.alias)

    def close(self) -> None:
        self.connection.close()
        if not self.blocks:
            self.connection.ensure_connection()
