"""The one ``SIGNALKIT`` dictionary in the project's settings: typed, defaulted, read live."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed

from signalkit.conf import autodiscover, context, profiles, runs
from signalkit.conf.autodiscover import Autodiscover, parse_autodiscover
from signalkit.conf.context import ContextSettings, parse_context
from signalkit.conf.profiles import parse_profile_model, parse_profile_receiver
from signalkit.conf.runs import Runs, parse_runs
from signalkit.conf.values import SETTING, flag, names, refuse_unknown, wrong

__all__ = ["SETTING", "Autodiscover", "Config", "ContextSettings", "Runs", "config", "parse"]


@dataclass(frozen=True, slots=True)
class Config:
    """The parsed settings. The upper-case names are the keys of the dictionary."""

    ENABLED: bool = True
    """False stops every receiver that signalkit runs; plain Django receivers go on."""

    DISABLED: tuple[str, ...] = ()
    """Names of receivers that do not run."""

    AUTODISCOVER: Autodiscover | None = autodiscover.DEFAULT
    """What is imported at start-up; None imports nothing."""

    CONTEXT: ContextSettings = context.DEFAULT
    """Whom to believe about where a request comes from."""

    RUNS: Runs = runs.DEFAULT
    """Which runs are put on record, where ``signalkit.runs`` is installed."""

    PROFILE_MODEL: str | None = None
    """The model of which each user has a row; None for that of ``signalkit.profiles``, where that
    is installed."""

    PROFILE_RECEIVER: str | None = profiles.DEFAULT_RECEIVER
    """The class that makes it; None for nobody."""


def _parse_disabled(value: object) -> tuple[str, ...]:
    return names("['DISABLED']", value, "a list of names of receivers")


_PARSERS: dict[str, Callable[[object], Any]] = {
    "ENABLED": partial(flag, "['ENABLED']"),
    "DISABLED": _parse_disabled,
    "AUTODISCOVER": parse_autodiscover,
    "CONTEXT": parse_context,
    "RUNS": parse_runs,
    "PROFILE_MODEL": parse_profile_model,
    "PROFILE_RECEIVER": parse_profile_receiver,
}


def parse(given: object) -> Config:
    """Validate the value of the ``SIGNALKIT`` setting.

    Raises:
        ConfigurationError: it is no dictionary, has an unknown key, or a value of a wrong type.
    """
    if not isinstance(given, Mapping):
        raise wrong("", given, "a dictionary")
    refuse_unknown(SETTING, given, [field.name for field in fields(Config)])
    return Config(**{key: _PARSERS[key](value) for key, value in given.items()})


_current: Config | None = None


def config() -> Config:
    """Return the settings in force: parsed once, and again after ``override_settings``.

    Raises:
        ConfigurationError: see :func:`parse`.
    """
    global _current
    # Another thread may forget it between two looks.
    current = _current
    if current is None:
        _current = current = parse(getattr(settings, SETTING, {}))
    return current


def _forget(*, setting: str, **kwargs: Any) -> None:
    global _current
    if setting == SETTING:
        _current = None


setting_changed.connect(_forget, dispatch_uid="signalkit.conf")
