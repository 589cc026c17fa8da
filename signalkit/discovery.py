"""Which modules of which apps are imported at start-up, so that their receivers are declared."""

from __future__ import annotations

import sysconfig
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from django.apps import AppConfig, apps
from django.utils.module_loading import module_has_submodule

from signalkit.conf import SETTING, Autodiscover
from signalkit.exceptions import ConfigurationError, nearest

PROJECT = "project"
_INSTALLED = {"site-packages", "dist-packages"}


def autodiscover(settings: Autodiscover | None) -> list[str]:
    """Import the receivers' modules, app by app in the order of INSTALLED_APPS.

    Returns:
        The dotted names of the modules that were there.

    Raises:
        ConfigurationError: an app that is named is not installed.
        Exception: whatever importing a module raises.
    """
    found = []
    for app_config in chosen_apps(settings):
        for name in settings.modules if settings else ():
            if module_has_submodule(app_config.module, name):
                found.append(f"{app_config.name}.{name}")
                import_module(found[-1])
    return found


def chosen_apps(settings: Autodiscover | None) -> Iterator[AppConfig]:
    """Yield the apps that autodiscovery looks into.

    Raises:
        ConfigurationError: an app that is named is not installed.
    """
    if settings is None:
        return
    _refuse_unknown(settings)
    for app_config in apps.get_app_configs():
        named = {app_config.name, app_config.label} & set(settings.apps)
        if named or (PROJECT in settings.apps and is_project_app(app_config)):
            yield app_config


def is_project_app(app_config: AppConfig) -> bool:
    """Say whether an app is the project's own: neither installed as a package nor signalkit's."""
    if app_config.name.partition(".")[0] == "signalkit":
        return False
    path = Path(app_config.path).resolve()
    if _INSTALLED & set(path.parts):
        return False
    packages = {Path(sysconfig.get_path(key)).resolve() for key in ("purelib", "platlib")}
    return not any(path.is_relative_to(package) for package in packages)


def _refuse_unknown(settings: Autodiscover) -> None:
    known = [
        name
        for app_config in apps.get_app_configs()
        for name in (app_config.name, app_config.label)
    ]
    for name in settings.apps:
        if name != PROJECT and name not in known:
            raise ConfigurationError(
                f"{SETTING}['AUTODISCOVER']['APPS'] names {name!r}, which is not in INSTALLED_APPS."
                f"{nearest(name, known)}"
            )
