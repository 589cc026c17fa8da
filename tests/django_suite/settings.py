"""Settings for Django's own tests, run with signalkit installed.

Django's ``runtests.py`` replaces INSTALLED_APPS by a list of its own, a global of the script. It
reads the settings just before, so that is the moment to add to the list; nothing of Django's is
edited. With ``SIGNALKIT_SUITE_PLAIN`` set, signalkit stays out: what fails then fails without us.
"""

import os
import sys

from tests import settings

PLAIN = "SIGNALKIT_SUITE_PLAIN" in os.environ

# As Django's own settings have it, nothing tuned: on SQLite that is a database in memory.
DATABASES = {
    alias: {
        key: value
        for key, value in settings.DATABASES[alias].items()
        if key in {"ENGINE", "NAME", "HOST", "PORT", "USER", "PASSWORD"}
        and not (settings.TEST_DB == "sqlite" and key == "NAME")
    }
    for alias in ("default", "other")
}
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
PASSWORD_HASHERS = settings.PASSWORD_HASHERS
SECRET_KEY = settings.SECRET_KEY
USE_TZ = False

if not PLAIN:
    # Every receiver of Django's own is on record, so that recording is at work everywhere, too.
    vars(sys.modules["__main__"])["ALWAYS_INSTALLED_APPS"].extend(["signalkit", "signalkit.runs"])
    SIGNALKIT = {"RUNS": {"RECORD": "all", "PLAIN": ["*"]}}
    TEST_RUNNER = "tests.django_suite.runner.ObservedRunner"
