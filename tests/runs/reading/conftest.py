"""Reading writes nothing: these tests put their own rows into the table."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import override_settings


@pytest.fixture(autouse=True)
def nothing_is_recorded(recording: None) -> Iterator[None]:
    with override_settings(SIGNALKIT={"RUNS": {"RECORD": "off"}}):
        yield
