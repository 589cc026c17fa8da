"""A database of the demo's own, made by real migrations and gone afterwards."""

import secrets
from pathlib import Path
from tempfile import TemporaryDirectory

from django.db import DEFAULT_DB_ALIAS, connections


class ThrowAwayDatabase:
    """Stands in for the database of an alias, whose own data is never touched.

    With SQLite it is a file in a temporary directory, otherwise a database beside the real one on
    the same server, under a name that nobody else has.
    """

    def __init__(self, alias: str = DEFAULT_DB_ALIAS) -> None:
        self._connection = connections[alias]
        self._settings = self._connection.settings_dict
        self._own_name = self._settings["NAME"]
        self._own_settings = {key: self._settings[key] for key in ("NAME", "CONN_MAX_AGE", "TEST")}
        self._directory = TemporaryDirectory(prefix="signalkit-demo-")
        self._exists = False
        if self._connection.vendor == "sqlite":
            self._name = str(Path(self._directory.name) / "demo.sqlite3")
            self.label = "SQLite, in a temporary file"
        else:
            self._name = f"{self._own_name}_demo_{secrets.token_hex(4)}"
            # Not the wrapper's display_name: it may open a connection, and to the wrong database.
            self.label = f"{self._connection.vendor}, database {self._name}"
        # From now on, before it exists: runs that wait to be recorded wait for it by its name.
        self._connection.close()
        self._settings["NAME"] = self._name

    def create(self) -> None:
        """Create it and run every migration."""
        # Every request and every thread lets go of its connection, so that it can be dropped.
        self._settings["CONN_MAX_AGE"] = 0
        self._settings["TEST"] = {**self._settings["TEST"], "NAME": self._name}
        self._exists = True
        self._connection.creation.create_test_db(verbosity=0, autoclobber=True)

    def destroy(self) -> None:
        """Drop it, and give the alias its own database back."""
        self._connection.close()
        if self._exists:
            self._connection.creation.destroy_test_db(self._own_name, verbosity=0)
        self._settings.update(self._own_settings)
        self._directory.cleanup()
