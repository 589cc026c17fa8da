"""Whatever happens to transactions, each run is on record once, in the outcome that it came to."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models.signals import post_save
from django.dispatch import Signal
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from signalkit import Phase
from signalkit.registry import registry
from signalkit.runs.flushing import write_out
from signalkit.runs.health import health
from signalkit.runs.models import ReceiverRun
from signalkit.runs.outgoing import outgoing
from tests.dispatch.recording import listen
from tests.testapp.models import Record

pytestmark = pytest.mark.django_db(
    transaction=True, available_apps=["tests.testapp", "signalkit.runs"]
)

EXAMPLES = int(os.environ.get("SIGNALKIT_MACHINE_EXAMPLES", "120"))

sent = Signal()


class Boom(Exception):
    """What ends a block, or a receiver."""


# What a program does -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Save:
    """Save a row; every receiver of saves is told."""


@dataclass(frozen=True)
class Send:
    """Send a signal that writes nothing; one of its receivers fails, and is isolated."""


@dataclass(frozen=True)
class Read:
    """Read the record in the middle."""


@dataclass(frozen=True)
class Block:
    steps: tuple[Any, ...]
    savepoint: bool
    durable: bool
    fails: bool


@dataclass(frozen=True)
class Savepoint:
    """A savepoint by hand, and back to it or not."""

    steps: tuple[Any, ...]
    roll_back: bool


@dataclass(frozen=True)
class Swallow:
    """Catch an error of the database in a block without a savepoint of its own."""


def steps(depth: int) -> st.SearchStrategy[tuple[Any, ...]]:
    kinds: list[st.SearchStrategy[Any]] = [
        st.builds(Save),
        st.builds(Save),
        st.builds(Send),
        st.builds(Read),
    ]
    if depth:
        inner = steps(depth - 1)
        kinds += [
            st.builds(
                Block,
                inner,
                st.sampled_from([True, True, False]),
                st.sampled_from([False, False, False, True]),
                st.booleans(),
            ),
            st.builds(Savepoint, inner, st.booleans()),
            st.builds(Swallow),
        ]
    return st.lists(st.one_of(kinds), max_size=5).map(tuple)


# What should be on record ------------------------------------------------------------------------

#: The receivers: of a save inline, before and after the commit; of a signal.
INLINE, BEFORE, AFTER, QUIET, OF_SIGNAL, FAILS = "inline", "before", "after", "quiet", "of", "fails"


@dataclass
class Model:
    """A journal of the open transaction; what happened in it may yet be undone."""

    final: Counter[tuple[str, str]] = field(default_factory=Counter)
    journal: list[str] = field(default_factory=list)
    open: bool = False

    def save(self) -> None:
        if self.open:
            self.journal.append("save")
        else:
            for name in (INLINE, BEFORE, AFTER, QUIET):
                self.final[name, "succeeded"] += 1

    def send(self) -> None:
        if self.open:
            self.journal.append("send")
        else:
            self.final[OF_SIGNAL, "succeeded"] += 1
            self.final[FAILS, "failed"] += 1

    def commit(self) -> None:
        for what in self.journal:
            if what == "save":
                for name in (INLINE, BEFORE, AFTER, QUIET):
                    self.final[name, "succeeded"] += 1
                # Announced, and what came of it.
                self.final[AFTER, "scheduled"] += 1
            else:
                self.final[OF_SIGNAL, "succeeded"] += 1
                self.final[FAILS, "failed"] += 1
        self.journal.clear()

    def undo(self, start: int = 0) -> None:
        for what in self.journal[start:]:
            if what == "save":
                for name in (INLINE, BEFORE, AFTER, QUIET):
                    self.final[name, "rolled_back"] += 1
            else:
                self.final[OF_SIGNAL, "rolled_back"] += 1
                self.final[FAILS, "failed"] += 1
        del self.journal[start:]


class Recorded(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.manual = False
        outgoing.forget()
        health.reset()
        ReceiverRun.objects.all()._raw_delete("default")

    # Programs

    @rule(block=st.builds(Block, steps(3), st.booleans(), st.booleans(), st.booleans()))
    def block(self, block: Block) -> None:
        self.play(block)

    @rule(steps=steps(0))
    def outside(self, steps: tuple[Any, ...]) -> None:
        for step in steps:
            self.play(step)

    @rule(programs=st.lists(st.tuples(steps(2), st.booleans()), max_size=3), ends=st.booleans())
    def by_hand(self, programs: list[tuple[Any, ...]], ends: bool) -> None:
        transaction.set_autocommit(False)
        self.manual = self.model.open = True
        try:
            for inside, commits in programs:
                for step in inside:
                    self.play(step)
                if commits and not connection.needs_rollback:
                    transaction.commit()
                    self.model.commit()
                else:
                    transaction.rollback()
                    self.model.undo()
            if ends and connection.vendor != "postgresql":
                Record.objects.create(text="left open")
                self.model.save()
                # What is open is committed without a commit().
                self.model.commit()
        finally:
            transaction.set_autocommit(True)
            self.manual = self.model.open = False

    @rule(inside=steps(1))
    def close(self, inside: tuple[Any, ...]) -> None:
        for step in inside:
            self.play(step)
        connection.close()

    def play(self, step: Any) -> None:
        if isinstance(step, Save):
            if not connection.needs_rollback:
                Record.objects.create(text="a")
                self.model.save()
        elif isinstance(step, Send):
            if not connection.needs_rollback:
                sent.send(sender=None)
                self.model.send()
        elif isinstance(step, Read):
            if not connection.needs_rollback:
                ReceiverRun.objects.count()
        elif isinstance(step, Block):
            self.play_block(step)
        elif isinstance(step, Savepoint):
            self.play_savepoint(step)
        elif connection.in_atomic_block and not connection.needs_rollback:
            with suppress(Boom), transaction.atomic(savepoint=False):
                raise Boom

    def play_block(self, block: Block) -> None:
        outermost = not connection.in_atomic_block
        durable = block.durable and outermost
        start, had_savepoint = len(self.model.journal), False
        was_lost = connection.needs_rollback and not outermost
        was_open, self.model.open = self.model.open, True
        undone = True
        with suppress(Boom), transaction.atomic(savepoint=block.savepoint, durable=durable):
            had_savepoint = connection.savepoint_ids[-1:] not in ([], [None])
            for step in block.steps:
                self.play(step)
            undone = connection.needs_rollback
            if block.fails:
                undone = True
                raise Boom
        self.model.open = was_open
        if outermost and not self.manual:
            self.model.undo() if undone else self.model.commit()
        elif undone and had_savepoint and not was_lost:
            self.model.undo(start)

    def play_savepoint(self, step: Savepoint) -> None:
        usable = connection.in_atomic_block and not connection.needs_rollback
        start, sid = len(self.model.journal), connection.savepoint() if usable else None
        for inner in step.steps:
            self.play(inner)
        if sid is None or connection.needs_rollback:
            return
        if step.roll_back:
            connection.savepoint_rollback(sid)
            self.model.undo(start)
        else:
            connection.savepoint_commit(sid)

    def teardown(self) -> None:
        write_out(connection)
        found = Counter(
            (run.receiver.removeprefix("tests."), run.outcome) for run in ReceiverRun.objects.all()
        )
        assert found == +self.model.final
        # One row for each run, and one more for each that was announced.
        ended = ReceiverRun.objects.exclude(outcome="scheduled")
        assert ended.values("run").distinct().count() == ended.count()
        assert outgoing.places() == []
        assert not sum(health.lost.values())


@pytest.fixture(autouse=True)
def receivers(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.CRITICAL, logger="signalkit.receivers")

    def fail(named: dict[str, Any]) -> None:
        raise Boom

    listen(post_save, Record, name=f"tests.{INLINE}")
    listen(post_save, Record, name=f"tests.{BEFORE}", phase=Phase.BEFORE_COMMIT)
    listen(post_save, Record, name=f"tests.{AFTER}", phase=Phase.AFTER_COMMIT, announce=True)
    listen(post_save, Record, name=f"tests.{QUIET}", phase=Phase.AFTER_COMMIT)
    listen(sent, name=f"tests.{OF_SIGNAL}")
    listen(sent, name=f"tests.{FAILS}", note=fail, on_error="isolate")
    before = registry.all()
    yield
    assert registry.all() == before


def test_each_run_is_on_record_as_the_model_says() -> None:
    run_state_machine_as_test(
        Recorded,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=6,
            suppress_health_check=list(HealthCheck),
        ),
    )
