"""What it costs to have runs on record, beside the same receiver unrecorded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction
from django.db.models.signals import post_save
from django.test import override_settings

from benchmarks import receivers
from benchmarks.measure import Comparison, Prepare, Repeat, Subject, Target
from benchmarks.receivers import Connected
from signalkit.runs.flushing import flush
from signalkit.runs.models import ReceiverRun
from tests.testapp.models import Author

GROUP = "runs"

IN_TRANSACTION = Target(1.15)
IN_AUTOCOMMIT = Target(1.2)


def comparisons() -> list[Comparison]:
    """Return what this room compares."""
    function = receivers.function(order=1)
    by_class = receivers.model_receiver()
    return [
        _compare("100 saves in atomic()", _in_transaction, function, by_class, IN_TRANSACTION),
        _compare("save() in autocommit", _in_autocommit, function, by_class, IN_AUTOCOMMIT),
    ]


def _compare(
    title: str, saving: Any, function: Connected, by_class: Connected, target: Target
) -> Comparison:
    return Comparison(
        GROUP,
        f"{title}, one receiver each",
        Subject("function, unrecorded", saving(function, "off")),
        [
            Subject("function, recorded", saving(function, "all"), target),
            Subject("function, failures alone", saving(function, "failures")),
            Subject("function, one in ten", saving(function, 0.1)),
            Subject("class, unrecorded", saving(by_class, "off")),
            Subject("class, recorded", saving(by_class, "all"), target),
        ],
        slice_ms=20,
    )


def _in_transaction(connected: Connected, record: object) -> Prepare:
    def repeat(author: Author, count: int) -> None:
        for _ in range(count):
            with transaction.atomic():
                for _ in range(100):
                    author.save()

    return _prepared(connected, record, repeat)


def _in_autocommit(connected: Connected, record: object) -> Prepare:
    def repeat(author: Author, count: int) -> None:
        for _ in range(count):
            author.save()

    return _prepared(connected, record, repeat)


def _prepared(connected: Connected, record: object, repeat: Any) -> Prepare:
    @contextmanager
    def prepare() -> Iterator[Repeat]:
        author, _ = Author.objects.get_or_create(name="Recorded")
        with (
            override_settings(SIGNALKIT={"AUTODISCOVER": None, "RUNS": {"RECORD": record}}),
            connected(post_save),
        ):
            yield lambda count: repeat(author, count)
            flush()
        with connection.cursor() as cursor:
            # So that no slice finds a larger table than another.
            cursor.execute(f"DELETE FROM {ReceiverRun._meta.db_table}")

    return prepare
