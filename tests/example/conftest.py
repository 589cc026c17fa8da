"""What the example project runs on."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker

from tests.example.running import DATABASE, environment_in
from tests.settings import TEST_DB


@pytest.fixture(scope="module", autouse=True)
def database(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """A database of the shop's own, where it takes a server to have one."""
    if TEST_DB == "sqlite":
        yield
        return
    with django_db_blocker.unblock(), connection._nodb_cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {DATABASE}")
        cursor.execute(f"CREATE DATABASE {DATABASE}")
    yield
    with django_db_blocker.unblock(), connection._nodb_cursor() as cursor:
        cursor.execute(f"DROP DATABASE {DATABASE}")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment with a database of the test's own."""
    return environment_in(tmp_path)
