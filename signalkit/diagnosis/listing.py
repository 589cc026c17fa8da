"""Every connection of every signal, row by row: what ``manage.py signalkit list`` shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Literal, TypeAlias

from django.db.models.signals import m2m_changed, post_save, pre_save
from django.dispatch import Signal

from signalkit.declaration import Declaration
from signalkit.declare.foreign import described
from signalkit.declare.places import Place, place_of, place_of_declaration
from signalkit.diagnosis.connections import (
    SignalConnection,
    all_connections,
    awaited_connections,
)
from signalkit.diagnosis.senders import SenderKind, label, label_of
from signalkit.dispatch.connect import connector
from signalkit.dispatch.phases import is_available
from signalkit.dispatch.switches import Off, switches
from signalkit.registry import registry
from signalkit.signal_names import signal_paths
from signalkit.states import Phase
from signalkit.typed import TypedSignal

Kind: TypeAlias = Literal["class", "function", "plain"]

RAW_SIGNALS = (pre_save, post_save, m2m_changed)
"""The signals that a fixture sends."""

State: TypeAlias = Literal["connected", "awaited", "dead", "unavailable", "unconnected"]


@dataclass(frozen=True, slots=True)
class Row:
    """One connection, or one receiver that is declared and not connected."""

    signal: str
    """Dotted path."""

    signal_name: str
    """Short, for Django's own."""

    sender: str
    sender_kind: SenderKind
    receiver: str
    """The receiver's name; of a plain one the dotted path."""

    path: str
    """Dotted path of the code; empty when the receiver has died."""

    kind: Kind
    app: str | None
    """The label of the app that the receiver belongs to."""

    phase: str
    position: int | None
    """The place among the receivers of the signal in which Django calls it, from 1 on."""

    order: int | None
    """As declared; None for plain receivers."""

    options: dict[str, Any]
    """What signalkit's receivers have declared besides; empty for plain ones."""

    unusual: tuple[str, ...]
    """The options that differ from what holds for this kind of receiver, in short."""

    is_async: bool
    weak: bool
    state: State
    reason: str | None
    """Why the state is not ``connected``."""

    off: Off | None
    """The switch that stops it here and now."""

    file: str | None
    line: int | None
    dispatch_uid: str | None
    payload: dict[str, str] | None = None
    """Of a typed signal, the keywords that it carries, each with its type in words."""


def all_rows() -> list[Row]:
    """Return the rows of the process, by signal: first Django's order, then what is missing."""
    connections, awaited = all_connections(), [*awaited_connections()]
    missing = [*_missing(connections)]
    signals = [each.signal for each in (*connections, *awaited)] + [signal for _, signal in missing]
    paths = signal_paths(signals)
    payloads = {
        paths[id(signal)]: signal.fields for signal in signals if isinstance(signal, TypedSignal)
    }
    rows: list[Row] = []
    for _, group in groupby(connections, key=lambda each: id(each.signal)):
        of_signal = list(group)
        rows.extend(_rows_of(of_signal, paths[id(of_signal[0].signal)]))
    rows.extend(_row(each, paths[id(each.signal)], state="awaited") for each in awaited)
    rows.extend(_unconnected(each, signal, paths[id(signal)]) for each, signal in missing)
    rows = [replace(row, payload=payloads.get(row.signal)) for row in rows]
    return sorted(rows, key=lambda row: (row.signal, row.position is None, row.position or 0))


def _rows_of(connections: list[SignalConnection], path: str) -> Iterator[Row]:
    called = sorted(connections, key=lambda each: each.is_async)
    for position, connection in enumerate(called, start=1):
        if connection.receiver is None:
            yield _row(connection, path, state="dead", position=position)
        else:
            yield _row(connection, path, state="connected", position=position)


def _row(
    connection: SignalConnection, path: str, *, state: State, position: int | None = None
) -> Row:
    declaration = connection.declaration
    sender = label(connection)
    uid = None if connection.uid is None else described(lambda: str(connection.uid))
    if declaration is not None:
        return _declared(
            declaration,
            path,
            state=state,
            position=position,
            sender=sender.text,
            sender_kind=sender.kind,
            dispatch_uid=uid if _has_uid(declaration) else None,
        )
    place = _NOWHERE if connection.receiver is None else place_of(connection.receiver)
    return Row(
        signal=path,
        signal_name=_short(path),
        sender=sender.text,
        sender_kind=sender.kind,
        receiver=place.path or "a receiver that has died",
        path=place.path,
        kind="plain",
        app=place.app if place.module else None,
        phase=Phase.INLINE.value,
        position=position,
        order=None,
        options={},
        unusual=(),
        is_async=connection.is_async,
        weak=connection.weak,
        state=state,
        reason=_REASONS.get(state),
        off=None,
        file=place.file,
        line=place.line,
        dispatch_uid=uid,
    )


