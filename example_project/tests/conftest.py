"""What every test of the shop needs."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.cache import cache

import shop.receivers.templates  # noqa: F401  (its receivers are for the test environment)
from shop.till import till


@pytest.fixture(autouse=True)
def own_places(settings: LazySettings, tmp_path: Path) -> None:
    """Send whatever is written outside the database into a directory of the test's own."""
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.SHOP_WAREHOUSE = tmp_path / "orders"
    settings.SHOP_NOTICE = tmp_path / "notice.txt"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    settings.STORAGES = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }


@pytest.fixture(autouse=True)
def empty_till(own_places: None) -> Iterator[None]:
    """Begin with an open, empty till and an empty cache."""
    cache.clear()
    yield
    till.is_open = True
    till.held.clear()
    till.taken.clear()
    till.released.clear()
