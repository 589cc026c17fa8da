"""From a run to the row that records it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, TypeAlias
from weakref import WeakKeyDictionary

from django.db.models import Model
from django.dispatch import Signal

from signalkit import conf
from signalkit.context.current import Actor, Context
from signalkit.declaration import Declaration
from signalkit.dispatch.observation import Run
from signalkit.events import Event
from signalkit.exceptions import Veto
from signalkit.runs.masking import MASK, MOST_READ, mask, names_a_secret
from signalkit.runs.references import reference
from signalkit.runs.tracebacks import type_name, where
from signalkit.signal_names import signal_name
from signalkit.states import Outcome

Row: TypeAlias = tuple[Any, ...]
"""The values of one row, in the order of :data:`COLUMNS`."""

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
_signal_names: WeakKeyDictionary[Signal, str] = WeakKeyDictionary()


class Note(NamedTuple):
    """What there is to remember of a run until it is written: small, and none of its objects."""

    number: int
    parent: int | None
    receiver: Declaration
    signal: Signal
    sender: Any
    object: str
    outcome: Outcome
    started: float
    duration: float | None
    queries: int
    told: tuple[str, str, str]
    actor: Actor | None
    cause: tuple[str, ...]
    alias: str


_NOTHING_TOLD = ("", "", "")


def note_of(run: Run, alias: str) -> Note:
    """Return what there is to remember of a run.

    Made at once for every run, so it leaves as much as possible for :func:`rows_of`.

    Args:
        run: what was told of it.
        alias: the database of its event; empty for none.
    """
    running, error = run.running, run.error
    event, queries, context = running.event, running.queries, run.context
    sender = event.sender
    return Note(
        running.number,
        running.parent,
        running.declaration,
        event.signal,
        # No object of the application's lives longer because of the record.
        sender if isinstance(sender, type) else sender_label(sender),
        _object_of(event),
        run.outcome,
        run.started,
        run.duration,
        queries,
        _NOTHING_TOLD if error is None and not run.why else _told_of(run),
        # Now: somebody may log out before it is written.
        context.known_actor,
        _cause_of(context),
        alias,
    )


def rows_of(
    notes: Iterable[Note], moment: Callable[[float], Any], attempt: int = 1
) -> Iterator[Row]:
    """Yield the rows of runs.

    Args:
        notes: what was remembered of them.
        moment: makes what the database stores of seconds since 1970.
        attempt: which attempt it is.
    """
    for note in notes:
        receiver, duration = note.receiver, note.duration
        yield (
            note.number,
            note.parent,
            receiver.name[:200],
            _name_of(note.signal),
            note.sender if isinstance(note.sender, str) else sender_label(note.sender)[:200],
            note.object,
            receiver.phase.value,
            note.outcome.value,
            attempt,
            moment(note.started),
            None if duration is None else round(duration * 1_000_000),
            None if duration is None else note.queries,
            *note.told,
            *_actor(note.actor),
            *note.cause,
            note.alias,
        )


def as_undone(note: Note) -> Note | None:
    """Return what becomes of a run whose transaction or savepoint was rolled back.

    What has failed stays so; what was to run later is told of when it will not.
    """
    if note.outcome is Outcome.SCHEDULED:
        return None
    return note._replace(outcome=Outcome.ROLLED_BACK) if note.outcome is Outcome.SUCCEEDED else note


def sender_label(sender: Any) -> str:
    """Return what the record calls a sender."""
    if isinstance(sender, type):
        if issubclass(sender, Model) and hasattr(sender, "_meta"):
            return sender._meta.label
        return f"{sender.__module__}.{sender.__qualname__}"
    if sender is None or isinstance(sender, str):
        return _storable(sender or "")[:200]
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
    if names_a_secret(instance._meta.pk.name, conf.config().RUNS.MASK):
        # A session's key is the session.
        return f"{instance._meta.label}:{MASK}"
    return _storable(reference(instance))


def _told_of(run: Run) -> tuple[str, str, str]:
    error = run.error
    if error is None:
        return "", run.why, ""
    try:
        # As a list of reprs, its str() is not for people.
        said = " ".join(error.messages) if isinstance(error, Veto) else str(error)
    except Exception:  # noqa: BLE001  # it is somebody else's
        said = "(its __str__ failed)"
    words = conf.config().RUNS.MASK
    told = mask(_storable(said[:MOST_READ]), words)
    return _storable(type_name(error)[:200]), told, _storable(where(error, words))


def _storable(text: str) -> str:
    """Return a text that every database takes: one that it refuses keeps the whole row out."""
    if text.isascii() and "\x00" not in text:
        return text
    return text.encode("utf-8", "replace").decode().replace("\x00", "")


def _actor(actor: Actor | None) -> tuple[str, str, str]:
    if actor is None:
        return _NOTHING_TOLD
    return actor.type[:100], actor.id[:64], actor.label[:150]


# Many runs have one cause. It is kept in place of the context, which has the request.
_causes: WeakKeyDictionary[Context, tuple[str, ...]] = WeakKeyDictionary()


def _cause_of(context: Context) -> tuple[str, ...]:
    cause = _causes.get(context)
    if cause is None:
        cause = _causes[context] = (
            context.correlation_id[:64],
            context.source[:16],
            context.detail[:200],
            context.reason[:200],
            (context.address or "")[:45],
        )
    return cause
