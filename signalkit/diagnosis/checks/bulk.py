"""Checks of bulk signals that nobody ever sends."""

from __future__ import annotations

from collections.abc import Iterator

from django.core.checks import CheckMessage, Error, Warning

from signalkit.bulk.signals import SIGNALS
from signalkit.bulk.state import state
from signalkit.bulk.watching import resolve, watching
from signalkit.diagnosis.checks.facts import Facts
from signalkit.diagnosis.connections import Unknown
from signalkit.exceptions import SenderError


def check_watched_models(facts: Facts) -> Iterator[CheckMessage]:
    """E007: a model is watched that there is not, or that is never written to."""
    if not facts.covers_all:
        return
    for label, asked in sorted(watching.awaited().items()):
        try:
            resolve(label)
        except SenderError as error:
            yield Error(
                f"{label!r} is to be watched ({asked.where}), and nothing ever will be: {error}",
                hint="Correct the label in signalkit.bulk.watch(), or drop it.",
                obj=label,
                id="signalkit.E007",
            )


def check_nothing_watched(facts: Facts) -> Iterator[CheckMessage]:
    """W023: a receiver hears the bulk signals of every watched model, and there is none."""
    if state.ids:
        return
    declared = [
        each.name
        for each in facts.declarations
        if not each.senders and any(signal in SIGNALS for signal in each.signals)
    ]
    plain = [
        place.path
        for connection, place in facts.plain
        if connection.signal in SIGNALS and connection.sender is Unknown.ANYONE
    ]
    for name in dict.fromkeys([*declared, *plain]):
        yield Warning(
            "It hears a bulk signal of every model that is watched, and none is: it never runs.",
            hint="Name its senders, or the models in signalkit.bulk.watch().",
            obj=name,
            id="signalkit.W023",
        )
