"""What a module of contrib says when what it is for is not there."""

from __future__ import annotations

import importlib
import sys

import pytest


@pytest.mark.parametrize(
    ("module", "missing", "message"),
    [
        ("celery", "celery", r"needs Celery. Install it: pip install 'django-signalkit\[celery\]'"),
        ("django_tasks", "django.tasks.signals", r"needs Django 6.0 or later"),
    ],
)
def test_it_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, module: str, missing: str, message: str
) -> None:
    name = f"signalkit.contrib.{module}"
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.delitem(sys.modules, name, raising=False)

    with pytest.raises(ImportError, match=message) as raised:
        importlib.import_module(name)

    assert isinstance(raised.value.__cause__, ImportError)
