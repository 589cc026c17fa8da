"""Whether a receiver was reached again by what it did itself."""

from __future__ import annotations

from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from django.db.models import Model

from signalkit.catalogue import find
from signalkit.declaration import Declaration
from signalkit.dispatch.aliases import alias_of
from signalkit.dispatch.keys import has_key
from signalkit.dispatch.running import RUNNING, Running
from signalkit.events import Event
from signalkit.exceptions import ReentryError
from signalkit.signal_names import signal_name

# What tells two sends without an instance apart, as far as equality is known to be harmless.
_VALUES = (str, bytes, int, float, complex, Decimal, date, time, timedelta, UUID, Enum)


def must_skip(declaration: Declaration, event: Event) -> bool:
    """Say whether an event is the receiver's own doing and is to be passed over.

    Raises:
        ReentryError: it is, and the receiver asks for an error instead.
    """
    running = RUNNING.get()
    while running is not None:
        if (
            not running.ended
            and running.declaration is declaration
            and _same_object(declaration, running.event, event)
        ):
            if declaration.reentry == "raise":
                raise ReentryError(_describe(running, declaration, event))
            return True
        running = running.outer
    return False


def _same_object(declaration: Declaration, one: Event, other: Event) -> bool:
    if alias_of(declaration, one) != alias_of(declaration, other):
        return False
    if one.instance is None or other.instance is None:
        if _are_about_many(one, other):
            # Nobody says which objects, so all of the model's count as one.
            return one.sender is other.sender
        # The send itself is all there is to compare.
        return one.signal is other.signal and one.sender is other.sender and _same_send(one, other)
    return _same_value(one.instance, other.instance)


def _are_about_many(*events: Event) -> bool:
    known = (find(event.signal) for event in events)
    return all(each is not None and each.is_about_many for each in known)


def _same_send(one: Event, other: Event) -> bool:
    first, second = one.payload, other.payload
    return first.keys() == second.keys() and all(
        _same_value(value, second[key]) for key, value in first.items()
    )


def _same_value(one: Any, other: Any) -> bool:
    if one is other:
        return True
    if isinstance(one, Model) and isinstance(other, Model):
        # A row that was fetched again is another Python object.
        same_model = one._meta.concrete_model is other._meta.concrete_model
        return same_model and has_key(one) and bool(one.pk == other.pk)
    return isinstance(one, _VALUES) and type(one) is type(other) and bool(one == other)


def _describe(first: Running, declaration: Declaration, event: Event) -> str:
    steps = [(declaration, event)]
    step = RUNNING.get()
    while step is not None:
        if not step.ended:
            steps.append((step.declaration, step.event))
        step = None if step is first else step.outer
    steps.reverse()
    cycle = " → ".join(f"{step.name} ({signal_name(sent.signal)})" for step, sent in steps)
    return (
        f"{declaration.name} was reached again by what it did itself, on the same object: {cycle}. "
        "Use update() or save(update_fields=...) with a condition, or reentry='skip'."
    )
