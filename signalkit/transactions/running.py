"""Running what waited: everybody has a turn, and nobody's error is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from signalkit.exceptions import BeforeCommitLoop
from signalkit.transactions.entries import Entry, Moment, Work, describe
from signalkit.transactions.failures import STOPS, Failures
from signalkit.transactions.waiting import Waiting

MAX_ROUNDS = 100
"""How often the work before or after the end of one transaction may cause more of itself."""


def run_rounds(alias: str, waiting: Waiting, due: Callable[[], list[Entry]]) -> None:
    """Run what is due, and what that makes due, until there is nothing more.

    Args:
        alias: the database alias, for the message.
        waiting: where it waits.
        due: returns what of it is due now.

    Raises:
        BeforeCommitLoop: it does not end.
    """
    for _ in range(MAX_ROUNDS):
        batch = due()
        if not batch:
            return
        run_batch(waiting, batch)
    batch = due()
    if batch and batch[0].moment is Moment.LAST:
        # Nobody waits for what these might cause; they are not of those that go round.
        run_batch(waiting, batch)
        batch = due()
    if batch:
        raise BeforeCommitLoop(
            f"Before-commit work on {alias!r} still queued more of itself after {MAX_ROUNDS} "
            f"rounds: {', '.join(sorted({describe(entry.func) for entry in batch}))}. Make it "
            "stop once nothing changes, or queue it with once_per_transaction."
        )


def run_batch(waiting: Waiting, batch: Iterable[Entry]) -> None:
    """Run what is due, as far as nothing in it has undone the rest."""
    for entry in batch:
        # What ran before it may have rolled back to where it was queued.
        if not entry.over:
            waiting.catch_up(entry)
            entry.over = True
            entry.func()


def run_all(
    alias: str,
    entries: Iterable[Entry],
    django: Callable[[], object] = lambda: None,
    run: Callable[[Work], object] | None = None,
) -> None:
    """Let Django call its callbacks, and then run those of ours that a failing one made it drop.

    A request to stop the process is heeded at once: what has had no turn is not over. Everything
    else is a failure of one piece of work and leaves the others their turn, a cancelled task and
    whatever else is no ``Exception`` included: the data is committed, and the next occasion may
    never come.

    Args:
        alias: the database alias, for the messages.
        entries: ours, which Django's callbacks may include.
        django: calls Django's callbacks.
        run: calls a piece of work of ours, where calling it does not suffice for what it writes
            to stay.

    Raises:
        BaseException: a request to stop; otherwise the first of what is no ``Exception``;
            otherwise what stopped Django; otherwise the error of ours, in an ``ExceptionGroup``
            when there are several. What is not raised is logged.
    """
    entries = list(entries)
    failures = Failures(alias)

    def give_turn(entry: Entry) -> None:
        # A callback of somebody else may have called it before.
        if entry.over:
            return
        entry.over = True
        try:
            entry.func() if run is None else run(entry.func)
        except STOPS:
            raise
        except BaseException as error:  # noqa: BLE001  # raised once everybody has had a turn
            failures.ours.append(error)

    for entry in entries:
        entry.called = give_turn
    try:
        try:
            django()
        except STOPS:
            raise
        except BaseException as error:  # noqa: BLE001  # raised once everybody has had a turn
            failures.foreign = error
        for entry in entries:
            if not entry.over:
                give_turn(entry)
        failures.raise_first()
    except STOPS:
        failures.log()
        raise
    finally:
        # An error leads to this frame; if this frame led to it, both would wait for the
        # garbage collector, and with them whatever the failing work had at hand.
        failures.forget()
