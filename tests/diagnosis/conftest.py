"""Apps that exist for one test, and signals that are put back as they were."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from django.apps import AppConfig, apps
from django.db.models.signals import ModelSignal
from django.dispatch import Signal


@pytest.fixture(scope="package")
def lasting_signals() -> list[Signal]:
    """Return the signals that were there before these tests: looked for once, for it takes long."""
    return living_signals()


@pytest.fixture(autouse=True)
def signals_as_they_were(only_own_receivers: None, lasting_signals: list[Signal]) -> Iterator[None]:
    """Disconnect what a test connected to signals that outlive it."""
    before = {signal: list(signal.receivers) for signal in lasting_signals}
    yield
    for signal in living_signals():
        signal.receivers[:] = before.get(signal, [])
        signal.sender_receivers_cache.clear()


def living_signals() -> list[Signal]:
    """Return all signals: not by what is under test."""
    kinds = (Signal, ModelSignal)
    return [each for each in gc.get_referrers(*kinds) if type(each) in kinds]


class Site:
    """A folder that is on the import path, with apps that a test installs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, path: str, source: str = "") -> Path:
        """Write a module, and make packages of the folders it is in."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        for folder in file.relative_to(self.folder).parents:
            if folder != Path():
                (self.folder / folder / "__init__.py").touch()
        file.write_text(source)
        return file

    def install(self, name: str) -> AppConfig:
        """Install an app, as far as anything here looks at it."""
        self.write(f"{name}/__init__.py")
        app_config = AppConfig.create(name)
        app_config.apps = apps
        app_config.models = {}
        apps.app_configs[app_config.label] = app_config
        return app_config

    def load(self, name: str, source: str) -> ModuleType:
        """Write a module and import it."""
        self.write(f"{name.replace('.', '/')}.py", source)
        return import_module(name)


@pytest.fixture
def make_site(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, signals_as_they_were: None
) -> Iterator[Callable[[str], Site]]:
    """Return what makes such a folder, given its name; forget all of it afterwards."""
    installed, modules = dict(apps.app_configs), set(sys.modules)

    def make(name: str) -> Site:
        folder = tmp_path / name
        folder.mkdir()
        monkeypatch.syspath_prepend(folder)
        return Site(folder)

    yield make
    apps.app_configs = installed
    for module in set(sys.modules) - modules:
        if str(getattr(sys.modules[module], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[module]


@pytest.fixture
def site(make_site: Callable[[str], Site]) -> Site:
    """Return the folder of a project, with one app of its own: ``corner``."""
    made = make_site("project")
    made.install("corner")
    return made


@pytest.fixture
def packages(make_site: Callable[[str], Site]) -> Site:
    """Return a folder of installed packages."""
    return make_site("site-packages")
