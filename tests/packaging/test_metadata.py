"""What the distribution says of itself."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    """Return the ``project`` table of pyproject.toml."""
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return table


def versions(project: dict[str, Any], prefix: str) -> list[str]:
    """Return the versions that the classifiers with a prefix name."""
    found = (
        entry.removeprefix(prefix) for entry in project["classifiers"] if entry.startswith(prefix)
    )
    return [version for version in found if version[0].isdigit() and "." in version]


def test_django_is_the_only_requirement(project: dict[str, Any]) -> None:
    assert [Requirement(line).name for line in project["dependencies"]] == ["Django"]


def test_each_django_that_is_classified_may_be_installed(project: dict[str, Any]) -> None:
    (django,) = (Requirement(line).specifier for line in project["dependencies"])
    classified = versions(project, "Framework :: Django :: ")

    assert classified == ["5.2", "6.0", "6.1"]
    assert all(django.contains(f"{version}.1") for version in classified)
    assert not django.contains("5.1.9")
    assert not django.contains("6.2")


def test_each_python_that_is_classified_may_be_used(project: dict[str, Any]) -> None:
    python = SpecifierSet(project["requires-python"])
    classified = versions(project, "Programming Language :: Python :: ")

    assert classified == ["3.11", "3.12", "3.13", "3.14"]
    assert all(python.contains(version) for version in classified)
    assert not python.contains("3.10")


def test_the_types_are_shipped() -> None:
    assert (ROOT / "signalkit" / "py.typed").is_file()
