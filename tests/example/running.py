"""Runs the example project's commands, each in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from tests.settings import DATABASE_SERVERS, TEST_DB, TEST_RUN

ROOT = Path(__file__).resolve().parents[2]
PROJECT = ROOT / "example_project"
DATABASE = f"example_{TEST_RUN}"
TERMINAL = ("COLUMNS", "FORCE_COLOR", "NO_COLOR", "PYTHONUNBUFFERED")


def database_url(directory: Path) -> str:
    """Return the address of the shop's database, on the server that the tests run on."""
    if TEST_DB == "sqlite":
        return f"sqlite:///{directory / 'shop.sqlite3'}"
    server = os.environ.get("SIGNALKIT_TEST_DB_URL", DATABASE_SERVERS[TEST_DB])
    return urlunsplit(urlsplit(server)._replace(path=f"/{DATABASE}"))


def environment_in(directory: Path) -> dict[str, str]:
    """Return the shop's environment variables, and none that the tests were started with."""
    ours = ("DJANGO_", "SECRET_KEY", "DEBUG", "ALLOWED_HOSTS", "PYTEST_", *TERMINAL)
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    return inherited | {
        "DATABASE_URL": database_url(directory),
        # Where signalkit is installed this changes nothing; where it is not, the tests still run.
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        "PYTHONIOENCODING": "utf-8",
    }


def manage(
    environment: dict[str, str], *arguments: str, flags: tuple[str, ...] = ("-W", "error")
) -> subprocess.CompletedProcess[str]:
    """Run manage.py from somewhere else, with every warning an error."""
    return subprocess.run(
        [sys.executable, *flags, str(PROJECT / "manage.py"), *arguments],
        capture_output=True,
        check=False,
        cwd=ROOT,
        encoding="utf-8",
        env=environment,
    )
