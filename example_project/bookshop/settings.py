"""Settings of the book shop: everything that differs between machines comes from the environment.

=================  =============================================  ==============================
Variable           Meaning                                        Default
=================  =============================================  ==============================
``DATABASE_URL``   the database, as django-environ reads it       ``db.sqlite3`` beside manage.py
``CACHE_URL``      the cache, as django-environ reads it          one of this process
``DEBUG``          Django's debug mode                            on
``SECRET_KEY``     required when ``DEBUG`` is off                 a key for development
``ALLOWED_HOSTS``  host names, separated by commas                those of this machine
=================  =============================================  ==============================

They may also stand in a file ``.env`` beside manage.py.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any

import django
import environ

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env(DEBUG=(bool, True), ALLOWED_HOSTS=(list, []))
env.read_env(BASE_DIR / ".env")

DEBUG = env("DEBUG")
SECRET_KEY = (
    env.str("SECRET_KEY", default="only-for-development-on-ones-own-machine")
    if DEBUG
    else env.str("SECRET_KEY")
)
ALLOWED_HOSTS = env("ALLOWED_HOSTS")

INSTALLED_APPS = [
    "signalkit",
    "signalkit.runs",
    "accounts",
    "shop",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]

# The whole set-up of signalkit: it is installed, finds `receivers` in this project's apps, and puts
# on record what they do. What is said here is what would hold without it.
SIGNALKIT = {
    "ENABLED": True,
    "DISABLED": [],
    "AUTODISCOVER": {"MODULES": ["receivers"], "APPS": "project"},
    "RUNS": {"RECORD": "all", "RETENTION": timedelta(days=90)},
}

SILENCED_SYSTEM_CHECKS = [
    # Receivers of pre_init and post_init slow down every fetch. The shop has one of each, on models
    # of which few rows are fetched at a time, and says so in `shop.receivers`.
    "signalkit.W007",
]

MIDDLEWARE = [
    # First, so that whatever happens in a request is put on record as caused by it.
    "signalkit.context.middleware.ContextMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "shop.middleware.RememberAction",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "bookshop.urls"
WSGI_APPLICATION = "bookshop.wsgi.application"
ASGI_APPLICATION = "bookshop.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "shop.context_processors.shop",
            ],
        },
    },
]

DATABASES: dict[str, dict[str, Any]] = {
    "default": env.db_url("DATABASE_URL", default=f"sqlite:///{BASE_DIR / 'db.sqlite3'}"),
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A transaction that reads first and writes later takes its write lock at once: two of them
    # then wait for each other instead of failing with "database is locked".
    DATABASES["default"].setdefault("OPTIONS", {}).setdefault("transaction_mode", "IMMEDIATE")

# What a receiver forgets here is forgotten in all processes that share the cache. Several of them,
# as behind a web server, need one that they do share, or each shows what it has until it times out.
CACHES = {"default": env.cache_url("CACHE_URL", default="locmemcache://")}

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "shop:book-list"
LOGOUT_REDIRECT_URL = "shop:book-list"

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

STATIC_URL = "static/"
MEDIA_URL = "media/"
MEDIA_ROOT = BASE_DIR / "media"

DEFAULT_FROM_EMAIL = "The Quiet Page <orders@example.org>"
_LETTERS = "shop.letters.OneLineEach"
if django.VERSION >= (6, 1):
    MAILERS = {"default": {"BACKEND": _LETTERS}}
else:
    EMAIL_BACKEND = _LETTERS

if django.VERSION >= (6, 0):
    TASKS = {"default": {"BACKEND": "django.tasks.backends.immediate.ImmediateBackend"}}

# The shop's own.
SHOP_NAME = "The Quiet Page"
SHOP_CURRENCY = "€"
SHOP_CREDIT_LIMIT = 250
"""What one order may come to, in the shop's currency."""
SHOP_WAREHOUSE = BASE_DIR / "outgoing"
"""The warehouse's shared folder, where pick lists are left."""
SHOP_NOTICE = BASE_DIR / "shop" / "data" / "notice.txt"
"""The line on top of every page; runserver shows an edited one without restarting."""
