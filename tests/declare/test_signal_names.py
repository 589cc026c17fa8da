"""What signals are called."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest
from django.contrib.auth.signals import user_logged_in
from django.dispatch import Signal

from signalkit.dispatch.observation import run_finished
from signalkit.signal_names import signal_name


def test_names() -> None:
    assert signal_name(user_logged_in) == "user_logged_in"
    assert signal_name(run_finished).endswith(".run_finished")
    assert signal_name(Signal()).startswith("<django.dispatch.dispatcher.Signal object")


def test_a_name_is_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("corner_of_signals")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    signal = Signal()
    nameless = signal_name(signal)
    module.rung = signal  # type: ignore[attr-defined]  # a module takes any attribute
    assert signal_name(signal) == "corner_of_signals.rung" != nameless
    # A failing receiver is logged with it: to look through all modules each time takes long.
    monkeypatch.delitem(sys.modules, module.__name__)
    assert signal_name(signal) == "corner_of_signals.rung"
