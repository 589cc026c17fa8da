"""Running what waited: everybody has a turn, and nobody's error is lost."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from signalkit.exceptions import BeforeCommitLoop
from signalkit.transactions.entries import Entry, Work, describe
from signalkit.transactions.waiting import Waiting

logger = logging.getLogger("signalkit.transactions")

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
        for entry in batch:
            # What ran before it may have rolled back to where it was queued.
            if not entry.over:
                waiting.catch_up(entry)
                entry.over = True
                entry.func()
    if batch := due():
        raise BeforeCommitLoop(
            f"Before-commit work on {alias!r} still queued more of itself after {MAX_ROUNDS} "
            f"rounds: {', '.join(sorted({describe(entry.func) for entry in batch}))}. Make it "
            "stop once nothing changes, or queue it with once_per_transaction."
        )


def run_all(
    alias: str,
    entries: Iterable[Entry],
    django: Callable[[], object] = lambda: None,
    run: Callable[[Work], object] | None = None,
) -> None:
    """Let Django call its callbacks, and then run those of ours that a failing one made it drop.

    A request to stop (``KeyboardInterrupt``, ``SystemExit`` and all else that is no
    ``Exception``) is no failure of one piece of work, from which the others could be shielded:
    it ends the run at once, and what has had no turn is not over.

    Args:
        alias: the database alias, for the messages.
        entries: ours, which Django's callbacks may include.
        django: calls Django's callbacks.
        run: calls a piece of work of ours, where calling it does not suffice for what it writes
            to stay.

    Raises:
        BaseException: a request to stop; otherwise what stopped Django; otherwise the error of
            ours, in an ``ExceptionGroup`` when there are several.
    """
    entries = list(entries)
    foreign: list[Exception] = []
    errors: list[Exception] = []

    def give_turn(entry: Entry) -> None:
        # A callback of somebody else may have called it before.
        if entry.over:
            return
        entry.over = True
        try:
            entry.func() if run is None else run(entry.func)
        except Exception as error:  # noqa: BLE001  # raised once everybody has had a turn
            errors.append(error)

    for entry in entries:
        entry.called = give_turn
    try:
        try:
            django()
        except Exception as error:  # noqa: BLE001  # raised once everybody has had a turn
            foreign.append(error)
        for entry in entries:
            if not entry.over:
                give_turn(entry)
        _raise_first(alias, foreign, errors)
    except Exception:
        raise
    except BaseException:
        _log(alias, [*foreign, *errors])
        raise
    finally:
        # An error leads to this frame; if this frame led to it, both would wait for the
        # garbage collector, and with them whatever the failing work had at hand.
        foreign.clear()
        errors.clear()


def _raise_first(alias: str, foreign: list[Exception], errors: list[Exception]) -> None:
    """Raise what stopped Django and log the others, or else raise all of ours."""
    if foreign:
        _log(alias, errors)
        raise foreign[0]
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise ExceptionGroup(f"Several pieces of after-commit work on {alias!r} failed", errors)


def _log(alias: str, errors: Iterable[Exception]) -> None:
    for error in errors:
        logger.error(
            "Error in work after the commit on %r.", alias, exc_info=error, extra={"alias": alias}
        )
