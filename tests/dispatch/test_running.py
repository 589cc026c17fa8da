"""What runs are told apart by."""

from __future__ import annotations

import time

from django.dispatch import Signal

from signalkit.dispatch.running import Running
from signalkit.events import Event
from signalkit.registry import registry
from tests.dispatch.recording import listen


def running() -> Running:
    listen(Signal(), name="tests.numbered")
    return Running(registry.all()[-1], Event(Signal(), None, {}))


def test_a_number_fits_into_eight_bytes_and_stays() -> None:
    one = running()
    assert 0 < one.number < 2**63
    assert one.number == one.number


def test_it_grows_with_time() -> None:
    earlier = int(time.time() * 1000)
    number = running().number
    later = int(time.time() * 1000)
    assert earlier <= number >> 21 <= later


def test_many_of_one_moment_differ() -> None:
    one = running()
    numbers = {Running(one.declaration, one.event).number for _ in range(1_000)}
    assert len(numbers) == 1_000
