"""Checks of the receivers that are declared with signalkit."""

from __future__ import annotations

from collections.abc import Iterator

from django.apps import apps
from django.core.checks import CheckMessage, Error, Warning
from django.db.models.signals import pre_save
from django.dispatch import Signal

from signalkit.declaration import Declaration
from signalkit.diagnosis.checks.costs import what_it_costs
from signalkit.diagnosis.checks.facts import INIT_SIGNALS, ROW_SIGNALS, Facts
from signalkit.dispatch.connect import connector
from signalkit.dispatch.connected import ConnectedReceiver
from signalkit.dispatch.phases import is_available
from signalkit.exceptions import nearest
from signalkit.receivers import profile
from signalkit.registry import registry
from signalkit.signal_names import signal_name
from signalkit.states import Phase

_AT_ONCE_WITHOUT_TRANSACTION = (Phase.BEFORE_COMMIT, Phase.AFTER_COMMIT)


def check_phases(facts: Facts) -> Iterator[CheckMessage]:
    """E002: no installed app runs the phase of a receiver, so that each send raises."""
    for declaration in facts.declarations:
        if not is_available(declaration.phase):
            yield Error(
                f"It is declared with Phase.{declaration.phase.name}, which no installed app runs: "
                "each send that it hears raises PhaseUnavailable.",
                hint="This version of signalkit brings no app that does. Use Phase.AFTER_COMMIT, "
                "which does not survive a crash of the process, or install an app that registers "
                "the phase.",
                obj=declaration,
                id="signalkit.E002",
            )


def check_record(facts: Facts) -> Iterator[CheckMessage]:
    """E004: a receiver says how it is recorded, and nothing records."""
    if apps.is_installed("signalkit.runs"):
        return
    for declaration in facts.declarations:
        given = [
            option
            for option, usual in (("record", None), ("record_skips", False), ("announce", False))
            if getattr(declaration, option) not in (usual, "off")
        ]
        if given:
            yield Error(
                f"It has {', '.join(given)}, and nothing puts runs on record.",
                hint='Add "signalkit.runs" to INSTALLED_APPS and migrate, or drop '
                f"{', '.join(f'{option}=' for option in given)}.",
                obj=declaration,
                id="signalkit.E004",
            )


def check_replaced_exists(facts: Facts) -> Iterator[CheckMessage]:
    """E003: a receiver is to stand in the place of one that does not exist."""
    for declaration in facts.declarations:
        # That of the profiles is there if there is a model for it, which to replace it may bring.
        if declaration.replaces in (None, profile.NAME):
            continue
        if declaration.replaces not in registry:
            yield Error(
                f"It replaces {declaration.replaces!r}, and no receiver is called that."
                f"{_nearest_other(declaration, declaration.replaces)}",
                hint="Correct the name, or drop replaces=.",
                obj=declaration,
                id="signalkit.E003",
            )


def check_beside_parent(facts: Facts) -> Iterator[CheckMessage]:
    """W003: a receiver and the one that it inherits from both run."""
    made = {(each.declaration, each.signal): each for each in connector.connections()}
    for (declaration, signal), connection in made.items():
        if declaration not in facts.declarations:
            continue
        for name in declaration.extends:
            parent = registry.find(name)
            beside = made.get((parent, signal)) if parent else None
            if beside is not None and _overlap(connection, beside):
                yield Warning(
                    f"It inherits from {name} and hears {signal_name(signal)} of the same sender, "
                    "so that both run.",
                    hint=f"To take its place, say class {_class_name(declaration)}(..., "
                    f"replaces={name!r}). To run both, derive both from an abstract class.",
                    obj=declaration,
                    id="signalkit.W003",
                )


def check_after_exists(facts: Facts) -> Iterator[CheckMessage]:
    """W004: a receiver is to run after one that does not exist."""
    for declaration in facts.declarations:
        for name in declaration.after:
            if name not in registry:
                yield Warning(
                    f"It is to run after {name!r}, and no receiver is called that."
                    f"{_nearest_other(declaration, name)}",
                    hint="Correct the name, or drop it from after=.",
                    obj=declaration,
                    id="signalkit.W004",
                )


def check_after_meets(facts: Facts) -> Iterator[CheckMessage]:
    """W005: a receiver is to run after one that hears none of its signals."""
    for declaration in facts.declarations:
        for name in declaration.after:
            other = registry.find(name)
            if other is not None and set(other.signals).isdisjoint(declaration.signals):
                yield Warning(
                    f"It is to run after {name}, which hears "
                    f"{', '.join(map(signal_name, other.signals))} and none of its signals, so "
                    "that after= means nothing.",
                    hint="after= orders receivers of one signal. For work that is to come later "
                    "than other work, choose a later phase.",
                    obj=declaration,
                    id="signalkit.W005",
                )


def check_catch_all(facts: Facts) -> Iterator[CheckMessage]:
    """W006: a receiver hears a model signal of every model."""
    for declaration, signal in _heard(facts, ROW_SIGNALS):
        if not declaration.senders:
            yield Warning(
                f"It hears {signal_name(signal)} of every model: {what_it_costs(signal)}.",
                hint="Name its senders; sender= takes a list.",
                obj=declaration,
                id="signalkit.W006",
            )


def check_init(facts: Facts) -> Iterator[CheckMessage]:
    """W007: a receiver runs whenever an object is made, each row of each query included."""
    for declaration, signal in _heard(facts, INIT_SIGNALS):
        if declaration.senders:
            yield Warning(
                f"It hears {signal_name(signal)}: {what_it_costs(signal)}.",
                hint="To react to changed fields, use changed= with pre_save or post_save.",
                obj=declaration,
                id="signalkit.W007",
            )


def check_before_the_row(facts: Facts) -> Iterator[CheckMessage]:
    """W015: a receiver of pre_save is to run later, and without a transaction does not."""
    for declaration, _ in _heard(facts, (pre_save,)):
        if declaration.phase in _AT_ONCE_WITHOUT_TRANSACTION:
            yield Warning(
                f"It hears pre_save in Phase.{declaration.phase.name}. Where no transaction is "
                "open, it runs at the send, and Django sends pre_save before the row is written "
                "and outside of any transaction of its own.",
                hint="Use post_save, or wrap the saves in transaction.atomic().",
                obj=declaration,
                id="signalkit.W015",
            )


def _heard(facts: Facts, signals: tuple[Signal, ...]) -> Iterator[tuple[Declaration, Signal]]:
    for declaration in facts.declarations:
        for signal in declaration.signals:
            if signal in signals:
                yield declaration, signal


def _nearest_other(declaration: Declaration, name: str) -> str:
    return nearest(name, [each.name for each in registry if each is not declaration])


def _class_name(declaration: Declaration) -> str:
    return declaration.origin.qualname.rpartition(".")[2]


def _overlap(one: ConnectedReceiver, other: ConnectedReceiver) -> bool:
    """Say whether some sender is heard on both."""
    everyone = [each for each in (one, other) if each.senders == (None,)]
    if len(everyone) == 2 and one.declaration.senders and other.declaration.senders:
        # Strings, compared by value at the send.
        return not set(one.declaration.senders).isdisjoint(other.declaration.senders)
    if everyone:
        return True
    return any(sender is each for sender in one.senders for each in other.senders)
