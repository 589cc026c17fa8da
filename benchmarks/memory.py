"""What a transaction with very many events holds in memory. For information only."""

from __future__ import annotations

import tracemalloc
from dataclasses import dataclass

from benchmarks import commits, receivers
from benchmarks.receivers import Connected
from signalkit import Phase


@dataclass(frozen=True, slots=True)
class Held:
    """The most that one transaction held."""

    name: str
    events: int
    size: int
    """In bytes, beyond what was there before."""


def held(events: int) -> list[Held]:
    """Measure transactions of many sends.

    Args:
        events: how many; for receivers that keep each of them, a hundredth of that.
    """
    after = Phase.AFTER_COMMIT
    once = receivers.model_receiver(phase=after, once_per_transaction=True)
    few = max(1, events // 100)
    return [
        _held("on_commit by hand", receivers.plain_on_commit(), few),
        _held("class: AFTER_COMMIT", receivers.model_receiver(phase=after), few),
        _held("class: AFTER_COMMIT, once_per_transaction", once, few),
        _held("class: AFTER_COMMIT, once_per_transaction", once, events),
    ]


def _held(name: str, connected: Connected, events: int) -> Held:
    with commits.sending(1)(connected)() as once:
        once(1)  # what is filled at the first time is not held by the transaction
    with commits.sending(events)(connected)() as once:
        tracemalloc.start()
        try:
            before, _ = tracemalloc.get_traced_memory()
            once(1)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    return Held(name, events, peak - before)
