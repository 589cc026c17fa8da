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


def _names(key: str, value: object, wanted: str) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple, set, frozenset)) or not all(
        isinstance(name, str) for name in value
    ):
        raise _wrong(key, value, wanted)
    return tuple(value)


def _parse_enabled(value: object) -> bool:
    if not isinstance(value, bool):
        raise _wrong("['ENABLED']", value, "True or False")
    return value


def _parse_disabled(value: object) -> tuple[str, ...]:
    return _names("['DISABLED']", value, "a list of names of receivers")


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
    return Autodiscover(
        modules=_parse_modules(value.get("MODULES", default.modules)),
        apps=_parse_apps(value.get("APPS", default.apps)),
    )


def _parse_modules(value: object) -> tuple[str, ...]:
    key = "['AUTODISCOVER']['MODULES']"
    modules = _names(key, value, "a list of module names such as ['receivers']")
    for name in modules:
        if name.endswith(".py"):
            raise _wrong(key, value, f"module names: {name.removesuffix('.py')!r}, not {name!r}")
        if not all(part.isidentifier() for part in name.split(".")):
            raise _wrong(key, value, f"module names, relative to each app, which {name!r} is not")
    return modules


def _parse_apps(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    wanted = "'project', the name or label of an app, or a list of these"
    return _names("['AUTODISCOVER']['APPS']", value, wanted)


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
