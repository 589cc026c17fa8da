"""The tutorial, followed to the letter in an empty directory: its files, commands, and output."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import Block, blocks

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "tutorial" / "first-receiver.md"
PYTHON = shlex.quote(sys.executable)


def pattern_of(shown: str) -> str:
    """Turn printed lines into a pattern: a line of … stands for lines, within one for anything."""
    pattern = re.escape(shown)
    pattern = re.sub(r"^…\\?\n", r"(?:.*\\n)*?", pattern, flags=re.MULTILINE)
    return pattern.replace("…", ".*")


def steps_of(block: Block) -> list[tuple[str, str]]:
    """Return the commands of a block, each with what the page says is printed."""
    first, *steps = re.split(r"^\$ ", block.text, flags=re.MULTILINE)
    assert not first, f"line {block.line}: output before any command"
    return [tuple(step.split("\n", 1)) for step in steps]


class Reader:
    """Follows the page in a directory, with the Python that runs the tests."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "empty"
        self.directory.mkdir()
        commands = directory / "bin"
        commands.mkdir()
        for name, means in (("python", PYTHON), ("django-admin", f"{PYTHON} -m django")):
            (commands / name).write_text(f'#!/bin/sh\nexec {means} "$@"\n')
            (commands / name).chmod(0o755)
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("DJANGO_")},
            "PATH": os.pathsep.join([str(commands), os.environ["PATH"]]),
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",  # one stream, in the order in which a terminal shows it
            "COLUMNS": "100",
        }

    def write(self, block: Block) -> None:
        """Write or continue the file that a block names."""
        assert block.file is not None, f"line {block.line}: which file is this?"
        file = self.directory / block.file
        before = file.read_text() if block.continues else ""
        file.write_text(before + block.text)

    def type(self, command: str, shown: str) -> None:
        """Run a command and compare what it prints."""
        done = subprocess.run(
            command,
            shell=True,
            cwd=self.directory,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        # the Django shell begins what it runs with an empty line
        printed = done.stdout.lstrip("\n")
        assert re.fullmatch(pattern_of(shown), printed), f"$ {command}\n{done.stdout}"
        assert (done.returncode != 0) is ("CardRefused: " in shown), f"$ {command}\n{done.stdout}"


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return Reader(tmp_path)


def test_it_can_be_followed(reader: Reader) -> None:
    """Its ``sh`` blocks make the environment, which is here already; all else is done."""
    for block in blocks(PAGE, "python", "console"):
        if block.language == "python":
            reader.write(block)
        else:
            for command, shown in steps_of(block):
                reader.type(command, shown)


def test_its_tests_find_the_mistake(reader: Reader) -> None:
    """What the page says of the tests without the phase: two of the three fail."""
    for block in blocks(PAGE, "python", "console"):
        if block.language == "python":
            reader.write(block)
        elif "startproject" in block.text or "makemigrations" in block.text:
            for command, _ in steps_of(block):
                if not command.endswith("migrate"):
                    reader.type(command, "…\n")
    receivers = reader.directory / "shop" / "receivers.py"
    receivers.write_text(receivers.read_text().replace("    phase = Phase.AFTER_COMMIT\n", ""))
    reader.type("python manage.py test || true", "…\nFAILED (failures=2)\n…\n")


def test_every_block_is_followed_or_known_to_be_skipped() -> None:
    """A block in another language would be passed over in silence."""
    languages = re.findall(r"^```(\w*)$", PAGE.read_text(), flags=re.MULTILINE)
    assert set(filter(None, languages)) == {"sh", "python", "console"}
    skipped = "".join(block.text for block in blocks(PAGE, "sh"))
    assert all(line.split()[0] in {"python3", "pip", "."} for line in skipped.splitlines())
