"""What a filter names, or the refusal that names the nearest right one."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, get_args

from django.apps import apps
from django.conf import settings

from signalkit.context.process import Source
from signalkit.diagnosis.listing import all_rows
from signalkit.dispatch.found import all_signals
from signalkit.exceptions import UnknownFilter, nearest
from signalkit.management.fared import is_ours, is_recorded, recorded_name
from signalkit.registry import registry
from signalkit.runs.names import recorded_names
from signalkit.signal_names import signal_paths
from signalkit.states import Outcome


def receiver(name: str, model: Any, using: str) -> str:
    """Return the name of a receiver that the code has, or had when it was recorded.

    Raises:
        UnknownFilter: neither; or it is a plain one whose runs are not recorded.
    """
    if name in registry:
        return name
    if model._base_manager.using(using).filter(receiver=name).exists():
        return name
    plain = {
        recorded_name(row.path): row
        for row in all_rows()
        if row.kind == "plain" and row.path and not is_ours(row)
    }
    if name in plain:
        if is_recorded(plain[name]):
            return name
        raise UnknownFilter(
            f"{name} is a plain Django receiver, and no run of it is on record. To have its runs "
            'recorded, add its name to SIGNALKIT["RUNS"]["PLAIN"], or declare it with '
            '@signalkit.receiver and an option, such as record="all".'
        )
    known = {each.name for each in registry} | {*recorded_names(model, using)} | {*plain}
    raise UnknownFilter(f"No receiver is called {name!r}, now or on record.{nearest(name, known)}")


def outcome(name: str) -> str:
    """Return the value of an outcome, which may be given with a space or a hyphen.

    Raises:
        UnknownFilter: there is no such outcome.
    """
    return _one_of("outcome", name.lower().replace(" ", "_").replace("-", "_"), _values(Outcome))


def source(name: str) -> str:
    """Return a source.

    Raises:
        UnknownFilter: there is no such source.
    """
    return _one_of("source", name.lower(), get_args(Source))


def alias(name: str) -> str:
    """Return the alias of a database.

    Raises:
        UnknownFilter: the settings have no such alias.
    """
    return _one_of("database alias", name, settings.DATABASES)


def signal(name: str) -> list[str]:
    """Return the names under which a signal is on record.

    Raises:
        UnknownFilter: this process has no such signal.
    """
    paths = {*signal_paths(all_signals()).values()}
    short = {path.rpartition(".")[2] for path in paths}
    _one_of("signal", name, short | paths)
    found = {path for path in paths if name in (path, path.rpartition(".")[2])}
    return sorted(found | {path.rpartition(".")[2] for path in found if path.startswith("django.")})


def about(text: str, model: Any, using: str) -> str:
    """Return the reference of an object as it is recorded: ``shop.book:12`` is ``shop.Book:12``.

    Raises:
        UnknownFilter: it is no reference, or of no model. One of a model that is gone has to be
            written as it was recorded.
    """
    # The app of the record may be absent, and then nothing of it is imported.
    from signalkit.runs.references import parse_reference

    try:
        reference = parse_reference(text)
    except ValueError as error:
        raise UnknownFilter(str(error)) from error
    label = reference.partition(":")[0]
    known = [each._meta.label for each in apps.get_models(include_auto_created=True)]
    if label in known or model._base_manager.using(using).filter(object=reference).exists():
        return reference
    raise UnknownFilter(
        f"No model is called {label!r}, and nothing about {reference} is on record."
        f"{nearest(label, known)}"
    )


def _values(outcomes: Iterable[Outcome]) -> list[str]:
    return [each.value for each in outcomes]


def _one_of(what: str, name: str, known: Collection[str]) -> str:
    if name not in known:
        raise UnknownFilter(f"There is no {what} {name!r}.{nearest(name, known)}")
    return name
