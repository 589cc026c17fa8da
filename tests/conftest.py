"""What every run of the tests shares."""

import os
import socket
from collections.abc import Iterator, Sequence

import pytest
from django.conf import settings
from hypothesis import settings as hypothesis_settings

from signalkit.registry import registry

CI = os.environ.get("CI", "").lower() in {"1", "true", "yes"}

# Times vary with what else the machine does; in CI the same commit gets the same examples.
hypothesis_settings.register_profile("local", deadline=None)
hypothesis_settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis_settings.load_profile("ci" if CI else "local")


def missing_service() -> str | None:
    """Return why the database server cannot be reached; None when it can, or none is needed."""
    database = settings.DATABASES["default"]
    if not database["HOST"]:
        return None
    address = (database["HOST"], int(database["PORT"]))
    try:
        socket.create_connection(address, timeout=5).close()
    except OSError as error:
        return f"no {settings.TEST_DB} at {address[0]}:{address[1]} ({error.strerror or error})"
    return None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Skip everything, saying so once, when the database is absent; in CI, fail."""
    reason = missing_service()
    if reason is None:
        return
    if CI:
        pytest.exit(f"{reason}, and in CI a missing service fails", returncode=1)
    for item in items:
        item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(autouse=True)
def only_own_receivers() -> Iterator[None]:
    """Forget the receivers that a test declared, so that no other test meets them."""
    before = registry.all()
    yield
    for declaration in registry.all():
        if declaration not in before:
            registry.remove(declaration)
