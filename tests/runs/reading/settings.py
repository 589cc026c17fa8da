"""The settings of the tests, for a process of its own: its databases are those of the test run."""

import json
import os

from tests.settings import *  # noqa: F403

DATABASES = json.loads(os.environ["SIGNALKIT_TEST_DATABASES"])
