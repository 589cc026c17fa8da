"""What Django calls: the guards, then the phase."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from django.db.models.signals import post_save
from django.dispatch import Signal

from signalkit.builtin_events import class_for
from signalkit.declaration import Declaration
from signalkit.declare.targets import EVERYONE, Targets
from signalkit.dispatch import observation, reentry
from signalkit.dispatch.guards import Guard, compile_guard
from signalkit.dispatch.phases import Schedule, make_schedule
from signalkit.dispatch.plain import Entrance, is_plain, plain_entrance, post_save_entrance
from signalkit.dispatch.runner import make_run
from signalkit.dispatch.running import RUNNING, Running
from signalkit.dispatch.switches import switches
from signalkit.events import Event, call_as_django_does
from signalkit.states import Outcome
from signalkit.types import Payload

DECLARATION = "signalkit_declaration"
"""The attribute by which an entrance is known, and leads to its receiver."""


def make_entrance(
    declaration: Declaration, signal: Signal, targets: Targets = EVERYONE
) -> Entrance:
    """Return the callable to connect for one signal of a receiver."""
    guard = compile_guard(declaration, signal, targets)
    schedule = make_schedule(declaration, make_run(declaration))
    if is_plain(declaration):
        entrance = _make_plain(declaration, signal, targets, guard, schedule)
    else:
        entrance = _full_entrance(declaration, class_for(signal), guard, schedule)
    # Django's log of send_robust and other people's listings show these.
    entrance.__module__ = declaration.origin.module
    entrance.__qualname__ = declaration.origin.qualname
    entrance.__name__ = declaration.origin.qualname.rpartition(".")[2]
    setattr(entrance, DECLARATION, declaration)
    return entrance


def _make_plain(
    declaration: Declaration,
    signal: Signal,
    targets: Targets,
    guard: Guard | None,
    schedule: Schedule,
) -> Entrance:
    entrance = plain_entrance(declaration, guard, schedule)
    if signal is post_save and not declaration.changed and not targets.are_compared:
        return post_save_entrance(declaration, schedule, entrance)
    return entrance


def _full_entrance(
    declaration: Declaration, make: type[Event], guard: Guard | None, schedule: Schedule
) -> Entrance:
    when, at_send = declaration.when, declaration.at_send
    if when is not None and declaration.kind == "function":
        when = partial(call_as_django_does, when)
    checks_reentry = declaration.reentry != "allow"
    tell = partial(_tell_skipped, declaration) if declaration.record_skips else None
    # Names of the closure are faster to find than those of a module.
    off, innermost = switches, RUNNING

    def receive(signal: Signal, sender: Any, **named: Any) -> Any:
        if off.engaged and off.refuses(declaration):
            return tell and tell(signal, sender, named, "disabled")
        if guard is not None and not guard(sender, named):
            return tell and tell(signal, sender, named, "condition")
        event = make(signal, sender, named)
        if at_send is not None:
            looked_at = at_send(event)
            if looked_at is None:
                return tell and tell(signal, sender, named, "condition")
            event = looked_at
        if when is not None and not when(event):
            return tell and tell(signal, sender, named, "when")
        # Last: what a condition leaves out is no re-entry. Mostly nobody is at work.
        if checks_reentry and innermost.get() is not None and reentry.must_skip(declaration, event):
            return tell and tell(signal, sender, named, "reentry")
        return schedule(event)

    return receive


def _tell_skipped(
    declaration: Declaration, signal: Signal, sender: Any, named: Payload, why: str
) -> None:
    if observation.run_skipped.is_watched:
        running = Running(declaration, Event(signal, sender, named))
        observation.tell(observation.run_skipped, running, Outcome.SKIPPED, time.time(), why=why)
