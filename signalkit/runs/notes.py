"""What there is to remember of a run until it is written."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from django.db.models import Model
from django.dispatch import Signal

from signalkit.context.current import Cause, of_process
from signalkit.declaration import Declaration
from signalkit.dispatch.running import Running
from signalkit.events import parts_of
from signalkit.exceptions import Veto
from signalkit.runs.masking import MASK, MOST_READ, mask, names_a_secret
from signalkit.runs.references import LONGEST, label_of, reference
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

    cause: Cause
    alias: str
    """The database of its event; empty for none."""


NOTHING_TOLD = ("", "", "")


def note_of(
    running: Running,
    outcome: Outcome,
    started: float,
    duration: float | None,
    told: tuple[str, str, str],
    alias: str,
    words: tuple[str, ...],
) -> Note:
    """Return what there is to remember of a run.

    Made at once for every run, so it leaves as much as possible for
    :func:`~signalkit.runs.rows.rows_of`.

    Args:
        running: the receiver, at work on an event, or waiting for its turn.
        outcome: how the run stands.
        started: when it began, or was scheduled, in seconds since 1970.
        duration: in seconds; None when it has not run.
        told: what its error said, see :func:`told_of`.
        alias: the database of its event; empty for none.
        words: names of what is masked, besides those known to everybody.
    """
    # Few calls: among all that a save does, a call of Python's is what this takes its time for.
    signal, sender, payload = parts_of(running.event)
    values = (
        running.number,
        running.parent,
        running.declaration,
        signal,
        # No object of the application's lives longer because of the record.
        sender if isinstance(sender, type) else sender_label(sender),
        _object_of(payload, words),
        outcome,
        started,
        duration,
        running.queries,
        told,
        # Now: somebody may log out before it is written.
        (running.context or of_process()).cause,
        alias,
    )
    return _new(Note, values)


# Without the call by which a named tuple is made of arguments.
_new = tuple.__new__


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


def _object_of(payload: Mapping[str, Any], words: tuple[str, ...]) -> str:
    instance = payload.get("instance")
    if instance is None:
        instance = payload.get("user")
    if not isinstance(instance, Model):
        return ""
    label, key, is_secret = _of_model(instance.__class__, words)
    if is_secret:
        # A session's key is the session.
        return f"{label}:{MASK}"[:LONGEST]
    pk = getattr(instance, key)
    return f"{label}:{pk}" if pk.__class__ is int else storable(reference(instance))


# Only so many, for migrations make models by the dozen.
@lru_cache(maxsize=1_000)
def _of_model(model: type[Model], words: tuple[str, ...]) -> tuple[str, str, bool]:
    """Return a model's label, the attribute with its primary key, and whether that is secret."""
    pk = model._meta.pk
    return label_of(model), pk.attname, names_a_secret(pk.name, words)


def told_of(error: BaseException | None, why: str, words: tuple[str, ...]) -> tuple[str, str, str]:
    """Return the type of an error, what it said, and where it was raised, masked.

    Args:
        error: what a receiver raised.
        why: what kept it from running, where there is no error.
        words: names of what is masked, besides those known to everybody.
    """
    if error is None:
        return ("", why, "") if why else NOTHING_TOLD
    try:
        # As a list of reprs, its str() is not for people.
        said = " ".join(error.messages) if isinstance(error, Veto) else str(error)
    except Exception:  # noqa: BLE001  # it is somebody else's
        said = "(its __str__ failed)"
    told = mask(storable(said[:MOST_READ]), words)
    return storable(type_name(error)[:200]), told, storable(where(error, words))
