"""Help for the tests of projects that use signalkit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

from signalkit.dispatch.observation import Run, run_finished
from signalkit.exceptions import SignalkitError
from signalkit.states import Outcome
from signalkit.transactions import in_tests
from signalkit.transactions.hooks import observer_for
from signalkit.transactions.running import MAX_ROUNDS

__all__ = ["EndlessCommit", "NothingToCommit", "raise_failures", "run_on_commit"]


class NothingToCommit(SignalkitError, RuntimeError):
    """No transaction of a ``TestCase`` is open whose commit could be acted out now."""


class EndlessCommit(SignalkitError, RuntimeError):
    """The callbacks of a commit kept queueing more callbacks."""


@contextmanager
def raise_failures() -> Iterator[None]:
    """Raise, at the end of a ``with`` block, what receivers have failed with inside of it.

    A receiver with ``on_error="isolate"``, and by default one that runs after the commit, stops
    nobody when it fails: its error is logged, and a test goes on. In this block it is heard of.
    What was raised and caught by the code under test counts as well; a ``Veto`` does not, nor does
    a failure that leaves the block by itself.

    Yields:
        Nothing.

    Raises:
        ExceptionGroup: the errors, each with a note that names its receiver. A
            ``BaseExceptionGroup`` when one of them is no ``Exception``.
    """
    failed: list[BaseException] = []

    def note(run: Run, **kwargs: Any) -> None:
        if run.outcome is Outcome.FAILED and run.error is not None:
            run.error.add_note(f"Raised by {run.receiver} ({run.receiver.origin}).")
            failed.append(run.error)

    run_finished.connect(note)
    try:
        yield
    finally:
        run_finished.disconnect(note)
    if failed:
        # One error may have passed through several receivers.
        errors = list({id(error): error for error in failed}.values())
        raise BaseExceptionGroup("Receivers have failed", errors)


def run_on_commit(using: str = DEFAULT_DB_ALIAS) -> None:
    """Act out the commit of the transaction that a ``TestCase`` holds around the running test.

    What waits for it happens, each thing once and in Django's order: before-commit work, then the
    ``on_commit`` callbacks, after-commit receivers among them; and again, until nothing new is
    queued. The transaction stays open, and what was rolled back before stays undone. What
    ``setUpTestData()`` has queued is left alone, or it would happen in whichever test came first;
    called in there, this does it there.

    It needs no test class: with pytest-django's ``db`` fixture it works too.

    Args:
        using: the database alias.

    Raises:
        NothingToCommit: no ``TestCase`` transaction is open on this alias, or the test is still
            inside an ``atomic()`` block of its own.
        EndlessCommit: the callbacks keep queueing callbacks.
        TransactionAborted: before-commit work caught a database error without a savepoint.
        Exception: what before-commit work raises, and what a callback raises, once signalkit's
            own callbacks have had their turn.
    """
    connection = connections[using]
    if not in_tests.in_test(connection):
        raise NothingToCommit(
            f"No TestCase holds a transaction open on {using!r}. Either commits are real here "
            "(TransactionTestCase, pytest.mark.django_db(transaction=True)), and nothing needs to "
            "be acted out; or the test does not name this alias in its databases."
        )
    if not in_tests.between_blocks(connection):
        raise NothingToCommit(
            f"The test is inside an atomic() block of its own on {using!r}, so its commit is not "
            "due. Call run_on_commit() after the block."
        )
    observer = observer_for(using)
    for _ in range(MAX_ROUNDS):
        if not observer.act_out_commit():
            return
    raise EndlessCommit(
        f"The on_commit callbacks on {using!r} still queued more of themselves after {MAX_ROUNDS} "
        "rounds. Outside a test they would call each other without end."
    )
