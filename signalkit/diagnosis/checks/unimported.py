"""Checks of source that was not imported, so that its receivers do not exist."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from django.apps import AppConfig, apps
from django.core.checks import CheckMessage, Warning

from signalkit.conf import SETTING, Autodiscover
from signalkit.diagnosis import sources
from signalkit.diagnosis.checks.facts import Facts
from signalkit.discovery import chosen_apps
from signalkit.exceptions import ConfigurationError


def check_undiscovered(facts: Facts) -> Iterator[CheckMessage]:
    """W013: an app has receivers and autodiscovery does not look into it."""
    for app_config, name, file in _undiscovered(facts):
        tree = sources.parse(file, b"signalkit")
        if tree is not None and sources.imports_signalkit(tree):
            yield Warning(
                f"{app_config.name}.{name} uses signalkit and was not imported, so that its "
                f"receivers do not run: {SETTING}['AUTODISCOVER'] leaves {app_config.name} out.",
                hint=f"Add {app_config.label!r} to {SETTING}['AUTODISCOVER']['APPS'], or import "
                "the module in the app's ready().",
                obj=app_config.name,
                id="signalkit.W013",
            )


def check_unimported(facts: Facts) -> Iterator[CheckMessage]:
    """W014: a module of the project declares receivers, and no other imports it."""
    undiscovered = {file for _, _, file in _undiscovered(facts)}
    modules = {file: name for name, file in _project_modules(facts) if file not in undiscovered}
    for file, name in modules.items():
        if facts.is_loaded(file) or not facts.covers(name):
            continue
        tree = sources.parse(file, b"signalkit")
        lines = sources.declarations(tree) if tree is not None else []
        if lines and not _is_imported(name, file, modules):
            yield Warning(
                f"{file}:{lines[0]} declares a receiver, and nothing imports {name}: "
                "it does not run.",
                hint="Import it in the receivers module of its app, or in the app's ready(), or "
                f"add its name to {SETTING}['AUTODISCOVER']['MODULES'].",
                obj=name,
                id="signalkit.W014",
            )


def _project_modules(facts: Facts) -> Iterator[tuple[str, Path]]:
    # An app within another's folder comes last, and has the last word on the module's name.
    for app_config in sorted(facts.project_apps, key=lambda each: len(each.path)):
        yield from sources.modules_of(app_config)


def _is_imported(name: str, file: Path, modules: dict[Path, str]) -> bool:
    """Say whether a module of the project imports another one, were it under a condition."""
    for other, other_name in modules.items():
        if other != file:
            tree = sources.parse(other, name.rpartition(".")[2].encode())
            if tree is not None and name in sources.imports(tree, other_name, other):
                return True
    return False


def _undiscovered(facts: Facts) -> Iterator[tuple[AppConfig, str, Path]]:
    """Yield the receivers' modules of apps that autodiscovery leaves out, if not imported."""
    config = facts.config
    if config is None:
        return
    names = (config.AUTODISCOVER or Autodiscover()).modules
    try:
        chosen = list(chosen_apps(config.AUTODISCOVER))
    except ConfigurationError:
        return
    for app_config in apps.get_app_configs():
        if app_config in chosen or not facts.covers(app_config.name):
            continue
        if app_config.name.partition(".")[0] == "signalkit":
            continue
        for name in names:
            base = Path(app_config.path, *name.split("."))
            for file in (base.with_suffix(".py"), base / "__init__.py"):
                if not facts.is_loaded(file) and file.is_file():
                    yield app_config, name, file
