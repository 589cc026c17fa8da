"""The conditions that an event must meet, compiled once per receiver and signal.

A guard takes the sender and the keywords of a send, and says whether to go
on. Conditions that a receiver did not set have no guard. What a signal of one's own will carry is
not known before it is sent: a guard refuses a send that cannot be what the receiver was declared
for, because to skip it would lose it without a word.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import django
from django.core.serializers.base import DeserializedObject
from django.db.models.signals import m2m_changed, post_save, pre_save
from django.dispatch import Signal

from signalkit.declaration import Declaration
from signalkit.declare.targets import Targets
from signalkit.dispatch import callstack
from signalkit.dispatch.changed import has_changed
from signalkit.exceptions import DeclarationError
from signalkit.signal_names import signal_name
from signalkit.types import Payload

Guard = Callable[[Any, Payload], bool]


def compile_guard(declaration: Declaration, signal: Signal, targets: Targets) -> Guard | None:
    """Return the guard of a receiver for one of its signals; None when there is nothing to ask.

    Args:
        declaration: the receiver.
        signal: the one of its signals.
        targets: its senders, for those that Django cannot compare.
    """
    # The cheapest first.
    guards: list[Guard] = []
    if targets.are_compared:
        guards.append(lambda sender, named: targets.include(sender))
    if declaration.created is not None:
        guards.append(_created(declaration, signal))
    elif not declaration.raw:
        guards.extend(_not_raw(signal))
    if declaration.changed:
        guards.append(_changed(declaration))
    return reduce(_both, guards) if guards else None


def _changed(declaration: Declaration) -> Guard:
    names = declaration.changed
    if declaration.changed_by_creation:
        return lambda sender, named: bool(named.get("created") or has_changed(names, sender, named))
    return lambda sender, named: has_changed(names, sender, named)


def _both(first: Guard, second: Guard) -> Guard:
    return lambda sender, named: first(sender, named) and second(sender, named)


def _created(declaration: Declaration, signal: Signal) -> Guard:
    """Return the guard of ``created``, and of ``raw``: most receivers have both, and one is faster.

    What carries ``created`` is ``post_save``, or a signal of one's own.
    """
    created = declaration.created
    takes_raw = declaration.raw or signal is not post_save

    def guard(sender: Any, named: Payload) -> bool:
        try:
            # By truth: a signal of one's own may say it with something else than a bool.
            if (not named["created"]) is created:
                return False
        except KeyError:
            raise DeclarationError(
                f"{declaration.name} ({declaration.origin}) has created={created}, but "
                f"{signal_name(signal)} was sent without created, so it would never run. Send it "
                "with created=True or False, or put the condition into when=."
            ) from None
        return takes_raw or not named.get("raw")

    return guard


def _not_raw(signal: Signal) -> list[Guard]:
    if signal is pre_save or signal is post_save:
        return [lambda sender, named: not named.get("raw")]
    if signal is m2m_changed:
        if django.VERSION >= (6, 1):
            return [lambda sender, named: not named.get("raw")]
        return [lambda sender, named: not _is_deserializing()]
    return []


# Django before 6.1 does not say that m2m_changed comes from a fixture. It is then sent from
# within this one method, which the call stack shows; the walk costs a few microseconds beside
# the queries of the m2m change itself, and nothing of Django is patched.
_DESERIALIZING = DeserializedObject.save.__code__
_SENDING = (Signal.send.__code__, Signal.send_robust.__code__)


def _is_deserializing() -> bool:
    """Say whether a fixture makes this m2m change itself, and not a receiver of the fixture's."""
    sending = callstack.nearest(*_SENDING)
    found = callstack.nearest(_DESERIALIZING, *_SENDING, after=sending)
    return found is not None and found.f_code is _DESERIALIZING
