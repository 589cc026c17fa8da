"""Whether a receiver was reached again by what it did itself."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from signalkit.catalogue import signal_name
from signalkit.declaration import Declaration
from signalkit.events import Event
from signalkit.exceptions import ReentryError

_RUNNING: ContextVar[tuple[tuple[Declaration, Event], ...]] = ContextVar(
    "signalkit_running", default=()
)


def must_skip(declaration: Declaration, event: Event) -> bool:
    """Say whether an event is the receiver's own doing and is to be passed over.

    Raises:
        ReentryError: it is, and the receiver asks for an error instead.
    """
    running = _RUNNING.get()
    for position, (active, active_event) in enumerate(running):
        if active is declaration and _same_object(active_event, event):
            if declaration.reentry == "raise":
                raise ReentryError(_describe(running[position:], declaration, event))
            return True
    return False


def guarded(declaration: Declaration, call: Callable[[Event], Any]) -> Callable[[Event], Any]:
    """Return ``call``, known to be running while it does."""

    def run(event: Event) -> Any:
        running = _RUNNING.get()
        _RUNNING.set((*running, (declaration, event)))
        try:
            return call(event)
        finally:
            _RUNNING.set(running)

    return run


def _same_object(one: Event, other: Event) -> bool:
    if one.using != other.using:
        return False
    first, second = one.instance, other.instance
    if first is second:
        # Without an instance, the send itself is all there is to compare.
        return first is not None or (one.signal is other.signal and one.sender is other.sender)
    first_meta, second_meta = getattr(first, "_meta", None), getattr(second, "_meta", None)
    if first_meta is None or second_meta is None or one.pk is None:
        return False
    # A row that was fetched again is another Python object.
    return first_meta.concrete_model is second_meta.concrete_model and one.pk == other.pk


def _describe(
    running: tuple[tuple[Declaration, Event], ...], declaration: Declaration, event: Event
) -> str:
    steps = [*running, (declaration, event)]
    cycle = " → ".join(f"{step.name} ({signal_name(sent.signal)})" for step, sent in steps)
    return (
        f"{declaration.name} was reached again by what it did itself, on the same object: {cycle}. "
        "Use update() or save(update_fields=...) with a condition, or reentry='skip'."
    )
