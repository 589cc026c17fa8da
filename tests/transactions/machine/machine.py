"""Hypothesis drives the model and the database through the same steps, and compares."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

from django.db import connections
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from signalkit.transactions.entries import Moment
from tests.transactions.machine.model import Model
from tests.transactions.machine.real import Real
from tests.transactions.machine.work import (
    Action,
    Block,
    Boom,
    Callback,
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
CALLBACKS = st.builds(
    lambda error: Callback(_name("callback"), error), st.sampled_from([None, None, Boom, Interrupt])
)


def _actions(moment: Moment, depth: int) -> st.SearchStrategy[tuple[Action, ...]]:
    # What happens after a rollback ends in a log; an Interrupt would end the comparison, too.
    errors = [Boom] if moment is Moment.AFTER_ROLLBACK else [Boom, Interrupt]
    kinds: list[st.SearchStrategy[Action]] = [
        st.builds(lambda: Write(_name("row"))),
        st.builds(Durable),
        st.builds(OnCommit, CALLBACKS),
        st.builds(Swallow),
        st.builds(Fail, st.sampled_from(errors)),
    ]
    if moment is Moment.AFTER_ROLLBACK:
        kinds[2] = st.builds(lambda: OnCommit(Callback(_name("callback"))))
    if depth:
        inner = st.deferred(lambda: _actions(moment, depth - 1))
        moments = [Moment.AFTER_ROLLBACK] if moment is Moment.AFTER_ROLLBACK else list(Moment)
        kinds += [
            st.builds(Block, inner, st.booleans()),
            *(st.builds(Queue, st.just(other), _works(other, depth - 1)) for other in moments),
        ]
    return st.lists(st.one_of(kinds), max_size=3).map(tuple)


def _works(moment: Moment, depth: int = 2) -> st.SearchStrategy[Work]:
    return st.builds(
        lambda actions, key: Work(_name(moment.value), actions, key),
        st.deferred(lambda: _actions(moment, depth)),
        KEYS,
    )


HOOKS = st.one_of(*(st.tuples(st.just(moment), _works(moment)) for moment in Moment))


class Transactions(RuleBasedStateMachine):
    """Two aliases, each with a model and a connection, and what happens on them."""

    def __init__(self) -> None:
        super().__init__()
        self.expected_log: list[str] = []
        self.log: list[str] = []
        self.models = {alias: Model(self.expected_log) for alias in ALIASES}
        self.reals = {alias: Real(alias, self.log) for alias in ALIASES}
        self.readers = {alias: connections[alias].copy() for alias in ALIASES}
        self.sids: dict[int, str] = {}
        self.alias = "default"
        self._clean()

    @property
    def model(self) -> Model:
        return self.models[self.alias]

    @property
    def real(self) -> Real:
        return self.reals[self.alias]

    def both(self, step: Callable[[Any], object]) -> None:
        """Take one step on both sides; what it raises must be the same."""
        expected, found = _outcome(step, self.model), _outcome(step, self.real)
        assert found == expected, f"raised {found}, expected {expected}"

    # Steps -------------------------------------------------------------------------------------

    @rule(alias=st.sampled_from(ALIASES))
    def turn_to(self, alias: str) -> None:
        self.alias = alias

    @rule(savepoint=st.sampled_from([True, True, False]))
    def open_block(self, savepoint: bool) -> None:
        self.both(lambda side: side.open(savepoint=savepoint, durable=False))

    @rule()
    def open_durable_block(self) -> None:
        self.both(lambda side: side.open(savepoint=True, durable=True))

    @precondition(lambda self: self.model.blocks)
    @rule(error=st.sampled_from([None, None, None, Boom, Interrupt]))
    def leave_block(self, error: type[BaseException] | None) -> None:
        self.both(lambda side: side.leave(error("a block fails") if error else None))

    @precondition(lambda self: not self.model.closed)
    @rule()
    def write(self) -> None:
        text = _name("row")
        self.both(lambda side: side.write(text))

    @precondition(lambda self: self.model.blocks and not self.model.broken)
    @rule()
    def swallow_a_database_error(self) -> None:
        self.both(lambda side: side.swallow())

    @rule(hook=HOOKS)
    def queue(self, hook: tuple[Moment, Work]) -> None:
        self.both(lambda side: side.queue(*hook))

    # While a connection is closed in a block, Django may call what is queued, of a commit that
    # never was: when it reconnects after an earlier commit whose callbacks failed.
    @precondition(lambda self: not self.model.closed)
    @rule(callback=CALLBACKS)
    def on_commit(self, callback: Callback) -> None:
        self.both(lambda side: side.on_commit(callback))

    @precondition(lambda self: self.model.blocks and not self.model.broken)
    @rule()
    def make_savepoint(self) -> None:
        place = self.model.savepoint()
        self.sids[id(place)] = self.real.savepoint()

    @precondition(lambda self: self._may_use_savepoints())
    @rule(data=st.data())
    def roll_back_to_savepoint(self, data: st.DataObject) -> None:
        place = data.draw(st.sampled_from(self.model.usable_places()))
        sid = self.sids[id(place)]
        self.model.savepoint_rollback(place)
        self.real.savepoint_rollback(sid)

    @precondition(lambda self: self._may_use_savepoints())
    @rule(data=st.data())
    def release_savepoint(self, data: st.DataObject) -> None:
        place = data.draw(st.sampled_from(self.model.usable_places()))
        sid = self.sids[id(place)]
        self.model.savepoint_commit(place)
        self.real.savepoint_commit(sid)

    def _may_use_savepoints(self) -> bool:
        model = self.model
        return bool(model.blocks and not model.broken and model.usable_places())

    @precondition(lambda self: not self.model.blocks and self._may_switch())
    @rule()
    def manage_by_hand(self) -> None:
        self.both(lambda side: side.set_autocommit(False))

    @precondition(lambda self: self.model.manual and self._fit_for_commit())
    @rule()
    def commit_by_hand(self) -> None:
        self.both(lambda side: side.commit())

    @precondition(lambda self: self.model.manual and not self.model.blocks)
    @rule()
    def roll_back_by_hand(self) -> None:
        self.both(lambda side: side.rollback())

    @precondition(lambda self: self.model.manual and self._fit_for_commit())
    @rule()
    def manage_automatically(self) -> None:
        if not self._may_switch():
            self.both(lambda side: side.commit())
        self.both(lambda side: side.set_autocommit(True))

    def _may_switch(self) -> bool:
        # psycopg refuses inside a transaction.
        return self.real.connection.vendor != "postgresql" or not self.model.manual

    def _fit_for_commit(self) -> bool:
        # With nothing of ours queued, Django commits what is left of a broken transaction.
        return not self.model.blocks and (self.model.hooked or not self.model.broken)

    # In manual mode, Django never reopens a connection that was closed in a block.
    @precondition(lambda self: not (self.model.manual and self.model.blocks))
    @rule()
    def close(self) -> None:
        self.both(lambda side: side.close())

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
            assert len(connection.atomic_blocks) == (0 if model.closed else len(model.blocks)) or (
                model.closed
            )
            if not model.blocks:
                assert connection.get_autocommit() == (not model.manual)
                assert not connection.savepoint_ids

    def teardown(self) -> None:
        for real in self.reals.values():
            connection = real.connection
            while real.blocks:
                _outcome(lambda side: side.leave(Boom()), real)
            if not connection.get_autocommit():
                connection.rollback()
                connection.set_autocommit(True)
        self._clean()
        for reader in self.readers.values():
            reader.close()

    def _clean(self) -> None:
        for alias, reader in self.readers.items():
            # A new connection: no callback, flag or hook of the example before is left.
            connections[alias].close()
            connections[alias].run_commit_hooks_on_set_autocommit_on = False
            with reader.cursor() as cursor:
                cursor.execute("DELETE FROM testapp_record")
            connections[alias].ensure_connection()


def _outcome(step: Callable[[Any], object], side: Model | Real) -> str | None:
    try:
        step(side)
    except (Exception, Interrupt) as error:  # noqa: BLE001  # to be compared
        return _describe(error)
    return None


def _describe(error: BaseException) -> str:
    if isinstance(error, ExceptionGroup):
        return f"group of {[_describe(inner) for inner in error.exceptions]}"
    return type(error).__name__
