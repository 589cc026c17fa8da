"""What a process writes when it ends, and into which database."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import sys
import django
from django.conf import settings
from django.core.management import call_command
from django.dispatch import Signal

settings.configure(
    INSTALLED_APPS=["signalkit", "signalkit.runs"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": sys.argv[1]}},
    USE_TZ=True,
)
django.setup()

import signalkit

sent = Signal()


@signalkit.receiver(sent, name="script.heard", order=1)
def heard(**kwargs):
    pass


for step in sys.argv[2:]:
    if step == "migrate":
        call_command("migrate", verbosity=0)
    elif step == "send":
        sent.send(sender=None)
"""


def run(database: Path, *steps: str, script: str = SCRIPT) -> None:
    subprocess.run(
        [sys.executable, "-c", script, str(database), *steps],
        check=True,
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
    )


def recorded(database: Path) -> int:
    connection = sqlite3.connect(database)
    try:
        [(count,)] = connection.execute("SELECT COUNT(*) FROM signalkit_runs_receiverrun")
    finally:
        connection.close()
    return int(count)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "runs.sqlite3"


def test_what_waits_is_written(database: Path) -> None:
    run(database, "migrate", "send", "send")
    assert recorded(database) == 2


def test_a_database_that_it_has_not_worked_with_is_left_alone(database: Path) -> None:
    run(database, "migrate")
    run(database, "send")
    assert recorded(database) == 0


def test_nor_is_one_made(database: Path) -> None:
    run(database, "send")
    assert not database.exists()


def test_a_receiver_that_is_declared_late_may_be_the_only_one_recorded(database: Path) -> None:
    script = SCRIPT.replace("order=1", 'record="all"').replace(
        "USE_TZ=True", 'USE_TZ=True, SIGNALKIT={"RUNS": {"RECORD": "off"}}'
    )
    run(database, "migrate", "send", script=script)
    assert recorded(database) == 1
