"""``SIGNALKIT["RUNS"]``: which runs are put on record, where, and for how long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import TypeGuard

from signalkit.conf.values import SETTING, names, refuse_unknown, wrong
from signalkit.types import Record


@dataclass(frozen=True, slots=True)
class Runs:
    """The upper-case names are the keys of the dictionary."""

    RECORD: Record = "all"
    """What is recorded of a receiver that does not say so itself."""

    PLAIN: tuple[str, ...] = ()
    """Plain Django receivers that are recorded, too: dotted names, or patterns such as
    ``"shop.*"``."""

    DATABASE: str | None = None
    """The alias that everything is recorded on; None for that of the send's own transaction."""

    FALLBACK_DATABASE: str = "default"
    """Where a run is recorded that belongs to no database."""

    RETENTION: timedelta | None = timedelta(days=90)
    """How long ``prune`` keeps a run; None keeps it for good."""

    MASK: tuple[str, ...] = ()
    """Further words; what a recorded error says of a name with one of them is masked."""


DEFAULT = Runs()

_KEY = "['RUNS']"
_RECORD = "'all', 'failures', 'off', or the share of successes from 0.0 to 1.0"


def parse_runs(value: object) -> Runs:
    """Read it.

    Raises:
        ConfigurationError: it is no dictionary, or has an unknown key or a wrong value.
    """
    if not isinstance(value, Mapping):
        raise wrong(_KEY, value, "a dictionary such as {'RECORD': 'all'}")
    refuse_unknown(f"{SETTING}{_KEY}", value, [field.name for field in fields(Runs)])
    given = {**{field.name: getattr(DEFAULT, field.name) for field in fields(Runs)}, **value}
    return Runs(
        RECORD=_record(given["RECORD"]),
        PLAIN=names(f"{_KEY}['PLAIN']", given["PLAIN"], "a list of dotted names or patterns"),
        DATABASE=None if given["DATABASE"] is None else _alias("DATABASE", given["DATABASE"]),
        FALLBACK_DATABASE=_alias("FALLBACK_DATABASE", given["FALLBACK_DATABASE"]),
        RETENTION=_retention(given["RETENTION"]),
        MASK=names(f"{_KEY}['MASK']", given["MASK"], "a list of words such as ['iban']"),
    )


def is_record(value: object) -> TypeGuard[Record]:
    """Say whether a value can say what is recorded."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return 0 <= value <= 1
    return value in ("all", "failures", "off")


def _record(value: object) -> Record:
    if not is_record(value):
        raise wrong(f"{_KEY}['RECORD']", value, _RECORD)
    return value


def _alias(key: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise wrong(f"{_KEY}['{key}']", value, "the name of a database alias")
    return value


def _retention(value: object) -> timedelta | None:
    if value is None or (isinstance(value, timedelta) and value > timedelta(0)):
        return value
    raise wrong(
        f"{_KEY}['RETENTION']", value, "a positive datetime.timedelta, or None to keep everything"
    )
