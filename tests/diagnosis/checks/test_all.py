"""The checks together: registered, silenced, documented, and quick."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
from django.core import checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db.models.signals import post_save
from django.test import override_settings

import signalkit
from signalkit import Phase
from signalkit.diagnosis.checks import CHECKS, TAG, run

ROOT = Path(__file__).resolve().parents[3]
SOURCES = [*(ROOT / "signalkit/diagnosis/checks").glob("*.py")]


def ids_in(*files: Path) -> set[str]:
    return {
        each for file in files for each in re.findall(r'id="(signalkit\.\w+)"', file.read_text())
    }


IDS = ids_in(*SOURCES)
ALL_IDS = IDS | ids_in(ROOT / "signalkit/runs/checks.py")


def test_django_runs_them() -> None:
    registered: list[object] = [*checks.registry.registry.get_checks()]

    assert run in registered
    assert checks.tag_exists(TAG)


def test_they_can_be_asked_for_by_tag() -> None:
    @signalkit.receiver(post_save, phase=Phase.DURABLE, name="lib.owed")
    def owed(**kwargs: Any) -> None: ...

    with pytest.raises(SystemCheckError, match=r"lib\.owed: \(signalkit\.E002\)"):
        call_command("check", tags=[TAG], stderr=io.StringIO())


def test_they_can_be_silenced() -> None:
    @signalkit.receiver(post_save, name="lib.heard", order=1)
    def heard(**kwargs: Any) -> None: ...

    output = io.StringIO()
    with override_settings(SILENCED_SYSTEM_CHECKS=["signalkit.W006"]):
        call_command("check", tags=[TAG], stdout=output, stderr=output)

    assert "1 silenced" in output.getvalue()
    assert "lib.heard" not in output.getvalue()


@pytest.mark.django_db
def test_they_touch_no_database(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        run()


def test_the_tests_themselves_have_nothing_to_complain_of() -> None:
    # Tests that ran before may have left receivers on Django's signals that died since.
    assert [each for each in run() if each.id != "signalkit.W011"] == []


def test_each_check_says_its_id_first() -> None:
    said = [re.match(r"([EWI]\d{3}): ", str(check.__doc__)) for check in CHECKS]

    assert {f"signalkit.{each[1]}" for each in said if each} == IDS
    assert len(CHECKS) == len(IDS)


def test_each_check_has_its_place_in_the_documentation() -> None:
    text = (ROOT / "docs/reference/checks.md").read_text()

    assert set(re.findall(r'<a id="(signalkit\.\w+)"></a>', text)) == ALL_IDS
    assert {f"signalkit.{each}" for each in re.findall(r"^### ([EWI]\d{3})", text, re.M)} == ALL_IDS
