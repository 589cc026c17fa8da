"""What could not be recorded, in numbers."""

from __future__ import annotations

import logging
import time
from collections import Counter
from threading import RLock

logger = logging.getLogger("signalkit.runs")

SILENCE = 60.0
"""Seconds for which the same trouble is not logged again."""


class Health:
    """Counts the runs of this process that are not on record, by the reason."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._lost: Counter[str] = Counter()
        self._logged: dict[str, float] = {}

    @property
    def lost(self) -> dict[str, int]:
        """How many runs were not recorded, by the reason."""
        with self._lock:
            return dict(self._lost)

    def count(self, reason: str, number: int, error: BaseException | None = None) -> None:
        """Count runs that were not recorded, and say so, though not each time.

        Args:
            reason: why, in words that are the same each time.
            number: how many.
            error: what the database said, if it did.
        """
        now = time.monotonic()
        with self._lock:
            self._lost[reason] += number
            total = self._lost[reason]
            is_news = now - self._logged.get(reason, -SILENCE) >= SILENCE
            if is_news:
                self._logged[reason] = now
        if is_news:
            logger.warning(
                "Runs that are not on record: %s (%d so far).", reason, total, exc_info=error
            )

    def reset(self) -> None:
        """Begin to count again."""
        self._lock = RLock()
        self._lost = Counter()
        self._logged = {}


health = Health()
