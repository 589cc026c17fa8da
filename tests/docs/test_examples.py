"""What the reference shows runs. What other pages show is pasted where it belongs: test_pages."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.run_page import examples

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs" / "reference").rglob("*.md"))
WITH_EXAMPLES = [page for page in PAGES if examples(page)]


@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=lambda page: str(page.relative_to(ROOT)))
def test_examples_run(page: Path) -> None:
    """In a process of their own: examples declare receivers, and may use one name twice."""
    paths = os.pathsep.join([str(ROOT), str(ROOT / "example_project")])
    done = subprocess.run(
        [sys.executable, "-m", "tests.docs.run_page", page],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"{len(examples(page))} examples"


def test_some_pages_have_examples() -> None:
    """A pattern that matches nothing would make everything pass."""
    names = {page.name for page in WITH_EXAMPLES}
    assert {"settings.md", "commands.md"} <= names
