"""What Django calls: the guards, then the phase."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.dispatch import Signal

from signalkit.declaration import Declaration
from signalkit.declare.targets import EVERYONE, Targets
from signalkit.dispatch import observation, reentry
from signalkit.dispatch.guards import Guard, compile_guard
from signalkit.dispatch.phases import Schedule, make_schedule
from signalkit.dispatch.runner import make_run
from signalkit.dispatch.switches import switches
from signalkit.events import Event
from signalkit.states import Phase

Entrance = Callable[..., Any]

DECLARATION = "signalkit_declaration"
"""The attribute by which an entrance is known, and leads to its receiver."""


def make_entrance(
    declaration: Declaration, signal: Signal, targets: Targets = EVERYONE
) -> Entrance:
    """Return the callable to connect for one signal of a receiver."""
    guard = compile_guard(declaration, signal, targets)
    schedule = make_schedule(declaration, make_run(declaration))
    if _is_plain(declaration):
        entrance = _plain_entrance(declaration, guard, schedule)
    else:
        entrance = _full_entrance(declaration, guard, schedule)
    # Django's log of send_robust and other people's listings show these.
    entrance.__module__ = declaration.origin.module
    entrance.__qualname__ = declaration.origin.qualname
    entrance.__name__ = declaration.origin.qualname.rpartition(".")[2]
    setattr(entrance, DECLARATION, declaration)
    return entrance


def _is_plain(declaration: Declaration) -> bool:
    """Say whether nothing stands between the guards and the function."""
    return (
        declaration.kind == "function"
        and declaration.phase is Phase.INLINE
        and declaration.on_error == "raise"
        and declaration.reentry == "allow"
        and not declaration.is_async
    )


def _plain_entrance(declaration: Declaration, guard: Guard | None, schedule: Schedule) -> Entrance:
    """Return an entrance that makes no event: it costs little more than Django's own call."""
    call, when = declaration.call, declaration.when

    def receive(**named: Any) -> Any:
        if switches.engaged and switches.refuses(declaration):
            return None
        if guard is not None and not guard(named):
            return None
        if when is not None and not when(**named):
            return None
        if observation.run_finished.receivers:
            return schedule(Event(named.pop("signal"), named.pop("sender"), named))
        return call(**named)

    return receive


def _full_entrance(declaration: Declaration, guard: Guard | None, schedule: Schedule) -> Entrance:
    is_class, when = declaration.kind == "class", declaration.when
    checks_reentry = declaration.reentry != "allow"

    def receive(**named: Any) -> Any:
        if switches.engaged and switches.refuses(declaration):
            return None
        if guard is not None and not guard(named):
            return None
        if when is not None and not is_class and not when(**named):
            return None
        event = Event(named.pop("signal"), named.pop("sender"), named)
        if when is not None and is_class and not when(event):
            return None
        # Last: what a condition leaves out is no re-entry.
        if checks_reentry and reentry.must_skip(declaration, event):
            return None
        return schedule(event)

    return receive
