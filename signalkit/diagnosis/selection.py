"""Which rows of the listing are asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from django.apps import apps

from signalkit.diagnosis.listing import Row
from signalkit.dispatch.found import all_signals
from signalkit.exceptions import UnknownFilter, nearest
from signalkit.signal_names import signal_paths


def select(
    rows: Iterable[Row],
    *,
    signals: Collection[str] = (),
    senders: Collection[str] = (),
    app_labels: Collection[str] = (),
) -> list[Row]:
    """Return the rows that match one value of each filter; no value matches all.

    Upper and lower case do not matter.

    Args:
        rows: what to choose from.
        signals: names of signals, dotted or short.
        senders: what the listing calls senders.
        app_labels: labels or names of the apps whose receivers are asked for.

    Raises:
        UnknownFilter: there is no such signal, sender or app in this process.
    """
    rows = list(rows)
    if signals:
        _refuse_unknown("signal", signals, _signal_names(rows))
    if senders:
        _refuse_unknown("sender", senders, _sender_names(rows))
    labels = {_app_label(name) for name in app_labels}
    lower_signals = {signal.lower() for signal in signals}
    lower_senders = {sender.lower() for sender in senders}
    return [
        row
        for row in rows
        if (not signals or not _names_of(row.signal.lower()).isdisjoint(lower_signals))
        and (not senders or row.sender.lower() in lower_senders)
        and (not labels or row.app in labels)
    ]


def _names_of(path: str) -> set[str]:
    return {path, path.rpartition(".")[2]}


def _signal_names(rows: list[Row]) -> set[str]:
    """Return the names of all signals, those that nobody hears included."""
    paths = {row.signal for row in rows} | {*signal_paths(all_signals()).values()}
    return set().union(*map(_names_of, paths))


def _sender_names(rows: list[Row]) -> set[str]:
    models = apps.get_models(include_auto_created=True)
    return {"any"} | {row.sender for row in rows} | {model._meta.label for model in models}


def _app_label(name: str) -> str:
    for app_config in apps.get_app_configs():
        if name.lower() in (app_config.label.lower(), app_config.name.lower()):
            return app_config.label
    known = [each.label for each in apps.get_app_configs()]
    raise UnknownFilter(f"No installed app is called {name!r}.{nearest(name, known)}")


def _refuse_unknown(what: str, given: Iterable[str], known: Collection[str]) -> None:
    lower = {name.lower() for name in known}
    for name in given:
        if name.lower() not in lower:
            raise UnknownFilter(f"This process knows no {what} {name!r}.{nearest(name, known)}")
