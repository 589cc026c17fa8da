"""``once_per_transaction`` against a small model of what a transaction leaves of its events."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.dispatch import Signal
from hypothesis import example, given
from hypothesis import strategies as st

import signalkit
from signalkit import Phase
from signalkit.dispatch.observation import Run, run_rolled_back
from signalkit.registry import registry
from tests.dispatch.recording import real_commits, undone

pytestmark = real_commits


@dataclass(frozen=True)
class Sent:
    """An event, told from others by its key."""

    key: str


@dataclass(frozen=True)
class Block:
    """What happens in a transaction or savepoint, and whether it is undone."""

    steps: tuple[Any, ...]
    undone: bool


steps = st.recursive(
    st.builds(Sent, st.sampled_from("ab")),
    lambda inner: st.builds(Block, st.lists(inner, max_size=4).map(tuple), st.booleans()),
    max_leaves=12,
)
blocks = st.builds(Block, st.lists(steps, max_size=6).map(tuple), st.booleans())

Told = list[tuple[str, int]]
"""Keys and the numbers of the events, in order."""


@dataclass
class Expected:
    """The model: a block's events are its own and those that its blocks left to it."""

    numbers: int = 0
    committed: Told = field(default_factory=list)
    dropped: Told = field(default_factory=list)

    def run(self, block: Block) -> None:
        self.committed = last_of_each(self._survivors(block))

    @property
    def rolled_back(self) -> Told:
        """Once per transaction as well: the last of everything that was undone in it."""
        return last_of_each(sorted(self.dropped, key=lambda told: told[1]))

    def _survivors(self, block: Block) -> Told:
        events: Told = []
        for step in block.steps:
            if isinstance(step, Sent):
                events.append((step.key, self.numbers))
                self.numbers += 1
            else:
                events.extend(self._survivors(step))
        if not block.undone:
            return events
        self.dropped += events
        return []


def last_of_each(events: Iterable[tuple[str, int]]) -> Told:
    return list({key: (key, number) for key, number in events}.values())


class Actual:
    """The same with real receivers and real transactions."""

    def __init__(self) -> None:
        self.numbers = 0
        self.sent = Signal()
        self.told: dict[Phase, Told] = {
            phase: [] for phase in (Phase.BEFORE_COMMIT, Phase.AFTER_COMMIT, Phase.AFTER_ROLLBACK)
        }
        self.dropped: Told = []

    def declare(self, phase: Phase) -> None:
        @signalkit.receiver(
            self.sent,
            phase=phase,
            name=f"tests.{phase.value}",
            once_per_transaction=lambda key, **kwargs: key,
        )
        def tell(key: str, number: int, **kwargs: Any) -> None:
            self.told[phase].append((key, number))

    def drop(self, run: Run, **kwargs: Any) -> None:
        if run.receiver.phase is Phase.AFTER_COMMIT:
            self.dropped.append((run.event.key, run.event.number))

    def run(self, block: Block) -> None:
        for phase in self.told:
            self.declare(phase)
        run_rolled_back.connect(self.drop)
        try:
            self._run(block)
        finally:
            run_rolled_back.disconnect(self.drop)
            for phase in self.told:
                registry.remove(registry.get(f"tests.{phase.value}"))

    def _run(self, block: Block) -> None:
        with ExitStack() as stack:
            stack.enter_context(undone() if block.undone else transaction.atomic())
            for step in block.steps:
                if isinstance(step, Sent):
                    self.sent.send(sender=None, key=step.key, number=self.numbers)
                    self.numbers += 1
                else:
                    self._run(step)


A, B = Sent("a"), Sent("b")


@given(blocks)
@example(Block((A, Block((A,), undone=True)), undone=False))
@example(Block((A, Block((A,), undone=False), A), undone=True))
@example(Block((A, Block((A,), undone=True), A), undone=True))
@example(Block((Block((A,), undone=False), A, Block((A, B), undone=True)), undone=False))
@example(Block((Block((A, Block((A,), undone=False)), undone=True), B), undone=False))
def test_the_last_event_of_each_key_that_survived(block: Block) -> None:
    expected, actual = Expected(), Actual()
    expected.run(block)
    actual.run(block)
    assert sorted(actual.told[Phase.BEFORE_COMMIT]) == sorted(expected.committed)
    assert sorted(actual.told[Phase.AFTER_COMMIT]) == sorted(expected.committed)
    assert sorted(actual.told[Phase.AFTER_ROLLBACK]) == sorted(expected.rolled_back)
    assert sorted(actual.dropped) == sorted(expected.rolled_back)
