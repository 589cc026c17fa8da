"""The benchmarks run. What they measure is for them to say, on a machine that is quiet."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

ROOT = Path(__file__).resolve().parents[2]


def benchmarks(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``python -m benchmarks`` with as little of everything as there can be."""
    return subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks", "--database", settings.TEST_DB),
            *("--rounds", "1", "--scale", "0", "--events", "100", *arguments),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what one run of everything wrote for machines."""
    file = tmp_path_factory.mktemp("benchmarks") / "figures.json"
    done = benchmarks("--json", str(file))
    assert done.returncode == 0, done.stderr
    figures: dict[str, Any] = json.loads(file.read_text())
    return figures


@pytest.mark.parametrize("group", ["sends", "commits", "unused", "bulk", "peers"])
def test_each_row_has_a_ratio(group: str, figures: dict[str, Any]) -> None:
    rows = [row for row in figures["ratios"] if row["group"] == group]

    assert rows
    for row in rows:
        low, high = row["interval"]
        assert 0 < low <= row["median"] <= high


def test_rows_with_a_target_have_a_verdict(figures: dict[str, Any]) -> None:
    for row in figures["ratios"]:
        assert (row["verdict"] is None) is (row["target"] is None)


def test_memory_is_measured(figures: dict[str, Any]) -> None:
    assert [row["bytes"] > 0 for row in figures["memory"]] == [True] * 4


def test_one_group_can_be_asked_for() -> None:
    done = benchmarks("peers")

    assert done.returncode == 0, done.stderr
    assert "signalkit, function: created" in done.stdout
    assert "AFTER_COMMIT" not in done.stdout


def test_an_unknown_group_is_refused() -> None:
    done = benchmarks("sneds")

    assert done.returncode == 2
    assert "sneds" in done.stderr
