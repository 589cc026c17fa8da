"""Settings of the tests: two aliases, ``default`` and ``other``, on one database server.

``SIGNALKIT_TEST_DB`` names the database (``sqlite``, ``postgresql`` or ``mariadb``), and
``SIGNALKIT_TEST_DB_URL`` a server other than the one on this machine. They are names of our own,
so that a ``DATABASE_URL`` somebody exported for a site never points the tests at it.
"""

import hashlib
import re
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

env = environ.Env()

BASE_DIR = Path(__file__).resolve().parent.parent

DATABASE_SERVERS = {
    "sqlite": f"sqlite:///{BASE_DIR / '.testdb' / 'tests.sqlite3'}",
    "postgresql": "postgres://postgres@127.0.0.1:5432/tests",
    "mariadb": "mysql://root@127.0.0.1:3306/tests",
}

TEST_DB = env.str("SIGNALKIT_TEST_DB", default="sqlite")
if TEST_DB not in DATABASE_SERVERS:
    raise ImproperlyConfigured(
        f"SIGNALKIT_TEST_DB is {TEST_DB!r}, expected one of {', '.join(DATABASE_SERVERS)}."
    )

# What tells the databases of this run from those of another on the same server: the checkout,
# and in it the name that whoever starts several runs at once gives each (tox: its environment's).
TEST_RUN = "{}_{}".format(
    hashlib.sha256(bytes(BASE_DIR)).hexdigest()[:6],
    re.sub(r"\W+", "_", env.str("SIGNALKIT_TEST_RUN", default="run")),
)


def database(alias: str) -> dict[str, Any]:
    """Return the settings of one alias.

    Args:
        alias: the name of the alias; it becomes part of the database's name.
    """
    settings: dict[str, Any] = env.db_url("SIGNALKIT_TEST_DB_URL", DATABASE_SERVERS[TEST_DB])
    name = f"signalkit_{TEST_RUN}_{alias}"
    if TEST_DB == "sqlite":
        # A file, not memory: threads that share an in-memory database get "table is locked" at
        # once, however long they would wait. WAL lets one thread read while another writes, as
        # the servers do; what a crash of the machine would lose does not matter here.
        # BEGIN stays deferred, as on most sites: only so does a test see whether a transaction
        # that has only read is made to write.
        file = BASE_DIR / ".testdb" / f"{name}.sqlite3"
        file.parent.mkdir(exist_ok=True)
        settings["NAME"] = str(file)
        settings["TEST"] = {"NAME": str(file.with_stem(f"test_{name}"))}
        settings["OPTIONS"] = {
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF",
        }
    elif TEST_DB == "postgresql":
        settings["NAME"] = name
        # COMMIT does not wait for the disk: nothing else about it changes
        settings["OPTIONS"] = {"options": "-c synchronous_commit=off"}
    else:
        settings["NAME"] = name
        settings["OPTIONS"] = {"charset": "utf8mb4"}
        settings["TEST"] = {"CHARSET": "utf8mb4", "COLLATION": "utf8mb4_general_ci"}
    return settings


DATABASES = {alias: database(alias) for alias in ("default", "other")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "signalkit",
    "signalkit.runs",
    "signalkit.profiles",
    "tests.testapp",
    "tests.veto.vetoapp",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

ROOT_URLCONF = "tests.urls"
SECRET_KEY = "only-for-the-tests"
# Recorded, and made with a user, is only what a test asks for.
SIGNALKIT = {"RUNS": {"RECORD": "off"}, "PROFILE_RECEIVER": None}
STATIC_URL = "static/"
USE_TZ = True

# hashing is not what the tests are about
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
