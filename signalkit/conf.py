"""The one ``SIGNALKIT`` dictionary in the project's settings: typed, defaulted, read live."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed

from signalkit.exceptions import ConfigurationError, nearest

SETTING = "SIGNALKIT"


@dataclass(frozen=True, slots=True)
class Autodiscover:
    """Which modules of which apps are imported at start-up."""

    modules: tuple[str, ...] = ("receivers",)
    """Module names relative to each app."""

    apps: tuple[str, ...] = ("project",)
    """App names or labels; ``"project"`` stands for every app outside site-packages."""


@dataclass(frozen=True, slots=True)
class Config:
    """The parsed settings. The upper-case names are the keys of the dictionary."""

    ENABLED: bool = True
    """False stops every receiver that signalkit runs; plain Django receivers go on."""

    DISABLED: tuple[str, ...] = ()
    """Names of receivers that do not run."""

    AUTODISCOVER: Autodiscover | None = Autodiscover()
    """What is imported at start-up; None imports nothing."""


def _wrong(key: str, value: object, wanted: str) -> ConfigurationError:
    return ConfigurationError(f"{SETTING}{key} is {value!r}; expected {wanted}.")


def _refuse_unknown(where: str, given: Mapping[str, object], known: list[str]) -> None:
    for key in given:
        if key not in known:
            raise ConfigurationError(
                f"{where} has no key {key!r}.{nearest(str(key), known)} "
                f"It takes: {', '.join(known)}."
            )


def _names(key: str, value: object) -> tuple[str, ...]:
    names = tuple(value) if isinstance(value, (list, tuple, set, frozenset)) else (None,)
    if not all(isinstance(name, str) for name in names):
        raise _wrong(key, value, "a list of strings")
    return names


def _parse_enabled(value: object) -> bool:
    if not isinstance(value, bool):
        raise _wrong("['ENABLED']", value, "True or False")
    return value


def _parse_disabled(value: object) -> tuple[str, ...]:
    return _names("['DISABLED']", value)


def _parse_autodiscover(value: object) -> Autodiscover | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise _wrong(
            "['AUTODISCOVER']",
            value,
            "a dictionary such as {'MODULES': ['receivers'], 'APPS': 'project'}, or None",
        )
    _refuse_unknown(f"{SETTING}['AUTODISCOVER']", value, ["MODULES", "APPS"])
    default = Autodiscover()
    apps = value.get("APPS", default.apps)
    return Autodiscover(
        modules=_names("['AUTODISCOVER']['MODULES']", value.get("MODULES", default.modules)),
        apps=(apps,) if isinstance(apps, str) else _names("['AUTODISCOVER']['APPS']", apps),
    )


_PARSERS: dict[str, Callable[[object], Any]] = {
    "ENABLED": _parse_enabled,
    "DISABLED": _parse_disabled,
    "AUTODISCOVER": _parse_autodiscover,
}


def parse(given: object) -> Config:
    """Validate the value of the ``SIGNALKIT`` setting.

    Raises:
        ConfigurationError: it is no dictionary, has an unknown key, or a value of a wrong type.
    """
    if not isinstance(given, Mapping):
        raise _wrong("", given, "a dictionary")
    _refuse_unknown(SETTING, given, [field.name for field in fields(Config)])
    return Config(**{key: _PARSERS[key](value) for key, value in given.items()})


_current: Config | None = None


def config() -> Config:
    """Return the settings in force: parsed once, and again after ``override_settings``.

    Raises:
        ConfigurationError: see :func:`parse`.
    """
    global _current
    if _current is None:
        _current = parse(getattr(settings, SETTING, {}))
    return _current


def _forget(*, setting: str, **kwargs: Any) -> None:
    global _current
    if setting == SETTING:
        _current = None


setting_changed.connect(_forget, dispatch_uid="signalkit.conf")
