"""Runs of receivers of bulk writes."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from signalkit import Phase, Veto, bulk
from signalkit.runs.models import ReceiverRun
from tests.dispatch.recording import listen
from tests.testapp.models import Tag

pytestmark = pytest.mark.django_db(
    transaction=True, available_apps=["tests.testapp", "signalkit.runs"]
)


def test_are_on_record_like_others() -> None:
    listen(bulk.post_update, Tag, name="lib.index", phase=Phase.AFTER_COMMIT)

    with transaction.atomic():
        Tag.objects.update(name="a")

    (run,) = ReceiverRun.objects.all()
    assert (run.receiver, run.outcome, run.object) == ("lib.index", "succeeded", "")
    assert (run.signal, run.sender) == ("post_update", "testapp.Tag")


def test_a_veto_is_too() -> None:
    def refuse(named: dict[str, Any]) -> None:
        raise Veto("not now")

    listen(bulk.pre_bulk_create, Tag, name="lib.refuse", note=refuse)

    with pytest.raises(Veto):
        Tag.objects.bulk_create([Tag(name="a")])

    (run,) = ReceiverRun.objects.all()
    assert (run.receiver, run.outcome) == ("lib.refuse", "vetoed")
