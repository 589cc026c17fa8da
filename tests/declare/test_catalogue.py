"""What is known of Django's own signals."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType

import django
import pytest
from django.core.signals import request_started
from django.db.models.signals import post_save
from django.dispatch import Signal

from signalkit.catalogue import builtin_signals, carries, find

MODULES = [
    "django.db.models.signals",
    "django.core.signals",
    "django.contrib.auth.signals",
    "django.db.backends.signals",
    "django.test.signals",
    "django.utils.autoreload",
    *(["django.tasks.signals"] if django.VERSION >= (6, 0) else []),
]


def test_every_signal_that_the_running_django_has() -> None:
    there = {
        (module, name)
        for module in MODULES
        for name, value in vars(import_module(module)).items()
        # request_started and its like are imported by others too.
        if isinstance(value, Signal)
        and (module, name) != ("django.test.signals", "setting_changed")
    }
    listed = {(each.module, each.name) for each in builtin_signals()}
    assert {item for item in there if item[0] != "django.utils.autoreload"} <= listed | {
        ("django.utils.autoreload", "request_finished"),
        ("django.tasks.signals", "setting_changed"),
        ("django.test.signals", "request_started"),
        ("django.test.signals", "user_logged_out"),
    }
    assert len(builtin_signals()) == len(listed)
    assert all(getattr(import_module(m), n) is f for m, n, f in _by_place())


def _by_place() -> list[tuple[str, str, Signal]]:
    return [(each.module, each.name, each.signal) for each in builtin_signals()]


@pytest.mark.parametrize("module", ["django.test.signals", "django.tasks.signals"])
def test_what_nothing_has_loaded_is_not_loaded_for_the_list(
    monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    monkeypatch.delitem(sys.modules, module, raising=False)
    assert module not in {each.module for each in builtin_signals()}
    assert module not in sys.modules


def test_tasks_once_they_are_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("django.tasks.signals")
    for name in ("task_enqueued", "task_started", "task_finished"):
        setattr(module, name, Signal())
    monkeypatch.setitem(sys.modules, module.__name__, module)
    found = find(module.task_started)
    assert found is not None
    assert (found.name, found.sender_kind, found.keywords) == (
        "task_started",
        "class",
        frozenset({"task_result"}),
    )


def test_keywords() -> None:
    assert carries(post_save, "created")
    assert carries(request_started, "created") is False
    assert carries(Signal(), "created") is None
