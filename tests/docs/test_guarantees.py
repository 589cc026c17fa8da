"""Each promise names a test, and the test is there."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "explanation" / "guarantees.md"
NAMED = re.compile(r"`((?:tests|example_project)/[\w/]+\.py)(?:::([\w:]+))?`")


def named_tests() -> list[tuple[str, str]]:
    """Return the file and the name of each test that the page names."""
    return sorted({(match[1], match[2] or "") for match in NAMED.finditer(PAGE.read_text())})


@pytest.mark.parametrize(("file", "name"), named_tests())
def test_is_there(file: str, name: str) -> None:
    path = ROOT / file
    assert path.is_file()
    body: list[ast.stmt] = ast.parse(path.read_text()).body
    for part in filter(None, name.split("::")):
        found = [
            each
            for each in body
            if isinstance(each, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and each.name == part
        ]
        assert found, f"{file} has no {name}"
        body = found[0].body


def test_every_section_names_one() -> None:
    sections = re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)[1:]
    assert sections
    for section in sections:
        assert NAMED.search(section), section.splitlines()[0]
