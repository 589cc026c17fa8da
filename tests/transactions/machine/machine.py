"""Hypothesis drives the model and the database through the same steps, and compares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import Any

from django.db import connections
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from signalkit.transactions.entries import Moment
from signalkit.transactions.hooks import observer_for
from tests.transactions.machine.model import Model
from tests.transactions.machine.real import Real
from tests.transactions.machine.work import (
    Action,
    Block,
    Boom,
    Callback,
    Cancelled,
    Durable,
    Fail,
    Interrupt,
    OnCommit,
    Queue,
    Swallow,
    Work,
    Write,
)

ALIASES = ("default", "other")
# Names tell the hooks of an example apart; they mean nothing, so nothing depends on the numbers.
_names = count()


def _name(kind: str) -> str:
    return f"{kind}{next(_names)}"


KEYS = st.sampled_from([None, None, "k", "l"])


def _new_row() -> Write:
    return Write(_name("row"))


@st.composite
def _callbacks(draw: st.DrawFn, errors: tuple[type[BaseException] | None, ...]) -> OnCommit:
    return OnCommit(Callback(_name("callback"), draw(st.sampled_from(errors))))


ANY_CALLBACKS = _callbacks((None, None, Boom, Interrupt, Cancelled))


@cache
def _kinds_of_actions(moment: Moment, depth: int) -> st.SearchStrategy[Action]:
    after_rollback = moment is Moment.AFTER_ROLLBACK
    kinds: list[st.SearchStrategy[Action]] = [
        st.builds(_new_row),
        st.builds(Durable),
        st.builds(Swallow),
        st.builds(Fail, st.sampled_from([Boom, Interrupt, Cancelled])),
        _callbacks((None,)) if after_rollback else ANY_CALLBACKS,
    ]
    if depth:
        kinds.append(st.builds(Block, _actions(moment, depth - 1), st.booleans()))
        moments = [moment] if after_rollback else list(Moment)
        kinds += [st.builds(Queue, st.just(other), _works(other, depth - 1)) for other in moments]
    return st.one_of(kinds)


@st.composite
def _actions(draw: st.DrawFn, moment: Moment, depth: int) -> tuple[Action, ...]:
    return tuple(draw(st.lists(_kinds_of_actions(moment, depth), max_size=3)))


@st.composite
def _works(draw: st.DrawFn, moment: Moment, depth: int = 2) -> Work:
    return Work(_name(moment.value), draw(_actions(moment, depth)), draw(KEYS))


@dataclass(frozen=True)
class Blocked:
    """Do something in a block, and leave it one way or another."""

    steps: tuple[Step, ...]
    savepoint: bool
    durable: bool
    error: type[BaseException] | None


@dataclass(frozen=True)
class Saved:
    """Do something after a savepoint made by hand, and roll back to it or release it."""

    steps: tuple[Step, ...]
    roll_back: bool


@dataclass(frozen=True)
class Elsewhere:
    """Do something on the other alias."""

    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Close:
    """Close the connection."""


Step = Write | Queue | OnCommit | Swallow | Blocked | Saved | Elsewhere | Close


@st.composite
def _rare_step(draw: st.DrawFn, depth: int) -> Step:
    """Draw what is rare: after most of it, nothing much can happen in a block."""
    inner = _steps(depth - 1)
    saved = st.builds(Saved, inner, st.booleans())
    step: Step = draw(
        st.one_of(st.builds(Elsewhere, inner), saved, st.builds(Swallow), st.builds(Close))
    )
    return step


@cache
def _kinds_of_steps(depth: int) -> st.SearchStrategy[Step]:
    """Return what a piece of a program does: above all, queue work in nested blocks."""
    kinds: list[st.SearchStrategy[Step]] = [
        st.builds(_new_row),
        ANY_CALLBACKS,
        *(st.builds(Queue, st.just(moment), _works(moment)) for moment in Moment),
    ]
    if depth:
        inner = _steps(depth - 1)
        blocked = st.builds(
            Blocked,
            inner,
            savepoint=st.sampled_from([True, True, True, False]),
            durable=st.sampled_from([False, False, False, False, True]),
            error=st.sampled_from([None, Boom, Interrupt, Cancelled]),
        )
        saved = st.builds(Saved, inner, st.booleans())
        kinds += [*kinds[2:], blocked, blocked, blocked, saved, _rare_step(depth)]
    return st.one_of(kinds)


@st.composite
def _steps(draw: st.DrawFn, depth: int) -> tuple[Step, ...]:
    return tuple(draw(st.lists(_kinds_of_steps(depth), min_size=2, max_size=5)))


BLOCKS = st.builds(
    Blocked,
    _steps(3),
    savepoint=st.booleans(),
    durable=st.booleans(),
    error=st.sampled_from([None, None, Boom, Interrupt]),
)


class Transactions(RuleBasedStateMachine):
    """Two aliases, each with a model and a connection, and what happens on them."""

    def __init__(self) -> None:
        super().__init__()
        self.expected_log: list[str] = []
        self.log: list[str] = []
        self.models = {alias: Model(self.expected_log) for alias in ALIASES}
        self.reals = {alias: Real(alias, self.log) for alias in ALIASES}
        self.readers = {alias: connections[alias].copy() for alias in ALIASES}
        self.alias = "default"
        self._clean()

    @property
    def model(self) -> Model:
        return self.models[self.alias]

    @property
    def real(self) -> Real:
        return self.reals[self.alias]

    def both(self, act: Callable[[Any], object]) -> None:
        """Do one thing on both sides; what it raises must be the same."""
        expected, found = _outcome(act, self.model), _outcome(act, self.real)
        assert found == expected, f"raised {found}, expected {expected}"

    # What happens ------------------------------------------------------------------------------

    @rule(alias=st.sampled_from(ALIASES), block=BLOCKS)
    def enter_a_block(self, alias: str, block: Blocked) -> None:
        self.alias = alias
        self._play(block)

    # Named twice, to be done twice as often.
    @rule(alias=st.sampled_from(ALIASES), block=BLOCKS)
    def enter_another_block(self, alias: str, block: Blocked) -> None:
        self.enter_a_block(alias, block)

    @rule(alias=st.sampled_from(ALIASES), steps=_steps(0))
    def act_outside_a_block(self, alias: str, steps: tuple[Step, ...]) -> None:
        self.alias = alias
        for step in steps:
            self._play(step)

    @precondition(lambda self: self._may_switch())
    @rule()
    def manage_by_hand(self) -> None:
        self.both(lambda side: side.set_autocommit(False))

    @precondition(lambda self: self.model.manual and self._fit_for_commit())
    @rule()
    def commit_by_hand(self) -> None:
        self.both(lambda side: side.commit())

    @precondition(lambda self: self.model.manual)
    @rule()
    def roll_back_by_hand(self) -> None:
        self.both(lambda side: side.rollback())

    @precondition(lambda self: self.model.manual and self._fit_for_commit())
    @rule()
    def manage_automatically(self) -> None:
        if not self._may_switch():
            self.both(lambda side: side.commit())
        self.both(lambda side: side.set_autocommit(True))

    @rule()
    def close(self) -> None:
        self.both(lambda side: side.close())

    def _may_switch(self) -> bool:
        # psycopg refuses inside a transaction.
        return self.real.connection.vendor != "postgresql" or not self.model.manual

    def _fit_for_commit(self) -> bool:
        # With nothing of ours queued, Django commits what is left of a broken transaction.
        return self.model.hooked or not self.model.broken

    # Playing a program, step by step on both sides ----------------------------------------------

    def _play(self, step: Step) -> None:
        model = self.model
        if isinstance(step, Queue):
            self.both(lambda side: side.queue(step.moment, step.work))
        elif isinstance(step, Write) and not model.closed:
            self.both(lambda side: side.write(step.text))
        # While a connection is closed in a block, Django may call what is queued there, of a
        # commit that never was: when it reconnects after an earlier commit whose callbacks failed.
        elif isinstance(step, OnCommit) and not model.closed:
            self.both(lambda side: side.on_commit(step.callback))
        elif isinstance(step, Swallow) and model.blocks and not model.closed:
            self.both(lambda side: side.swallow())
        elif isinstance(step, Blocked):
            self._play_in_block(step)
        elif isinstance(step, Saved):
            self._play_after_savepoint(step)
        elif isinstance(step, Elsewhere):
            self._play_elsewhere(step)
        # In manual mode, Django never reopens a connection that was closed in a block.
        elif isinstance(step, Close) and not (model.manual and model.blocks):
            self.both(lambda side: side.close())

    def _play_in_block(self, block: Blocked) -> None:
        depth = len(self.model.blocks)
        if self.model.manual and self.model.broken and not depth:
            # Only a rollback helps. Django would forget that the transaction has failed.
            self.both(lambda side: side.rollback())
        self.both(lambda side: side.open(savepoint=block.savepoint, durable=block.durable))
        if len(self.model.blocks) == depth:
            return
        for step in block.steps:
            self._play(step)
        error = block.error("a block fails") if block.error else None
        self.both(lambda side: side.leave(error))

    def _play_after_savepoint(self, saved: Saved) -> None:
        model, real = self.model, self.real
        place = None
        if model.blocks and not model.broken:
            place, sid = model.savepoint(), real.savepoint()
        for step in saved.steps:
            self._play(step)
        if place in model.usable_places() and not model.broken:
            model_side = model.savepoint_rollback if saved.roll_back else model.savepoint_commit
            real_side = real.savepoint_rollback if saved.roll_back else real.savepoint_commit
            model_side(place)
            real_side(sid)

    def _play_elsewhere(self, elsewhere: Elsewhere) -> None:
        alias, self.alias = self.alias, next(name for name in ALIASES if name != self.alias)
        for step in elsewhere.steps:
            self._play(step)
        self.alias = alias

    # What must be so ---------------------------------------------------------------------------

    @invariant()
    def the_same_things_ran(self) -> None:
        assert self.log == self.expected_log

    @invariant()
    def the_same_rows_are_committed(self) -> None:
        for alias, reader in self.readers.items():
            with reader.cursor() as cursor:
                cursor.execute("SELECT text FROM testapp_record ORDER BY id")
                rows = [text for (text,) in cursor.fetchall()]
            assert rows == self.models[alias].rows

    @invariant()
    def django_finds_its_state_as_it_left_it(self) -> None:
        for alias, real in self.reals.items():
            model, connection = self.models[alias], real.connection
            assert connection.in_atomic_block == bool(model.blocks)
            assert len(connection.atomic_blocks) == len(model.blocks)
            if not model.blocks:
                assert connection.get_autocommit() == (not model.manual)
                assert not connection.savepoint_ids

    def teardown(self) -> None:
        for real in self.reals.values():
            while real.blocks:
                _outcome(lambda side: side.leave(Boom()), real)
        self._clean()
        for reader in self.readers.values():
            reader.close()

    def _clean(self) -> None:
        """Leave nothing behind, whatever state a failing example was left in."""
        for alias, reader in self.readers.items():
            self._reopen(self.reals[alias])
            while observer_for(alias)._owed:
                # Each time up to the next Interrupt.
                self._reopen(self.reals[alias])
            with reader.cursor() as cursor:
                cursor.execute("DELETE FROM testapp_record")

    def _reopen(self, real: Real) -> None:
        connection = real.connection
        connection.close()
        connection.connection = None
        connection.in_atomic_block = False
        connection.run_commit_hooks_on_set_autocommit_on = False
        _outcome(lambda side: side.connection.ensure_connection(), real)


def _outcome(act: Callable[[Any], object], side: Model | Real) -> str | None:
    try:
        act(side)
    except (Exception, Interrupt, Cancelled) as error:  # noqa: BLE001  # to be compared
        return _describe(error)
    return None


def _describe(error: BaseException) -> str:
    if isinstance(error, ExceptionGroup):
        return f"group of {[_describe(inner) for inner in error.exceptions]}"
    return type(error).__name__
