"""When a receiver runs: each phase is a way to deal with an event that passed the guards."""

from __future__ import annotations

import copy
from collections.abc import Callable, Hashable
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model
from django.db.models.signals import post_delete, pre_delete

from signalkit.declaration import Declaration
from signalkit.dispatch import observation
from signalkit.dispatch.calls import Run
from signalkit.dispatch.runner import connection_of
from signalkit.events import Event, call_as_django_does
from signalkit.exceptions import DeclarationError, PhaseUnavailable
from signalkit.states import Outcome, Phase
from signalkit.transactions.entries import Work
from signalkit.transactions.opened import in_transaction
from signalkit.transactions.watch import observe

Schedule = Callable[[Event], Any]
Scheduler = Callable[[Declaration, Run], Schedule]

_schedulers: dict[Phase, Scheduler] = {}


def register_phase(phase: Phase, scheduler: Scheduler) -> None:
    """Say how a phase is run. An app that brings a phase calls this when it is ready."""
    _schedulers[phase] = scheduler


def is_available(phase: Phase) -> bool:
    """Say whether an installed app runs a phase."""
    return phase in _schedulers


def make_schedule(declaration: Declaration, run: Run) -> Schedule:
    """Return what deals with an event of a receiver, according to its phase."""

    def schedule_when_available(event: Event) -> Any:
        # Looked up at the send: the app that brings the phase may be ready later than the
        # receiver. Without it nothing is lost silently: the sender learns of it.
        scheduler = _schedulers.get(declaration.phase)
        if scheduler is None:
            raise PhaseUnavailable(
                f"{declaration.name} is declared with Phase.{declaration.phase.name}, which no "
                "installed app runs. Add 'signalkit.outbox' to INSTALLED_APPS."
            )
        return scheduler(declaration, run)(event)

    scheduler = _schedulers.get(declaration.phase)
    return scheduler(declaration, run) if scheduler else schedule_when_available


class Pending:
    """A run that waits for its transaction."""

    __slots__ = ("connection", "declaration", "event", "run")

    def __init__(
        self, declaration: Declaration, run: Run, event: Event, connection: BaseDatabaseWrapper
    ) -> None:
        self.declaration = declaration
        self.run = run
        self.event = event
        self.connection = connection

    def __call__(self) -> None:
        """Run."""
        self.run(self.event, self.connection)

    def __str__(self) -> str:
        return self.declaration.name

    def tell_scheduled(self) -> None:
        """Tell whoever watches that it waits, if there is anything to wait for."""
        if in_transaction(self.connection):
            self._tell(observation.run_scheduled, Outcome.SCHEDULED)

    def tell_rolled_back(self) -> None:
        """Tell whoever watches that it will not run."""
        self._tell(observation.run_rolled_back, Outcome.ROLLED_BACK)

    def _tell(self, signal: Any, outcome: Outcome) -> None:
        observation.tell(signal, observation.Run(self.declaration, self.event, outcome))


def _inline(declaration: Declaration, run: Run) -> Schedule:
    return run


def _before_commit(declaration: Declaration, run: Run) -> Schedule:
    def schedule(event: Event) -> None:
        key, pending = _key(declaration, event), _defer(declaration, run, event)
        observe(pending.connection).before_commit(pending, key=key, dropped=_when_dropped(pending))

    return schedule


def _after_commit(declaration: Declaration, run: Run) -> Schedule:
    def schedule(event: Event) -> None:
        key, pending = _key(declaration, event), _defer(declaration, run, event)
        observe(pending.connection).after_commit(pending, key=key, dropped=_when_dropped(pending))

    return schedule


def _after_rollback(declaration: Declaration, run: Run) -> Schedule:
    def schedule(event: Event) -> None:
        # Not announced: whether it will run is anybody's guess.
        pending = _pending(declaration, run, event)
        observe(pending.connection).after_rollback(pending, key=_key(declaration, event))

    return schedule


def _pending(declaration: Declaration, run: Run, event: Event) -> Pending:
    return Pending(declaration, run, _lasting(event), connection_of(declaration, event))


def _defer(declaration: Declaration, run: Run, event: Event) -> Pending:
    pending = _pending(declaration, run, event)
    if observation.run_scheduled.receivers:
        pending.tell_scheduled()
    return pending


def _when_dropped(pending: Pending) -> Work | None:
    """Return what is to be done when a rollback undoes it; kept for nobody, it takes no room."""
    return pending.tell_rolled_back if observation.run_rolled_back.receivers else None


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


def _key(declaration: Declaration, event: Event) -> Hashable | None:
    once = declaration.once_per_transaction
    if once is False:
        return None
    if once is True:
        return declaration
    key = once(event) if declaration.kind == "class" else call_as_django_does(once, event)
    try:
        hash(key)
    except TypeError:
        raise DeclarationError(
            f"{declaration.name}: once_per_transaction returned {type(key).__name__!r}; expected "
            "something hashable that tells one event from another, such as event.pk."
        ) from None
    return (declaration, key)


register_phase(Phase.INLINE, _inline)
register_phase(Phase.BEFORE_COMMIT, _before_commit)
register_phase(Phase.AFTER_COMMIT, _after_commit)
register_phase(Phase.AFTER_ROLLBACK, _after_rollback)
