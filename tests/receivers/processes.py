"""The settings of ``manage.py`` in a process of its own, which makes profiles as by default."""

from tests.runs.reading.settings import *  # noqa: F403

SIGNALKIT = {"RUNS": {"RECORD": "off"}}
