"""The conditions that an event must meet, compiled once per receiver and signal.

A guard takes the keywords of a send, ``signal`` and ``sender`` included, and says whether to go
on. Conditions that a receiver did not set have no guard.
"""

from __future__ import annotations

from collections.abc import Callable

import django
from django.core.serializers.base import DeserializedObject
from django.db.models.signals import m2m_changed, post_save, pre_save
from django.dispatch import Signal

from signalkit.declaration import Declaration
from signalkit.declare.targets import Targets
from signalkit.dispatch import callstack
from signalkit.dispatch.changed import has_changed
from signalkit.types import Payload

Guard = Callable[[Payload], bool]


def compile_guards(declaration: Declaration, signal: Signal, targets: Targets) -> tuple[Guard, ...]:
    """Return the guards of a receiver for one of its signals, the cheapest first.

    Args:
        declaration: the receiver.
        signal: the one of its signals.
        targets: its senders, for those that Django cannot compare.
    """
    guards: list[Guard] = []
    if targets.are_compared:
        guards.append(lambda named: targets.include(named["sender"]))
    if not declaration.raw:
        guards.extend(_not_raw(signal))
    if declaration.created is not None:
        created = declaration.created
        guards.append(lambda named: named.get("created") is created)
    if declaration.changed:
        names = declaration.changed
        guards.append(lambda named: has_changed(names, named))
    return tuple(guards)


def _not_raw(signal: Signal) -> list[Guard]:
    if signal is pre_save or signal is post_save:
        return [lambda named: not named.get("raw")]
    if signal is m2m_changed:
        if django.VERSION >= (6, 1):
            return [lambda named: not named.get("raw")]
        return [lambda named: not _is_deserializing()]
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
