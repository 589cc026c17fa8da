"""Everything is recorded here, and forgotten after each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import override_settings

from signalkit.runs.health import health
from signalkit.runs.outgoing import outgoing
from signalkit.runs.tables import tables


@pytest.fixture(autouse=True)
def recording() -> Iterator[None]:
    outgoing.forget()
    health.reset()
    tables.forget()
    with override_settings(SIGNALKIT={"RUNS": {"RECORD": "all"}}):
        yield
    outgoing.forget()
    health.reset()
