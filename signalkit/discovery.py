"""Which modules of which apps are imported at start-up, so that their receivers are declared."""

from __future__ import annotations

import sysconfig
from collections.abc import Iterator, Mapping
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
    modules = settings.modules if settings else ()
    names = [_import(app_config, name) for app_config in chosen_apps(settings) for name in modules]
    return [name for name in names if name is not None]


def _import(app_config: AppConfig, relative: str) -> str | None:
    """Import a module of an app, step by step: only what is not there may be missing.

    To look for all of ``"signals.receivers"`` at once would also pass over a ``signals`` whose
    own imports fail.
    """
    module = app_config.module
    for name in relative.split("."):
        if module is None or not module_has_submodule(module, name):
            return None
        module = import_module(f"{module.__name__}.{name}")
    return f"{app_config.name}.{relative}"


def chosen_apps(settings: Autodiscover | None) -> Iterator[AppConfig]:
    """Yield the apps that autodiscovery looks into.

    Raises:
        ConfigurationError: an app that is named is not installed.
    """
    if settings is None:
        return
    _refuse_unknown(settings)
    for app_config in apps.get_app_configs():
        named = {app_config.name, app_config.label} & {*settings.apps} - {PROJECT}
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
    installed = _names(apps.app_configs)
    # What is out because INSTALLED_APPS is overridden, as in a test, was right and comes back.
    known = {PROJECT}.union(installed, *map(_names, apps.stored_app_configs))
    for name in settings.apps:
        if name not in known:
            raise ConfigurationError(
                f"{SETTING}['AUTODISCOVER']['APPS'] names {name!r}, which is not in INSTALLED_APPS."
                f"{nearest(name, [PROJECT, *installed])}"
            )


def _names(app_configs: Mapping[str, AppConfig]) -> list[str]:
    return [name for each in app_configs.values() for name in (each.name, each.label)]
