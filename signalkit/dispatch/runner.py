"""The one place that calls the user's code."""

from __future__ import annotations

import logging
from asyncio import CancelledError
from collections.abc import Callable
from functools import partial
from time import perf_counter, time
from typing import Any, Protocol, TypeAlias

from asgiref.sync import async_to_sync
from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from signalkit.context.current import CONTEXT
from signalkit.declaration import Declaration
from signalkit.dispatch import observation
from signalkit.dispatch.aliases import connection_of
from signalkit.dispatch.running import Running
from signalkit.events import Call, Event, call_as_django_does
from signalkit.exceptions import Veto
from signalkit.signal_names import signal_name
from signalkit.states import Outcome, Phase
from signalkit.transactions.opened import in_transaction

logger = logging.getLogger("signalkit.receivers")


class Runner(Protocol):
    """Runs a receiver for an event, with the policies that it asked for."""

    def __call__(
        self,
        event: Event,
        connection: BaseDatabaseWrapper | None = None,
        scheduled: Running | None = None,
    ) -> Any:
        """Run it.

        Args:
            event: what it is to react to.
            connection: the one that the event's transaction is on, where that is known already;
                to look it up takes longer than everything else in here.
            scheduled: what was noted when the event was sent, for a run that had to wait.
        """


_Attempt: TypeAlias = Callable[[Running], Any]
_Isolated: TypeAlias = Callable[[Running, BaseDatabaseWrapper | None], Any]


def make_run(declaration: Declaration) -> Runner:
    """Return what runs a receiver.

    Layers that were not asked for are not there, so that they cost nothing.
    """
    call = _caller(declaration)
    told = partial(_call_and_tell, call)
    isolated: _Isolated | None = None
    isolated_told: _Isolated | None = None
    if declaration.on_error == "isolate":
        untold = partial(_call, call)
        isolated, isolated_told = _isolated(declaration, untold), _isolated(declaration, told)
    # Names of the closure are faster to find than those of a module.
    finished, contexts = observation.run_finished, CONTEXT

    def run(
        event: Event,
        connection: BaseDatabaseWrapper | None = None,
        scheduled: Running | None = None,
    ) -> Any:
        # All of them, so that a cycle through this receiver can be named; the plain entrances
        # alone go without.
        running = scheduled or Running(declaration, event)
        before = running.begin()
        around = None
        if scheduled is not None:
            # Whoever sent the event has caused this, not whoever commits.
            around = contexts.get()
            contexts.set(running.context)
        try:
            # When nobody watches, nothing is measured.
            if finished.listeners or finished.receivers:
                return isolated_told(running, connection) if isolated_told else told(running)
            return isolated(running, connection) if isolated else call(event)
        finally:
            if scheduled is not None:
                contexts.set(around)
            running.end(before)

    # By this it is told apart among what waits for a commit.
    run.__qualname__ = declaration.name
    return run


def _caller(declaration: Declaration) -> Call:
    """Adapt a function or a ``handle``, sync or async, to one event."""
    call = declaration.call
    if declaration.is_async:
        # asgiref sends the coroutine's ORM calls back to this thread, its connection and its
        # open transaction. An AsyncToSync remembers the event loop it was made in: one per call.
        def call(*args: Any, **kwargs: Any) -> Any:
            return async_to_sync(declaration.call)(*args, **kwargs)

    if declaration.kind == "class":
        return call

    return partial(call_as_django_does, call)


def _call(call: Call, running: Running) -> Any:
    return call(running.event)


def _call_and_tell(call: Call, running: Running) -> Any:
    """Call, and tell whoever watches how it went and how long it took."""
    started, clock = time(), perf_counter()
    try:
        answer = call(running.event)
    except BaseException as error:
        observation.tell_failure(running, started, perf_counter() - clock, error)
        raise
    duration = perf_counter() - clock
    observation.tell(observation.run_finished, running, Outcome.SUCCEEDED, started, duration)
    return answer


def _isolated(declaration: Declaration, attempt: _Attempt) -> _Isolated:
    """Undo what a failing receiver wrote, log it, and go on."""
    # A veto is a decision, not an accident, as long as there is something left to refuse.
    too_late = declaration.phase in (Phase.AFTER_COMMIT, Phase.AFTER_ROLLBACK)
    passed_on: tuple[type[Exception], ...] = () if too_late else (Veto,)
    # A cancelled task: up to the commit it is to end. Afterwards it is this receiver's failure
    # alone; whoever was cancelled, such as a request whose client is gone, ends all the same.
    caught = (Exception, CancelledError) if too_late else (Exception,)

    def run(running: Running, connection: BaseDatabaseWrapper | None) -> Any:
        event = running.event
        connection = connection or connection_of(declaration, event)
        was_open, was_lost = in_transaction(connection), connection.needs_rollback
        try:
            if was_open:
                with transaction.atomic(using=connection.alias):
                    return attempt(running)
            return attempt(running)
        except passed_on:
            raise
        except caught:
            if was_open and connection.needs_rollback and not was_lost:
                # The savepoint is gone, and with it the transaction: a deadlock, a lost
                # connection. To go on would end in a rollback that nobody is told of.
                raise
            logger.exception(
                "Receiver %s failed in phase %s of %s.",
                declaration.name,
                declaration.phase.value,
                signal_name(event.signal),
                extra={"receiver": declaration.name, "phase": declaration.phase.value},
            )
            return None

    return run
