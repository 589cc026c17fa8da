"""What is announced is kept with what came of it, whatever else is left out."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from django.db.models.signals import post_save
from django.test import override_settings

from signalkit import Phase
from signalkit.runs.models import ReceiverRun
from tests.dispatch.recording import listen, undone
from tests.testapp.models import Record

pytestmark = pytest.mark.django_db(
    transaction=True, available_apps=["tests.testapp", "signalkit.runs"]
)


@pytest.mark.parametrize(
    ("policy", "least", "most"),
    [("all", 300, 300), ("failures", 300, 300), ("off", 0, 0), (0.0, 0, 0), (0.5, 90, 210)],
)
def test_nothing_seems_never_to_have_run(policy: Any, least: int, most: int) -> None:
    with override_settings(SIGNALKIT={"RUNS": {"RECORD": policy}}):
        listen(post_save, Record, name="tests.later", phase=Phase.AFTER_COMMIT, announce=True)
        for number in range(30):
            with transaction.atomic():
                for _ in range(10):
                    Record.objects.create(text=str(number))
        scheduled = set(ReceiverRun.objects.ended("scheduled").values_list("run", flat=True))
        ended = set(ReceiverRun.objects.ended("succeeded").values_list("run", flat=True))
    assert scheduled == ended
    assert least <= len(ended) <= most


def test_what_was_not_announced_and_went_well_is_no_failure() -> None:
    with override_settings(SIGNALKIT={"RUNS": {"RECORD": "failures"}}):
        listen(post_save, Record, name="tests.later", phase=Phase.AFTER_COMMIT)
        listen(post_save, Record, name="tests.inline")
        with transaction.atomic():
            Record.objects.create(text="a")
        with undone():
            Record.objects.create(text="b")
        assert ReceiverRun.objects.count() == 0
