"""How the receivers of bulk signals are listed and called."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver as django_receiver

import signalkit
from signalkit import bulk
from signalkit.catalogue import find
from signalkit.diagnosis.listing import all_rows
from signalkit.signal_names import signal_name, signal_path
from tests.bulk.recording import ALL, NAMES
from tests.dispatch.recording import listen, real_commits
from tests.testapp.models import Tag


def test_each_signal_has_its_name() -> None:
    for signal in ALL:
        assert signal_name(signal) == NAMES[signal]
        assert signal_path(signal) == f"signalkit.bulk.{NAMES[signal]}"
        assert getattr(bulk, NAMES[signal]) is signal


@real_commits
def test_each_carries_what_is_known_of_it() -> None:
    sent = listen(list(ALL), Tag, note=lambda named: (named["signal"], {*named}))

    tags = Tag.objects.bulk_create([Tag(name="a")])
    Tag.objects.bulk_update(Tag.objects.all(), ["name"])
    Tag.objects.update(name="b")

    assert tags
    assert [signal for signal, _ in sent] == list(ALL)
    for signal, keywords in sent:
        known = find(signal)
        assert known is not None
        assert known.keywords == keywords - {"signal", "sender"}


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
