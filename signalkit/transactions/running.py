"""Running what waited: everybody has a turn, and nobody's error is lost."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from signalkit.exceptions import BeforeCommitLoop
from signalkit.transactions.entries import Entry, describe
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


def run_all(alias: str, entries: Iterable[Entry], django: Callable[[], object]) -> None:
    """Let Django call its callbacks, and then run those of ours that a failing one made it drop.

    Args:
        alias: the database alias, for the messages.
        entries: ours, which Django's callbacks may include.
        django: calls Django's callbacks.

    Raises:
        BaseException: what stopped Django; otherwise the error of ours, in an ``ExceptionGroup``
            when there are several.
    """
    entries = list(entries)
    errors: list[Exception] = []
    stops: list[BaseException] = []
    for entry in entries:
        entry.errors = errors
    steps: list[Callable[[], object]] = [django, *entries]
    for step in steps:
        try:
            step()
        except BaseException as stop:  # noqa: BLE001  # raised once everybody has had a turn
            stops.append(stop)
    if stops:
        _raise_first(alias, stops, errors)
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise ExceptionGroup(f"Several pieces of after-commit work on {alias!r} failed", errors)


def _raise_first(alias: str, stops: list[BaseException], errors: list[Exception]) -> None:
    """Raise what stopped Django; a request to exit comes before an error. Log the others."""
    first = next((stop for stop in stops if not isinstance(stop, Exception)), stops[0])
    for error in (*stops, *errors):
        if error is not first:
            logger.error(
                "Error in work after the commit on %r.",
                alias,
                exc_info=error,
                extra={"alias": alias},
            )
    raise first
