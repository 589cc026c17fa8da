"""From what is remembered of runs to the rows that record them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

from django.dispatch import Signal

from signalkit.context.current import Actor, Cause
from signalkit.runs.notes import Note, sender_label
from signalkit.signal_names import signal_name

OF_RUN = (
    "run",
    "parent",
    "attempt",
    "started",
    "duration",
    "queries",
    "outcome",
    "object",
    "error",
    "message",
    "traceback",
)
OF_KIND = ("receiver", "phase", "signal", "sender", "alias")
OF_CAUSE = (
    "actor_type",
    "actor_id",
    "actor_label",
    "correlation",
    "source",
    "detail",
    "reason",
    "address",
)
COLUMNS = (*OF_RUN, *OF_KIND, *OF_CAUSE)


Row: TypeAlias = tuple[tuple[Any, ...], tuple[str, ...], tuple[str, ...]]
"""The values of one row, in the orders of :data:`OF_RUN`, :data:`OF_KIND` and :data:`OF_CAUSE`.

The last two are the same objects in many rows, so that who writes them need not do everything over
again for each."""


def rows_of(
    notes: Iterable[Note], moment: Callable[[float], Any], attempt: int = 1
) -> Iterator[Row]:
    """Yield the rows of runs.

    Args:
        notes: what was remembered of them.
        moment: makes what the database stores of seconds since 1970.
        attempt: which attempt it is.
    """
    kinds: dict[tuple[Any, ...], tuple[str, ...]] = {}
    causes: dict[int, tuple[str, ...]] = {}
    for note in notes:
        # fmt: off
        (number, parent, receiver, signal, sender, about, outcome,
         started, duration, queries, told, cause, alias) = note
        # fmt: on
        # The notes keep alive what the numbers stand for. Not everybody's classes can be hashed.
        kind_key = (id(receiver), id(signal), id(sender), alias)
        of_kind = kinds.get(kind_key)
        if of_kind is None:
            of_kind = kinds[kind_key] = _kind_of(note)
        of_cause = causes.get(id(cause))
        if of_cause is None:
            of_cause = causes[id(cause)] = _cause_of(cause)
        microseconds, sent = None, None
        if duration is not None:
            microseconds, sent = round(duration * 1_000_000), queries
        of_run = (number, parent, attempt, moment(started), microseconds, sent)
        # Of an enumeration's member, .value is a call.
        yield (*of_run, outcome._value_, about, *told), of_kind, of_cause


def _kind_of(note: Note) -> tuple[str, ...]:
    sender, receiver = note.sender, note.receiver
    return (
        receiver.name[:200],
        receiver.phase.value,
        _name_of(note.signal),
        sender if isinstance(sender, str) else sender_label(sender)[:200],
        note.alias,
    )


_signal_names: WeakKeyDictionary[Signal, str] = WeakKeyDictionary()


def _name_of(signal: Signal) -> str:
    name = _signal_names.get(signal)
    if name is None:
        # Looked up in all loaded modules, which takes its time.
        name = _signal_names[signal] = signal_name(signal)[:100]
    return name


def _cause_of(cause: Cause) -> tuple[str, ...]:
    return (
        *_actor(cause.actor),
        cause.correlation_id[:64],
        cause.source[:16],
        cause.detail[:200],
        cause.reason[:200],
        cause.address[:45],
    )


def _actor(actor: Actor | None) -> tuple[str, str, str]:
    return ("", "", "") if actor is None else (actor.type[:100], actor.id[:64], actor.label[:150])
