"""What went wrong after a commit: who is told, and what is logged."""

from __future__ import annotations

import logging
from collections.abc import Iterable

logger = logging.getLogger("signalkit.transactions")

STOPS = (KeyboardInterrupt, SystemExit)
"""What asks the process to end, and is no failure that others could be shielded from."""


class Failures:
    """What went wrong after one commit."""

    def __init__(self, alias: str) -> None:
        """Begin with nothing.

        Args:
            alias: the database alias, for the messages.
        """
        self._alias = alias
        self.foreign: BaseException | None = None
        """What stopped Django's callbacks."""

        self.ours: list[BaseException] = []
        """What our work raised, in the order in which it ran."""

    def raise_first(self) -> None:
        """Raise what matters most, if anything has gone wrong, and log what cannot be raised.

        Raises:
            BaseException: the first that is no ``Exception``, such as a cancelled task; otherwise
                what stopped Django; otherwise the error of ours, in an ``ExceptionGroup`` when
                there are several.
        """
        failures = self._all()
        first = next((each for each in failures if not isinstance(each, Exception)), self.foreign)
        if first is not None:
            self._log(each for each in failures if each is not first)
        elif failures:
            first = _together(self._alias, failures)
        failures.clear()
        if first is not None:
            try:
                raise first
            finally:
                # It leads to this frame, which must not lead to it.
                del first

    def log(self) -> None:
        """Log all of it."""
        self._log(self._all())

    def forget(self) -> None:
        """Hold on to nothing."""
        self.foreign = None
        self.ours.clear()

    def _all(self) -> list[BaseException]:
        return [*([self.foreign] if self.foreign is not None else []), *self.ours]

    def _log(self, failures: Iterable[BaseException]) -> None:
        for failure in failures:
            logger.error(
                "Error in work after the commit on %r.",
                self._alias,
                exc_info=failure,
                extra={"alias": self._alias},
            )


def _together(alias: str, failures: list[BaseException]) -> BaseException:
    if len(failures) == 1:
        return failures[0]
    message = f"Several pieces of after-commit work on {alias!r} failed"
    return BaseExceptionGroup(message, failures)
