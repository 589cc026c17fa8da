"""A project in a directory of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.wiring.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return an empty project."""
    return Project(tmp_path)
