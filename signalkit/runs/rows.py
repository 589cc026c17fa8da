"""From a run to the row that records it."""

from __future__ import annotations

from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

from django.db.models import Model
from django.dispatch import Signal

from signalkit import conf
from signalkit.context.current import Context
from signalkit.dispatch.observation import Run
from signalkit.events import Event
from signalkit.runs.masking import mask
from signalkit.runs.references import reference
from signalkit.runs.tracebacks import type_name, where
from signalkit.signal_names import signal_name
from signalkit.states import Outcome

Row: TypeAlias = tuple[Any, ...]
"""The values of one row, in the order of :data:`COLUMNS`; ``started`` in seconds since 1970."""

COLUMNS = (
    "run",
    "parent",
    "receiver",
    "signal",
    "sender",
    "object",
    "phase",
    "outcome",
    "attempt",
    "started",
    "duration",
    "queries",
    "error",
    "message",
    "traceback",
    "actor_type",
    "actor_id",
    "actor_label",
    "correlation",
    "source",
    "detail",
    "reason",
    "address",
    "alias",
)
OUTCOME = COLUMNS.index("outcome")
STARTED = COLUMNS.index("started")

_signal_names: WeakKeyDictionary[Signal, str] = WeakKeyDictionary()


def row_of(run: Run, alias: str, attempt: int = 1) -> Row:
    """Return the row of a run.

    Args:
        run: what was told of it.
        alias: the database of its event; empty for none.
        attempt: which one it is.
    """
    event, duration, error = run.event, run.duration, run.error
    # Before the actor is asked for, which may take statements of its own.
    queries = None if duration is None else run.queries
    return (
        run.number,
        run.parent,
        run.receiver.name[:200],
        _name_of(event.signal),
        sender_label(event.sender)[:200],
        _object_of(event),
        run.phase.value,
        run.outcome.value,
        attempt,
        run.started,
        None if duration is None else round(duration * 1_000_000),
        queries,
        *(("", run.why, "") if error is None else _told_of(error)),
        *_caused_by(run.context),
        alias,
    )


def as_undone(row: Row) -> Row | None:
    """Return what becomes of a row whose transaction or savepoint was rolled back.

    What has failed stays so; what was to run later is told of when it will not.
    """
    outcome = row[OUTCOME]
    if outcome == Outcome.SCHEDULED.value:
        return None
    if outcome != Outcome.SUCCEEDED.value:
        return row
    return (*row[:OUTCOME], Outcome.ROLLED_BACK.value, *row[OUTCOME + 1 :])


def sender_label(sender: Any) -> str:
    """Return what the record calls a sender."""
    if isinstance(sender, type):
        if issubclass(sender, Model) and hasattr(sender, "_meta"):
            return sender._meta.label
        return f"{sender.__module__}.{sender.__qualname__}"
    if sender is None or isinstance(sender, str):
        return (sender or "").replace("\x00", "")
    kind = type(sender)
    return f"{kind.__module__}.{kind.__qualname__}"


def _name_of(signal: Signal) -> str:
    name = _signal_names.get(signal)
    if name is None:
        # Looked up in all loaded modules, which takes its time.
        name = _signal_names[signal] = signal_name(signal)[:100]
    return name


def _object_of(event: Event) -> str:
    instance = event.instance
    if instance is None:
        instance = event.payload.get("user")
    if not isinstance(instance, Model):
        return ""
    return reference(instance).replace("\x00", "")


def _told_of(error: BaseException) -> tuple[str, str, str]:
    try:
        said = str(error)
    except Exception:  # noqa: BLE001  # it is somebody else's
        said = "(its __str__ failed)"
    # What cannot be encoded would keep the whole row out.
    said = said.encode("utf-8", "replace").decode()
    return type_name(error)[:200], mask(said, conf.config().RUNS.MASK), where(error)


def _caused_by(context: Context) -> tuple[str, ...]:
    actor = context.actor
    who = ("", "", "") if actor is None else (actor.type[:100], actor.id[:64], actor.label[:150])
    return (
        *who,
        context.correlation_id[:64],
        context.source[:16],
        context.detail[:200],
        context.reason[:200],
        (context.address or "")[:45],
    )
