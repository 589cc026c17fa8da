"""What there is to remember of a run until it is written."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.db.models import Model
from django.dispatch import Signal

from signalkit import conf
from signalkit.context.current import Actor, Cause
from signalkit.declaration import Declaration
from signalkit.dispatch.observation import Run
from signalkit.events import Event
from signalkit.exceptions import Veto
from signalkit.runs.masking import MASK, MOST_READ, mask, names_a_secret
from signalkit.runs.references import LONGEST, reference
from signalkit.runs.texts import storable
from signalkit.runs.tracebacks import type_name, where
from signalkit.states import Outcome


class Note(NamedTuple):
    """What is remembered of a run: small, and none of the objects that it was about."""

    number: int
    parent: int | None
    receiver: Declaration
    signal: Signal
    sender: Any
    """The class that it is; else what the record calls it."""

    object: str
    outcome: Outcome
    started: float
    duration: float | None
    queries: int
    told: tuple[str, str, str]
    """The error's type, what it said, and where it was raised."""

    actor: Actor | None
    cause: Cause
    alias: str
    """The database of its event; empty for none."""


_NOTHING_TOLD = ("", "", "")


def note_of(run: Run, alias: str) -> Note:
    """Return what there is to remember of a run.

    Made at once for every run, so it leaves as much as possible for
    :func:`~signalkit.runs.rows.rows_of`.

    Args:
        run: what was told of it.
        alias: the database of its event; empty for none.
    """
    running, error, context = run.running, run.error, run.context
    event = running.event
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
        running.queries,
        _NOTHING_TOLD if error is None and not run.why else _told_of(run),
        # Now: somebody may log out before it is written.
        context.known_actor,
        context.cause,
        alias,
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
        return storable(sender or "")[:200]
    kind = type(sender)
    return f"{kind.__module__}.{kind.__qualname__}"


def _object_of(event: Event) -> str:
    instance = event.instance
    if instance is None:
        instance = event.payload.get("user")
    if not isinstance(instance, Model):
        return ""
    options = instance._meta
    if names_a_secret(options.pk.name, conf.config().RUNS.MASK):
        # A session's key is the session.
        return f"{options.label}:{MASK}"[:LONGEST]
    return storable(reference(instance))


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
    told = mask(storable(said[:MOST_READ]), words)
    return storable(type_name(error)[:200]), told, storable(where(error, words))
