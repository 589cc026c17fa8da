"""Checks of what Django has connected, plain receivers above all."""

from __future__ import annotations

import inspect
from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations
from types import CodeType, FunctionType
from typing import Any

from django.core.checks import CheckMessage, Info, Warning
from django.dispatch import Signal

from signalkit.catalogue import find
from signalkit.declare.foreign import described, fact
from signalkit.declare.naming import attribute
from signalkit.declare.places import Place, innermost, place_of, place_of_declaration
from signalkit.declare.senders import resolve
from signalkit.diagnosis.checks.costs import what_it_costs
from signalkit.diagnosis.checks.facts import INIT_SIGNALS, ROW_SIGNALS, Facts
from signalkit.diagnosis.connections import SignalConnection, Unknown
from signalkit.diagnosis.senders import label
from signalkit.exceptions import SenderError
from signalkit.signal_names import signal_name, signal_paths


def check_never_awaited(facts: Facts) -> Iterator[CheckMessage]:
    """W008: calling a plain receiver only makes a coroutine, which nobody awaits."""
    for connection, place in facts.plain:
        if not connection.is_async and _calls_async(connection.receiver):
            yield Warning(
                f"It is an instance whose __call__ is asynchronous ({place.file}:{place.line}). "
                "Django takes it for a synchronous receiver, and never awaits it: nothing happens.",
                hint="Connect an `async def` function or method, or declare it with "
                "@signalkit.receiver and an option, such as order=0.",
                obj=place.path,
                id="signalkit.W008",
            )


def _calls_async(receiver: Any) -> bool:
    call = attribute(type(receiver), "__call__", FunctionType)
    return call is not None and inspect.iscoroutinefunction(call)


def check_twice(facts: Facts) -> Iterator[CheckMessage]:
    """W009: the same line of source is connected twice, and runs twice for one send."""
    groups: dict[Any, list[tuple[SignalConnection, Place]]] = defaultdict(list)
    for connection in facts.connections:
        if connection.receiver is None:
            continue
        place = _place(connection)
        if place.line is not None:
            groups[id(connection.signal), place.file, place.line].append((connection, place))
    for group in groups.values():
        for (one, place), (other, other_place) in combinations(group, 2):
            if not any(
                facts.is_project(each.module) and facts.covers(each.module)
                for each in (place, other_place)
            ):
                continue
            why = _why_twice(one, other)
            if why is not None:
                yield _twice(one.signal, place, other_place, why)


def _place(connection: SignalConnection) -> Place:
    if connection.declaration is not None:
        return place_of_declaration(connection.declaration)
    return place_of(_receiver(connection))


def _receiver(connection: SignalConnection) -> Any:
    """Return the user's function: of signalkit's receivers, what the connected one stands for."""
    declaration = connection.declaration
    return connection.receiver if declaration is None else declaration.call


def _why_twice(one: SignalConnection, other: SignalConnection) -> str | None:
    """Say why two connections are one receiver; None when they are not, or never meet."""
    # By identity: what a sender's own == answers need not be a boolean.
    meet = any(each.sender is Unknown.ANYONE for each in (one, other)) or one.sender is other.sender
    if not meet or (one.declaration is not None and one.declaration is other.declaration):
        return None
    first, second = _receiver(one), _receiver(other)
    if first is second or fact(lambda: bool(first == second), otherwise=False):
        return "the same function is connected twice"
    code, other_code = (_code(each) for each in (first, second))
    # The same code twice is a factory or a loop, and may well be meant.
    return "its module is imported under two names" if code is not other_code else None


def _code(receiver: Any) -> object:
    inner, _ = innermost(receiver)
    return attribute(inner, "__code__", CodeType)


def _twice(signal: Signal, place: Place, other: Place, why: str) -> CheckMessage:
    names = " and ".join(dict.fromkeys((place.path, other.path)))
    return Warning(
        f"{place.file}:{place.line} is connected twice to {signal_name(signal)} for the same "
        f"sender, as {names}: {why}.",
        hint="Connect it once; a dispatch_uid makes a second connect() do nothing.",
        obj=place.path,
        id="signalkit.W009",
    )


def check_silent_senders(facts: Facts) -> Iterator[CheckMessage]:
    """W010: a plain receiver is connected to something that never sends the signal."""
    for connection, place in facts.plain:
        why = _why_silent(connection)
        if why is not None:
            yield Warning(
                f"It is connected to {signal_name(connection.signal)} and never runs: {why}",
                hint="Django compares senders by identity, and refuses none. "
                "@signalkit.receiver takes lists and 'app_label.ModelName', and refuses what "
                "cannot send.",
                obj=place.path,
                id="signalkit.W010",
            )


def _why_silent(connection: SignalConnection) -> str | None:
    sender = connection.sender
    # By identity: what a sender's own == answers need not be a boolean.
    if sender is Unknown.UNTOLD or sender is Unknown.GONE:
        return (
            "its sender is no object that anything could be sent by, such as a list, a string, "
            "or something that is gone."
        )
    if isinstance(sender, Unknown):
        return None
    if issubclass(type(sender), (list, tuple, set, frozenset, dict)):
        return f"its sender is a {type(sender).__name__}, and signals are sent by one object."
    if issubclass(type(sender), str):
        # Signals of one's own may well be sent by one string that both sides import.
        known = find(connection.signal)
        text = described(lambda: repr(sender))
        return f"its sender is the string {text}, and not the object." if known else None
    # Of one that raises while it is looked at nothing is known.
    return fact(lambda: _why_refused(connection.signal, sender), otherwise=None)


def _why_refused(signal: Signal, sender: Any) -> str | None:
    """Return what signalkit would say to a sender that never sends; None to one that may."""
    try:
        resolve(signal, [sender], include_subclasses=False)
    except SenderError as error:
        return str(error)
    return None


def check_dead(facts: Facts) -> Iterator[CheckMessage]:
    """W011: a receiver was connected weakly and has died."""
    # An object may well want to hear of something for as long as it lives: Django's own file
    # storages do, and come and go.
    dead = [
        each
        for each in facts.connections
        if each.receiver is None and not each.ends_with_its_object and facts.covers_all
    ]
    paths = signal_paths(each.signal for each in dead)
    for connection in dead:
        yield Warning(
            f"A receiver of {paths[id(connection.signal)]} (sender: {label(connection).text}) has "
            "died: it was connected weakly, and nothing else held it.",
            hint="Functions in functions, lambdas and partials need connect(..., weak=False).",
            id="signalkit.W011",
        )


def check_plain_catch_all(facts: Facts) -> Iterator[CheckMessage]:
    """I001: a plain receiver of the project hears a model signal of every model."""
    for connection, place in facts.plain:
        signal = connection.signal
        if signal in ROW_SIGNALS and connection.sender is Unknown.ANYONE:
            yield Info(
                f"It hears {signal_name(signal)} of every model: {what_it_costs(signal)}.",
                hint="Name a sender. @signalkit.receiver takes a list of them.",
                obj=place.path,
                id="signalkit.I001",
            )


def check_plain_init(facts: Facts) -> Iterator[CheckMessage]:
    """I002: a plain receiver of the project runs whenever an object is made."""
    for connection, place in facts.plain:
        signal = connection.signal
        if signal in INIT_SIGNALS and connection.sender is not Unknown.ANYONE:
            yield Info(
                f"It hears {signal_name(signal)}: {what_it_costs(signal)}.",
                hint="To react to changed fields, use @signalkit.receiver(post_save, changed=...).",
                obj=place.path,
                id="signalkit.I002",
            )
