"""``manage.py signalkit`` in a process of its own, on the databases of the test."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

from django.conf import settings
from django.db import connections

ROOT = Path(__file__).resolve().parents[3]

SMALLEST_PIPE = 4096


def start(
    *arguments: str, settings_module: str = "tests.runs.reading.settings"
) -> subprocess.Popen[str]:
    """Start a subcommand whose output is a pipe that holds few lines.

    When it is full, the process waits: it is never much further than what was read.
    """
    databases = {
        alias: {
            **{
                key: settings.DATABASES[alias][key]
                for key in _KEYS
                if key in settings.DATABASES[alias]
            },
            "NAME": str(connections[alias].settings_dict["NAME"]),
        }
        for alias in settings.DATABASES
    }
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "django", "signalkit", *arguments],
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": settings_module,
            "SIGNALKIT_TEST_DATABASES": json.dumps(databases),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    fcntl.fcntl(process.stdout.fileno(), fcntl.F_SETPIPE_SZ, SMALLEST_PIPE)
    return process


_KEYS = ("ENGINE", "HOST", "PORT", "USER", "PASSWORD", "OPTIONS")
