"""How the tests ask for the messages of one check."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.apps import apps
from django.core.checks import CheckMessage

from signalkit.diagnosis.checks import CHECKS
from signalkit.diagnosis.checks.facts import Facts

Ask = Callable[..., list[CheckMessage]]


@pytest.fixture
def messages() -> Ask:
    """Return what runs the check that has an id, and gives its messages."""

    def ask(number: str, *app_labels: str) -> list[CheckMessage]:
        chosen = [apps.get_app_config(label) for label in app_labels] if app_labels else None
        (check,) = (each for each in CHECKS if str(each.__doc__).startswith(f"{number}: "))
        found = [*check(Facts(chosen))]
        assert all(each.hint and each.id == f"signalkit.{number}" for each in found)
        return found

    return ask
