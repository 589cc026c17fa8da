"""Rows as the recording side writes them, without it."""

from __future__ import annotations

import io
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from django.core.management import call_command
from django.utils import timezone

from signalkit.runs.models import ReceiverRun

_numbers = count(1)


def row(**values: Any) -> ReceiverRun:
    """Return a row, not written yet; ``ago`` says how long ago it began."""
    ago = values.pop("ago", timedelta(minutes=5))
    started: datetime = timezone.now() - ago
    given = {
        "run": next(_numbers) << 20,
        "receiver": "lib.Shelve",
        "signal": "post_save",
        "sender": "testapp.Book",
        "object": "testapp.Book:1",
        "phase": "after_commit",
        "outcome": "succeeded",
        "started": started,
        "duration": 1_500,
        "queries": 2,
        "correlation": "c" * 32,
        "source": "request",
        "detail": "POST /books/",
        "alias": "default",
        **values,
    }
    return ReceiverRun(**given)


def write(*rows: ReceiverRun, using: str = "default") -> list[int]:
    """Write rows, in this order; return their ids."""
    ReceiverRun.objects.using(using).bulk_create(rows)
    last = ReceiverRun.objects.using(using).order_by("-pk").values_list("pk", flat=True)
    return list(last[: len(rows)])[::-1]


def scheduled(**values: Any) -> ReceiverRun:
    """Return the row of a run that is going to be."""
    return row(**{"outcome": "scheduled", "duration": None, "queries": None, **values})


def command(*arguments: str, **options: Any) -> str:
    """Call a subcommand; return what it wrote."""
    output = io.StringIO()
    call_command("signalkit", *arguments, stdout=output, **options)
    return output.getvalue()
