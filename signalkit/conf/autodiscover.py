"""``SIGNALKIT["AUTODISCOVER"]``: what is imported at start-up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from signalkit.conf.values import SETTING, names, refuse_unknown, wrong


@dataclass(frozen=True, slots=True)
class Autodiscover:
    """Which modules of which apps are imported at start-up."""

    modules: tuple[str, ...] = ("receivers",)
    """Module names relative to each app."""

    apps: tuple[str, ...] = ("project",)
    """App names or labels; ``"project"`` stands for every app outside site-packages."""


DEFAULT = Autodiscover()


def parse_autodiscover(value: object) -> Autodiscover | None:
    """Read it.

    Raises:
        ConfigurationError: it is neither None nor a dictionary of known keys and values.
    """
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise wrong(
            "['AUTODISCOVER']",
            value,
            "a dictionary such as {'MODULES': ['receivers'], 'APPS': 'project'}, or None",
        )
    refuse_unknown(f"{SETTING}['AUTODISCOVER']", value, ["MODULES", "APPS"])
    return Autodiscover(
        modules=_parse_modules(value.get("MODULES", DEFAULT.modules)),
        apps=_parse_apps(value.get("APPS", DEFAULT.apps)),
    )


def _parse_modules(value: object) -> tuple[str, ...]:
    key = "['AUTODISCOVER']['MODULES']"
    modules = names(key, value, "a list of module names such as ['receivers']")
    for name in modules:
        if name.endswith(".py"):
            raise wrong(key, value, f"module names: {name.removesuffix('.py')!r}, not {name!r}")
        if not all(part.isidentifier() for part in name.split(".")):
            raise wrong(key, value, f"module names, relative to each app, which {name!r} is not")
    return modules


def _parse_apps(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    wanted = "'project', the name or label of an app, or a list of these"
    return names("['AUTODISCOVER']['APPS']", value, wanted)
