"""The tests' databases and models, and three aliases that are one database."""

import os

# A database of their own: the tests, which run the benchmarks too, have theirs at the same time.
os.environ["SIGNALKIT_TEST_RUN"] = f"{os.environ.get('SIGNALKIT_TEST_RUN', '')}_benchmarks"

from tests import settings as tests  # reads the variable that was just set

# Connections to compare: see unused.py.
DATABASES = {alias: tests.database("default") for alias in ("default", "used", "bare", "control")}
DEFAULT_AUTO_FIELD = tests.DEFAULT_AUTO_FIELD
INSTALLED_APPS = ["signalkit", "signalkit.runs", "tests.testapp"]
SECRET_KEY = "only-for-the-benchmarks"
SIGNALKIT = {"AUTODISCOVER": None, "RUNS": {"RECORD": "off"}}
USE_TZ = True
