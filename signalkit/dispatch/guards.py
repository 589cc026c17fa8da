"""The conditions that an event must meet, compiled once per receiver and signal.

A guard takes the keywords of a send, ``signal`` and ``sender`` included, and says whether to go
on. Conditions that a receiver did not set have no guard.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import django
from django.core.serializers.base import DeserializedObject
from django.db.models.signals import m2m_changed, post_save, pre_save
from django.dispatch import Signal

from signalkit.declaration import Declaration
from signalkit.declare.senders import matches_string
from signalkit.dispatch.changed import has_changed
from signalkit.types import Payload

Guard = Callable[[Payload], bool]


def compile_guards(
    declaration: Declaration, signal: Signal, strings: frozenset[str]
) -> tuple[Guard, ...]:
    """Return the guards of a receiver for one of its signals, the cheapest first.

    Args:
        declaration: the receiver.
        signal: the one of its signals.
        strings: senders that are strings and have to be compared by value, or none.
    """
    guards: list[Guard] = []
    if strings:
        guards.append(lambda named: matches_string(named["sender"], strings))
    if not declaration.raw:
        guards.extend(_not_raw(signal))
    if declaration.created is not None:
        created = declaration.created
        guards.append(lambda named: named.get("created") is created)
    if declaration.changed:
        names = declaration.changed
        guards.append(lambda named: has_changed(names, **named))
    return tuple(guards)


def _not_raw(signal: Signal) -> list[Guard]:
    if signal is pre_save or signal is post_save:
        return [lambda named: not named["raw"]]
    if signal is m2m_changed:
        if django.VERSION >= (6, 1):
            return [lambda named: not named.get("raw")]
        return [lambda named: not _is_deserializing()]
    return []


# Django before 6.1 does not say that m2m_changed comes from a fixture. It is then sent from
# within this one function, which the call stack shows; a walk costs a few microseconds beside
# the queries of the m2m change itself, and nothing of Django is patched.
_DESERIALIZING: Any = DeserializedObject.save.__code__


def _is_deserializing() -> bool:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code is _DESERIALIZING:
            return True
        frame = frame.f_back
    return False
