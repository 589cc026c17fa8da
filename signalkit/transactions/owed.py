"""What is owed once a connection is usable again, after a rollback most of all."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Hashable, Iterable

from signalkit.transactions.entries import Entry, Work
from signalkit.transactions.failures import STOPS
from signalkit.transactions.running import MAX_ROUNDS

logger = logging.getLogger("signalkit.transactions")

Debt = tuple[Entry, Work, Hashable]
"""What an entry wants done, and what it has in common with those of which only the last counts."""


class Owed:
    """Work that could not be done where it became due.

    Nobody can be told of its errors any more: what caused the rollback is already on its way.
    They are logged.
    """

    def __init__(self, alias: str) -> None:
        self._alias = alias
        self._debts: list[Debt] = []
        self._paying = False
        # Whether any of them may be a test's.
        self._of_tests = False

    def __bool__(self) -> bool:
        return bool(self._debts)

    def add_undone(self, entries: Iterable[Entry]) -> None:
        """Owe what entries want done because a rollback undid them."""
        for entry in entries:
            if not entry.over and entry.when_undone is not None:
                self._debts.append((entry, entry.when_undone, entry.identity))
                self._of_tests = self._of_tests or entry.test_blocks > 0

    def add_late(self, entries: Iterable[Entry]) -> None:
        """Owe the work of entries, which nobody could run when their transaction ended."""
        # Whatever else has their key was undone, and is no later event of what was committed.
        self._debts += [(entry, entry.func, id(entry)) for entry in entries if not entry.over]

    def forgive_tests(self, test_blocks: int) -> None:
        """Forget what a test owes that is being cleaned up: nothing of it was lost.

        Args:
            test_blocks: how many blocks that a ``TestCase`` holds around a test are open still.
        """
        if self._of_tests:
            self._debts = [debt for debt in self._debts if debt[0].test_blocks <= test_blocks]
            self._of_tests = bool(self._debts)

    def pay(self, run: Callable[[Work], object]) -> None:
        """Do what is owed, and what that makes owed.

        Args:
            run: calls a piece of work in such a way that what it writes stays.

        Raises:
            BaseException: a request to stop the process, at once; or else, once everybody has had
                a turn, the first of what is no ``Exception``, such as a cancelled task.
        """
        # Work that ends a transaction of its own comes back here; whoever is paying goes on.
        if self._paying:
            return
        self._paying = True
        cancelled: list[BaseException] = []
        try:
            for _ in range(MAX_ROUNDS):
                self._pay_once(run, cancelled)
                if not self._debts:
                    break
            else:
                self._give_up()
            if cancelled:
                raise cancelled[0]
        finally:
            self._paying = False
            # It leads to this frame, which must not lead to it.
            cancelled.clear()

    def _pay_once(self, run: Callable[[Work], object], cancelled: list[BaseException]) -> None:
        left, self._debts = deque(_in_order(self._debts)), []
        while left:
            entry, work, _ = left.popleft()
            try:
                run(work)
            except STOPS:
                # Heeded at once; the others have their turn when a transaction next ends here.
                self._debts += left
                raise
            except BaseException as error:
                logger.exception(
                    "Error in %s work on %r.",
                    entry.moment.value.replace("_", "-"),
                    self._alias,
                    extra={"alias": self._alias},
                )
                if not isinstance(error, Exception):
                    # A cancelled task is to end, but not before everybody has had a turn.
                    cancelled.append(error)

    def _give_up(self) -> None:
        logger.error(
            "After-rollback work on %r still caused more of itself after %d rounds; gave up.",
            self._alias,
            MAX_ROUNDS,
            extra={"alias": self._alias},
        )
        self._debts.clear()


def _in_order(debts: list[Debt]) -> list[Debt]:
    """Return debts in the order of their events; of a key, the last in the place of the first.

    They came in another order: savepoints are undone from the inside out.
    """
    last: dict[Hashable, Debt] = {}
    for debt in sorted(debts, key=lambda debt: debt[0].number):
        entry, _, identity = debt
        entry.place = min(entry.place, last.get(identity, debt)[0].place)
        last[identity] = debt
    return sorted(last.values(), key=lambda debt: debt[0].place)
