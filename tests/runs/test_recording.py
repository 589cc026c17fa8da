"""What is put on record of a run, and with which statements."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models.signals import post_save

from signalkit import Phase
from signalkit.runs import flushing
from signalkit.runs.models import ReceiverRun
from tests.dispatch.recording import listen, undone
from tests.testapp.models import Tag

pytestmark = pytest.mark.django_db(
    transaction=True, available_apps=["tests.testapp", "signalkit.runs"]
)


def outcomes() -> list[str]:
    return [run.outcome for run in ReceiverRun.objects.order_by("id")]


class Seen:
    """Collects all statements of the connection, those of the record too."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    def __call__(self, execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
        self.statements.append(str(sql).split(" (")[0])
        return execute(sql, params, many, context)


def test_one_insert_for_any_number_of_runs() -> None:
    listen(post_save, Tag, name="tests.one")
    listen(post_save, Tag, name="tests.two", phase=Phase.BEFORE_COMMIT)
    with transaction.atomic():
        Tag.objects.create(name="warm")
    seen = Seen()
    with connection.execute_wrapper(seen), transaction.atomic():
        for number in range(10):
            Tag.objects.create(name=f"a{number}")
    inserts = [each for each in seen.statements if "signalkit" in each and "INSERT" in each]
    assert len(inserts) == 1
    assert ReceiverRun.objects.count() == 22


def test_what_is_undone_is_rolled_back() -> None:
    listen(post_save, Tag, name="tests.one")
    with transaction.atomic():
        Tag.objects.create(name="a")
        with undone():
            Tag.objects.create(name="b")
    assert sorted(outcomes()) == ["rolled_back", "succeeded"]
    with undone():
        Tag.objects.create(name="c")
    assert sorted(outcomes()) == ["rolled_back", "rolled_back", "succeeded"]


def test_a_reader_does_not_write() -> None:
    listen(post_save, Tag, name="tests.one")
    Tag.objects.create(name="a")
    flushing.flush()
    seen = Seen()
    with connection.execute_wrapper(seen), transaction.atomic():
        tag = Tag.objects.get()
        post_save.send(sender=Tag, instance=tag, created=True, raw=False, using="default")
    assert not any("INSERT" in each for each in seen.statements)
    assert outcomes() == ["succeeded"] * 2
