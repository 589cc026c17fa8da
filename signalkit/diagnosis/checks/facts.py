"""What the system checks look at: read once per run, and only as far as a check asks."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from functools import cached_property
from os.path import normpath
from pathlib import Path

from django.apps import AppConfig, apps
from django.conf import settings
from django.db.models.signals import (
    m2m_changed,
    post_delete,
    post_init,
    post_save,
    pre_delete,
    pre_init,
    pre_save,
)

from signalkit.conf import SETTING, Config, parse
from signalkit.declaration import Declaration
from signalkit.declare.naming import attribute
from signalkit.declare.places import Place, place_of
from signalkit.diagnosis.connections import SignalConnection, all_connections
from signalkit.discovery import is_project_app
from signalkit.exceptions import ConfigurationError
from signalkit.registry import registry

INIT_SIGNALS = (pre_init, post_init)
SAVE_SIGNALS = (pre_save, post_save)
DELETE_SIGNALS = (pre_delete, post_delete)
ROW_SIGNALS = (*INIT_SIGNALS, *SAVE_SIGNALS, *DELETE_SIGNALS, m2m_changed)


class Facts:
    """The state of the process, as one run of the checks finds it."""

    def __init__(self, app_configs: Sequence[AppConfig] | None = None) -> None:
        """Limit what is reported.

        Args:
            app_configs: the apps whose receivers are asked about; all when None.
        """
        self._app_configs = app_configs

    def covers(self, module: str) -> bool:
        """Say whether a module belongs to the apps that are asked about."""
        return self._app_configs is None or self.app_of(module) in self._app_configs

    @property
    def covers_all(self) -> bool:
        """Whether everything is asked about, and so what belongs to no app too."""
        return self._app_configs is None

    @staticmethod
    def app_of(module: str) -> AppConfig | None:
        """Return the app that a module belongs to."""
        return apps.get_containing_app_config(module)

    def is_project(self, module: str) -> bool:
        """Say whether a module is the project's own code."""
        return self.app_of(module) in self.project_apps

    @cached_property
    def config(self) -> Config | None:
        """The setting; None when it is not usable."""
        try:
            return parse(getattr(settings, SETTING, {}))
        except ConfigurationError:
            return None

    @cached_property
    def project_apps(self) -> list[AppConfig]:
        """The apps that are the project's own, and not installed as packages."""
        return [each for each in apps.get_app_configs() if is_project_app(each)]

    @cached_property
    def declarations(self) -> list[Declaration]:
        """The receivers declared with signalkit that are asked about."""
        return [each for each in registry if self.covers(each.origin.module)]

    @cached_property
    def connections(self) -> list[SignalConnection]:
        """Everything that is connected."""
        return all_connections()

    @cached_property
    def plain(self) -> list[tuple[SignalConnection, Place]]:
        """Plain receivers in the project's own code that are asked about."""
        return [
            (connection, place)
            for connection in self.connections
            if connection.receiver is not None and connection.declaration is None
            for place in [place_of(connection.receiver)]
            if self.is_project(place.module) and self.covers(place.module)
        ]

    def is_loaded(self, file: Path) -> bool:
        """Say whether a file is that of a module that was imported."""
        return normpath(file) in self._loaded_files

    @cached_property
    def _loaded_files(self) -> set[str]:
        # Strings: to make a Path of each takes longer than all the rest of a run.
        files = (attribute(module, "__file__", str) for module in list(sys.modules.values()))
        return {normpath(file) for file in files if file is not None}

    def loaded_project_files(self) -> Iterator[tuple[str, Path]]:
        """Yield name and file of the imported modules of the project's own code."""
        for name, module in list(sys.modules.items()):
            file = attribute(module, "__file__", str)
            if file is not None and self.is_project(name) and self.covers(name):
                yield name, Path(file)
