"""From what is told of a run to a row on its way, if it is to be on record."""

from __future__ import annotations

from typing import Any

from django.core.signals import request_finished, request_started, setting_changed
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate, pre_migrate
from django.utils.autoreload import autoreload_started, file_changed
from django.utils.connection import ConnectionDoesNotExist

from signalkit import conf
from signalkit.dispatch.observation import (
    run_finished,
    run_rolled_back,
    run_scheduled,
    run_skipped,
)
from signalkit.dispatch.running import Running
from signalkit.registry import registry
from signalkit.runs import flushing, plain, statements, storing
from signalkit.runs.health import health
from signalkit.runs.notes import NOTHING_TOLD, Note, note_of, told_of
from signalkit.runs.pending import LATEST
from signalkit.runs.tables import tables
from signalkit.states import Outcome
from signalkit.transactions.watch import observe

_UID = "signalkit.runs"
_UID_ONCE = "signalkit.runs.once"
_WATCHED = (run_scheduled, run_finished, run_rolled_back, run_skipped)

# From within these nothing is written: a connection is being prepared, or settings are in between.
_QUIET = (connection_created, setting_changed, autoreload_started, file_changed)


def install() -> None:
    """Put runs on record from now on, as the settings say, and follow them in tests."""
    flushing.install()
    setting_changed.connect(_settings_changed, dispatch_uid=_UID)
    pre_migrate.connect(_migrating, dispatch_uid=_UID)
    post_migrate.connect(_migrated, dispatch_uid=_UID)
    refresh()
    # Apps that stand behind this one in INSTALLED_APPS declare and connect theirs later.
    request_started.connect(_first, dispatch_uid=_UID_ONCE)
    connection_created.connect(_first, dispatch_uid=_UID_ONCE)


def refresh() -> None:
    """Watch runs, or stop doing so, according to the settings and the receivers."""
    if _is_wanted():
        for observation in _WATCHED:
            observation.listen(_note)
        connection_created.connect(_connection_opened, dispatch_uid=_UID)
        request_finished.connect(_request_finished, dispatch_uid=_UID)
        for connection in connections.all(initialized_only=True):
            if connection.connection is not None:
                _attend(connection)
    else:
        for observation in _WATCHED:
            observation.ignore(_note)
        connection_created.disconnect(dispatch_uid=_UID)
        request_finished.disconnect(dispatch_uid=_UID)
        for connection in connections.all(initialized_only=True):
            statements.forget(connection)
    plain.refresh()


def _first(**kwargs: Any) -> None:
    request_started.disconnect(dispatch_uid=_UID_ONCE)
    connection_created.disconnect(dispatch_uid=_UID_ONCE)
    refresh()


def is_recorded(running: Running, outcome: Outcome) -> bool:
    """Say whether a run is to be on record.

    Args:
        running: the receiver, at work on an event, or waiting for its turn.
        outcome: how the run stands.
    """
    receiver = running.declaration
    policy = receiver.record
    if policy is None:
        policy = conf.config().RUNS.RECORD
    if outcome is Outcome.SCHEDULED and not receiver.announce:
        return False
    if policy == "all":
        return True
    if policy == "off":
        return False
    if outcome is Outcome.FAILED:
        return True
    if policy == "failures":
        # What was announced would seem never to have run.
        return receiver.announce
    return _place_in_sample(running.number) < policy


def _place_in_sample(number: int) -> float:
    """Return a number from 0 to 1, the same for all that is told of one run."""
    # Multiplied by the golden ratio's share of 2**64, numbers in a row are spread evenly.
    return (number * 0x9E3779B97F4A7C15 % 2**64) / 2**64


def _is_wanted() -> bool:
    runs = conf.config().RUNS
    return (
        runs.RECORD != "off"
        or bool(runs.PLAIN)
        or any(each.record not in (None, "off") for each in registry.all())
    )


def _note(
    running: Running,
    outcome: Outcome,
    started: float,
    duration: float | None,
    error: BaseException | None,
    why: str,
) -> None:
    try:
        if not is_recorded(running, outcome):
            return
        runs = conf.config().RUNS
        using = running.declaration.using or running.event.using
        alias = using if isinstance(using, str) else ""
        told = NOTHING_TOLD if error is None and not why else told_of(error, why, runs.MASK)
        note = note_of(running, outcome, started, duration, told, alias, runs.MASK)
        # Mostly it is for the transaction that the one before was for.
        latest = LATEST.get()
        if latest is None or not latest.takes(
            runs.DATABASE or alias or runs.FALLBACK_DATABASE, note
        ):
            # Deep in a recursion there is no room: what breaks off in a driver spoils its
            # connection.
            at_once = outcome is Outcome.FAILED and not isinstance(error, RecursionError)
            _record(note, at_once)
    except Exception as problem:  # noqa: BLE001  # it is counted and logged
        # Whatever it is, the sender has nothing to do with it.
        health.count("signalkit could not describe them", 1, problem)


def _record(note: Note, at_once: bool) -> None:
    runs = conf.config().RUNS
    connection = _connection_of(note.alias)
    if connection is None:
        note = note._replace(alias="")
    if connection is None or runs.DATABASE not in (None, note.alias):
        connection = connections[runs.DATABASE or runs.FALLBACK_DATABASE]
    flushing.record(connection, note, at_once=at_once, quietly=note.signal in _QUIET)


def _connection_of(alias: str) -> BaseDatabaseWrapper | None:
    """Return the connection to a database; None where a signal means something else by it."""
    try:
        return connections[alias] if alias else None
    except ConnectionDoesNotExist:
        return None


def _connection_opened(*, connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    _attend(connection)


def _attend(connection: BaseDatabaseWrapper) -> None:
    statements.statements_of(connection)
    flushing.opened(connection)
    observe(connection).closing = flushing.before_closing


def _request_finished(**kwargs: Any) -> None:
    # After Django has closed the connections that are not kept, for which that was the occasion.
    for connection in connections.all(initialized_only=True):
        flushing.write_out(connection, when_due=True)


def _migrating(*, using: str, **kwargs: Any) -> None:
    storing.migrating.add(using)


def _migrated(*, using: str, **kwargs: Any) -> None:
    storing.migrating.discard(using)
    tables.forget()
    if "plan" not in kwargs:
        # The command flush sends the signal, too.
        flushing.emptied(using)


def _settings_changed(*, setting: str, **kwargs: Any) -> None:
    if setting == conf.SETTING:
        refresh()
