"""When a receiver runs: each phase is a way to deal with an event that passed the guards."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Hashable
from functools import partial
from typing import Any

from django.db.models import Model
from django.db.models.signals import post_delete, pre_delete

from signalkit.declaration import Declaration
from signalkit.dispatch import observation
from signalkit.dispatch.aliases import connection_of
from signalkit.dispatch.runner import Runner
from signalkit.dispatch.running import Running
from signalkit.events import Event, call_as_django_does
from signalkit.exceptions import DeclarationError, PhaseUnavailable
from signalkit.states import Outcome, Phase
from signalkit.transactions.entries import Moment
from signalkit.transactions.hooks import queue
from signalkit.transactions.opened import in_transaction

Schedule = Callable[[Event], Any]
Scheduler = Callable[[Declaration, Runner], Schedule]

_schedulers: dict[Phase, Scheduler] = {}


def register_phase(phase: Phase, scheduler: Scheduler) -> None:
    """Say how a phase is run. An app that brings a phase calls this when it is ready."""
    _schedulers[phase] = scheduler


def is_available(phase: Phase) -> bool:
    """Say whether an installed app runs a phase."""
    return phase in _schedulers


def make_schedule(declaration: Declaration, run: Runner) -> Schedule:
    """Return what deals with an event of a receiver, according to its phase."""

    def schedule_when_available(event: Event) -> Any:
        # Looked up at the send: the app that brings the phase may be ready later than the
        # receiver. Without it nothing is lost silently: the sender learns of it.
        scheduler = _schedulers.get(declaration.phase)
        if scheduler is None:
            raise PhaseUnavailable(
                f"{declaration.name} is declared with Phase.{declaration.phase.name}, which no "
                "installed app runs; this version of signalkit brings none that does."
            )
        return scheduler(declaration, run)(event)

    scheduler = _schedulers.get(declaration.phase)
    return scheduler(declaration, run) if scheduler else schedule_when_available


def _inline(declaration: Declaration, run: Runner) -> Schedule:
    return run


def _until_the_commit(moment: Moment) -> Scheduler:
    """Return what defers runs to a moment of the commit."""

    def scheduler(declaration: Declaration, run: Runner) -> Schedule:
        key_of, is_about_deletion = _key_of(declaration), _is_about_deletion(declaration)

        def schedule(event: Event) -> None:
            key = None if key_of is None else key_of(event)
            if is_about_deletion:
                event = _lasting(event)
            connection = connection_of(declaration, event)
            running = Running(declaration, event)
            if observation.run_scheduled.is_watched and in_transaction(connection):
                _tell(observation.run_scheduled, running, Outcome.SCHEDULED)
            # Kept for nobody, it would take room until the transaction ends.
            is_watched = observation.run_rolled_back.is_watched
            dropped = partial(_tell_rolled_back, running) if is_watched else None
            work = partial(run, event, connection, running)
            queue(connection, moment, work, key=key, dropped=dropped)

        return schedule

    return scheduler


def _after_rollback(declaration: Declaration, run: Runner) -> Schedule:
    key_of = _key_of(declaration)

    def schedule(event: Event) -> None:
        # Not announced: whether it will run is anybody's guess.
        key = None if key_of is None else key_of(event)
        event = _lasting(event)
        connection = connection_of(declaration, event)
        work = partial(run, event, connection, Running(declaration, event))
        queue(connection, Moment.AFTER_ROLLBACK, work, key=key)

    return schedule


def _tell(signal: observation.Observation, running: Running, outcome: Outcome) -> None:
    observation.tell(signal, running, outcome, time.time())


def _tell_rolled_back(running: Running) -> None:
    _tell(observation.run_rolled_back, running, Outcome.ROLLED_BACK)


def _is_about_deletion(declaration: Declaration) -> bool:
    return post_delete in declaration.signals or pre_delete in declaration.signals


def _lasting(event: Event) -> Event:
    """Return an event that still makes sense later: Django takes the pk off a deleted object."""
    if event.signal is not post_delete and event.signal is not pre_delete:
        return event
    instance, origin = event.instance, event.payload.get("origin")
    snapshot = _snapshot(instance)
    return event.replace(
        instance=snapshot, origin=snapshot if origin is instance else _snapshot(origin)
    )


def _snapshot(value: Any) -> Any:
    """Return a model instance as it is now; anything else, such as a queryset, as it stands.

    ``copy.copy()`` would ask the app registry for the class, which need not know it: migrations
    delete instances of models that are no more.
    """
    if not isinstance(value, Model):
        return value
    snapshot = value.__class__.__new__(value.__class__)
    snapshot.__dict__.update(value.__dict__)
    snapshot._state = copy.copy(value._state)
    snapshot._state.fields_cache = value._state.fields_cache.copy()
    return snapshot


def _key_of(declaration: Declaration) -> Callable[[Event], Hashable] | None:
    """Return what tells the events of a transaction apart of which the last one counts."""
    once = declaration.once_per_transaction
    if once is False:
        return None
    if once is True:
        return lambda event: declaration
    call = once if declaration.kind == "class" else partial(call_as_django_does, once)

    def key_of(event: Event) -> Hashable:
        key = call(event)
        try:
            hash(key)
        except TypeError:
            raise DeclarationError(
                f"{declaration.name}: once_per_transaction returned {type(key).__name__!r}; "
                "expected something hashable that tells one event from another, such as event.pk."
            ) from None
        return (declaration, key)

    return key_of


register_phase(Phase.INLINE, _inline)
register_phase(Phase.BEFORE_COMMIT, _until_the_commit(Moment.BEFORE_COMMIT))
register_phase(Phase.AFTER_COMMIT, _until_the_commit(Moment.AFTER_COMMIT))
register_phase(Phase.AFTER_ROLLBACK, _after_rollback)