def _has_uid(declaration: Declaration) -> bool:
    """Say whether the connection's uid means something: else it is the id of the function."""
    return declaration.kind == "class" or declaration.dispatch_uid is not None


_NOWHERE = Place("", "", None, None)

_REASONS: dict[State, str] = {
    "dead": "connected weakly, and nothing else held it",
    "awaited": "waits for a model that is not defined",
}


def _short(path: str) -> str:
    """Return the name alone for Django's signals: everybody knows them."""
    return path.rpartition(".")[2] if path.startswith("django.") else path


def _declared(declaration: Declaration, path: str, *, state: State, **more: Any) -> Row:
    place = place_of_declaration(declaration)
    if state == "connected" and not is_available(declaration.phase):
        state = "unavailable"
        more["reason"] = f"no installed app runs Phase.{declaration.phase.name}"
    return Row(
        signal=path,
        signal_name=_short(path),
        receiver=declaration.name,
        path=place.path,
        kind=declaration.kind,
        app=place.app,
        phase=declaration.phase.value,
        order=declaration.order,
        options=options(declaration),
        unusual=tuple(_unusual(declaration)),
        is_async=declaration.is_async,
        weak=False,
        state=state,
        reason=more.pop("reason", None),
        off=switches.why_off(declaration),
        file=place.file,
        line=place.line,
        **more,
    )


def _missing(connections: Iterable[SignalConnection]) -> Iterator[tuple[Declaration, Signal]]:
    """Yield what is declared and not connected."""
    connected = {(each.declaration, id(each.signal)) for each in connections}
    for declaration in registry:
        for signal in declaration.signals:
            if (declaration, id(signal)) not in connected:
                yield declaration, signal


def _unconnected(declaration: Declaration, signal: Signal, path: str) -> Row:
    return _declared(
        declaration,
        path,
        state="unconnected",
        reason=why_unconnected(declaration, signal),
        position=None,
        sender=", ".join(map(_as_declared, declaration.senders)) or "any",
        sender_kind="declared" if declaration.senders else "any",
        dispatch_uid=None,
    )


def _as_declared(sender: Any) -> str:
    return sender if isinstance(sender, str) else label_of(sender).text


def why_unconnected(declaration: Declaration, signal: Signal) -> str:
    """Say why a declared receiver hears nothing of one of its signals."""
    replaced_by = registry.replaced_by()
    if declaration in replaced_by:
        return f"replaced by {replaced_by[declaration].name}"
    for made in connector.connections():
        if made.declaration is declaration and made.signal is signal:
            if not made.senders:
                return "no subclass of its senders can send yet"
            return "disconnected by other code"
    return "not wired yet"


def options(declaration: Declaration) -> dict[str, Any]:
    """Return what a receiver has declared, in values that JSON knows."""
    once = declaration.once_per_transaction
    return {
        "created": declaration.created,
        "raw": declaration.raw,
        "changed": list(declaration.changed),
        "when": _callable_path(declaration.when),
        "on_error": declaration.on_error,
        "reentry": declaration.reentry,
        "once_per_transaction": once if isinstance(once, bool) else _callable_path(once),
        "include_subclasses": declaration.include_subclasses,
        "using": declaration.using,
        "record": declaration.record,
        "record_skips": declaration.record_skips,
        "announce": declaration.announce,
        "after": list(declaration.after),
        "aliases": list(declaration.aliases),
        "replaces": declaration.replaces,
    }


def _callable_path(target: Callable[..., Any] | None) -> str | None:
    return None if target is None else place_of(target).path


def _unusual(declaration: Declaration) -> Iterator[str]:
    """Yield the options that somebody had to write down, as they would be written."""
    is_class = declaration.kind == "class"
    isolates = declaration.phase in (Phase.AFTER_COMMIT, Phase.AFTER_ROLLBACK)
    usual: dict[str, Any] = {
        "raw": not is_class,
        "on_error": "isolate" if isolates else "raise",
        "reentry": "skip" if is_class else "allow",
    }
    if declaration.order:
        yield f"order={declaration.order}"
    for option, value in options(declaration).items():
        if option == "raw" and not any(signal in RAW_SIGNALS for signal in declaration.signals):
            continue
        if option in usual and value == usual[option]:
            continue
        if option in usual or value not in (None, False, []):
            yield _written(option, value)


def _written(option: str, value: Any) -> str:
    if isinstance(value, list):
        return f"{option}={','.join(value)}"
    # The callable's own name says little beside the receiver's.
    return option if option in ("when", "once_per_transaction") else f"{option}={value}"
