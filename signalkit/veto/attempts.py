"""One attempt to write, which a veto may refuse: everything in it is kept, or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connections, transaction

from signalkit.exceptions import TransactionAborted, Veto


class Attempt:
    """What became of the block of :func:`refusable`; ``veto`` is None unless it was refused."""

    def __init__(self) -> None:
        self.veto: Veto | None = None
        self._blocks = ExitStack()
        self._open: set[str] = set()
        # Aliases that were lost before the attempt began: whoever broke them will hear of it.
        self._lost: set[str] = set()
        self._committed: list[str] = []

    def cover(self, using: str) -> None:
        """Have one more database take part in the attempt; a second call changes nothing.

        Args:
            using: the database alias. The alias that was opened last is committed first.
        """
        if using in self._open:
            return
        outermost = not connections[using].in_atomic_block
        self._blocks.enter_context(transaction.atomic(using=using))
        self._open.add(using)
        if transaction.get_rollback(using=using):
            self._lost.add(using)
        if outermost:
            # The first callback to run: once it has, an on_commit callback that raises Veto
            # comes too late to refuse anything.
            transaction.on_commit(partial(self._committed.append, using), using=using)

    def _refuse_a_silent_rollback(self) -> None:
        for using in sorted(self._open - self._lost):
            if transaction.get_rollback(using=using):
                raise TransactionAborted(
                    f"The transaction on {using!r} is marked for rollback, by an error that was "
                    "swallowed or by set_rollback(): nothing that was written there can be kept. "
                    "Wrap what may fail, or is to be undone, in an atomic() of its own."
                )


@contextmanager
def refusable(*using: str) -> Iterator[Attempt]:
    """Open a block that a veto rolls back and ends, without being raised any further.

    ::

        with refusable("default") as attempt:
            book.save()
        if attempt.veto:
            ...

    A savepoint where a transaction is open, a transaction where none is; then a veto of a
    BEFORE_COMMIT receiver, which comes when the block is left, is taken in too. Do not leave the
    block with ``return``: read ``veto`` behind it.

    Args:
        using: the database aliases that take part, each once. They are committed one after the
            other, the last first: no database can take back what another has committed.

    Yields:
        the attempt, whose ``veto`` tells afterwards whether it was refused.

    Raises:
        Veto: one that came when a database had already committed.
        TransactionAborted: the block ended well, but with the transaction marked for rollback,
            as by an error that it swallowed. It would lose everything in silence.
    """
    attempt = Attempt()
    try:
        with attempt._blocks:
            for alias in using:
                attempt.cover(alias)
            yield attempt
            attempt._refuse_a_silent_rollback()
    except Veto as veto:
        if attempt._committed:
            raise
        attempt.veto = veto
    except ExceptionGroup as group:
        # Several async receivers of one send refused.
        if attempt._committed or group.split(Veto)[1] is not None:
            raise
        attempt.veto = merged(group)


def merged(group: ExceptionGroup[Exception]) -> Veto:
    """Return one veto with the messages of all those in a group, each kept on its field."""
    messages: dict[str, list[ValidationError]] = {}
    for one in vetoes_in(group):
        messages = one.update_error_dict(messages)
    veto = Veto(messages)
    veto.__cause__ = group
    return veto


def vetoes_in(group: ExceptionGroup[Any]) -> Iterator[Veto]:
    """Yield the vetoes of a group that holds nothing else, in their order."""
    for error in group.exceptions:
        if isinstance(error, ExceptionGroup):
            yield from vetoes_in(error)
        else:
            yield error
