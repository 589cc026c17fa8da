from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import override_settings

from signalkit.receivers.profile import declare_profile_receiver


@pytest.fixture
def receiver(only_own_receivers: Any) -> Iterator[None]:
    """The receiver that signalkit declares where nothing is said in the settings."""
    with override_settings(SIGNALKIT={"RUNS": {"RECORD": "off"}}):
        declare_profile_receiver()
        yield
