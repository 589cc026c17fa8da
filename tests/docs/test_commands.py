"""What the page of the commands shows as printed is what the example project prints."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from tests.docs.pages import blocks

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reference" / "commands.md"
NUMBER = re.compile(r"\d+")


def printed(command: str) -> str:
    """Run a command of the page in the example project."""
    done = subprocess.run(
        [sys.executable, *command.split()[1:]],
        cwd=ROOT / "example_project",
        env={
            **{key: value for key, value in os.environ.items() if key != "DJANGO_SETTINGS_MODULE"},
            "COLUMNS": "100",
            "DATABASE_URL": "sqlite://:memory:",
            "PYTHONPATH": str(ROOT),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_table() -> None:
    """Up to lines and places: they move whenever the example does."""
    (block,) = blocks(PAGE, "text")
    command, shown = block.text.removeprefix("$ ").split("\n", 1)
    assert NUMBER.sub("0", printed(command)) == NUMBER.sub("0", shown)


def test_the_document() -> None:
    """One receiver of it, key by key, in this order; and the table of keys has the same order."""
    (command,) = (block.text for block in blocks(PAGE, "sh") if "json" in block.text)
    (block,) = blocks(PAGE, "json")
    shown = json.loads(block.text)
    real = json.loads(printed(command))
    (example,) = shown["receivers"]
    (same,) = [row for row in real["receivers"] if row["receiver"] == example["receiver"]]
    assert list(shown) == list(real)
    assert list(example) == list(same)
    assert list(example["options"]) == list(same["options"])
    places = {"position", "line", "file"}
    assert {**example, **dict.fromkeys(places)} == {**same, **dict.fromkeys(places)}
    rows = re.findall(
        r"^\| ((?:`\w+`(?:, )?)+) \| (?:string|number|object|bool)", PAGE.read_text(), re.M
    )
    assert [key for row in rows for key in re.findall(r"\w+", row)] == list(example)
