"""How the receivers of bulk signals are listed and called."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver as django_receiver

import signalkit
from signalkit import bulk
from signalkit.diagnosis.listing import all_rows
from signalkit.signal_names import signal_name, signal_path
from tests.bulk.recording import ALL, NAMES
from tests.testapp.models import Tag


def test_each_signal_has_its_name() -> None:
    for signal in ALL:
        assert signal_name(signal) == NAMES[signal]
        assert signal_path(signal) == f"signalkit.bulk.{NAMES[signal]}"
        assert getattr(bulk, NAMES[signal]) is signal


def test_receivers_are_listed_like_others() -> None:
    @signalkit.receiver(bulk.post_update, sender="testapp.Tag", order=3, name="lib.index")
    def index(**kwargs: Any) -> None: ...

    @django_receiver(bulk.post_update, sender=Tag)
    def plain(**kwargs: Any) -> None: ...

    rows = [row for row in all_rows() if row.signal == "signalkit.bulk.post_update"]

    assert [(row.sender, row.state, row.kind) for row in rows] == [
        ("testapp.Tag", "connected", "function"),
        ("testapp.Tag", "connected", "plain"),
    ]
    assert rows[0].receiver == "lib.index"
    assert rows[1].receiver.endswith("plain")
