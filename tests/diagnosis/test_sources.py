"""What source files say is read without importing them."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest
from django.apps import AppConfig

from signalkit.diagnosis import sources
from tests.diagnosis.conftest import Site


@pytest.fixture
def corner(site: Site) -> AppConfig:
    return site.install("corner")


class TestModulesOf:
    def test_modules_by_their_dotted_names(self, site: Site, corner: AppConfig) -> None:
        listeners = site.write("corner/listeners.py")
        inner = site.write("corner/receivers/stock.py")

        found = dict(sources.modules_of(corner))

        assert found["corner"] == listeners.with_name("__init__.py")
        assert found["corner.listeners"] == listeners
        assert found["corner.receivers"] == inner.with_name("__init__.py")
        assert found["corner.receivers.stock"] == inner
        assert "corner.listeners" not in sys.modules

    @pytest.mark.parametrize(
        "path",
        [
            "corner/migrations/x.py",
            "corner/tests/x.py",
            "corner/management/x.py",
            "corner/test_x.py",
            "corner/tests.py",
            "corner/conftest.py",
        ],
    )
    def test_what_is_not_missed(self, site: Site, corner: AppConfig, path: str) -> None:
        file = site.write(path)

        assert file not in dict(sources.modules_of(corner)).values()

    def test_folders_that_are_no_packages(self, site: Site, corner: AppConfig) -> None:
        file = site.write("corner/venv/lib/x.py")
        (site.folder / "corner/venv/__init__.py").unlink()
        site.write("corner/notes.txt")

        assert set(dict(sources.modules_of(corner))) == {"corner"}
        assert file.exists()


class TestParse:
    def test_a_file_that_mentions_what_is_looked_for(self, tmp_path: Path) -> None:
        file = tmp_path / "x.py"
        file.write_text("import signalkit")

        assert sources.parse(file, b"nothing", b"signalkit") is not None
        assert sources.parse(file, b"nothing") is None

    def test_what_cannot_be_read(self, tmp_path: Path) -> None:
        file = tmp_path / "x.py"

        assert sources.parse(file, b"") is None
        file.write_bytes(b"def (")
        assert sources.parse(file, b"def") is None
        file.write_bytes(b"def\0")
        assert sources.parse(file, b"def") is None


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import signalkit", True),
        ("import signalkit.testing as t", True),
        ("from signalkit import receiver", True),
        ("def f():\n    from signalkit.exceptions import Veto", True),
        ("import os, signalkitten", False),
        ("from . import signalkit", False),
        ("# signalkit", False),
    ],
)
def test_whether_signalkit_is_imported(source: str, expected: bool) -> None:
    assert sources.imports_signalkit(ast.parse(source)) is expected


CLASS = "class A({}):\n    {} = None\n"


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("import signalkit\n@signalkit.receiver(x)\ndef f(): ...", [3]),
        ("import signalkit as s\n@s.receiver(x)\nasync def f(): ...", [3]),
        ("from signalkit import receiver as r\n@r(x)\ndef f(): ...", [3]),
        ("from signalkit.declare import receiver\n@receiver(x)\ndef f(): ...", [3]),
        ("import signalkit.declare\n@signalkit.declare.receiver(x)\ndef f(): ...", [3]),
        ("from signalkit import Receiver\n" + CLASS.format("Receiver", "signal"), [2]),
        ("import signalkit\n" + CLASS.format("signalkit.ModelReceiver", "signal: X"), [2]),
        ("import signalkit\n" + CLASS.format("signalkit.ModelReceiver", "sender"), []),
        ("import signalkit\n" + CLASS.format("signalkit.ModelReceiver", "signal.x"), []),
        ("import signalkit\n" + CLASS.format("Other", "signal"), []),
        ("import signalkit\n" + CLASS.format("other.ModelReceiver", "signal"), []),
        ("import signalkit\n" + CLASS.format("f().ModelReceiver", "signal"), []),
        ("import signalkit\nclass A(signalkit.Receiver):\n    def handle(self): ...", []),
        ("from django.dispatch import receiver\n@receiver(x)\ndef f(): ...", []),
        ("import signalkit\n@signalkit.muted\ndef f(): ...", []),
        ("import signalkit\n@signalkit.muted('x')\ndef f(): ...", []),
    ],
)
def test_where_receivers_are_declared(source: str, lines: list[int]) -> None:
    assert sources.declarations(ast.parse(source)) == lines


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("import corner.listeners", "corner.listeners"),
        ("from corner import listeners", "corner.listeners"),
        ("from corner.listeners import f", "corner.listeners"),
        ("if x:\n    from . import listeners", "corner.listeners"),
        ("from .listeners import f", "corner.listeners"),
        ("from ..other import listeners", "other.listeners"),
        ("import_module('corner.listeners')", "corner.listeners"),
    ],
)
def test_what_a_module_imports(source: str, name: str) -> None:
    tree = ast.parse(source)

    assert name in sources.imports(tree, "corner.apps", Path("corner/apps.py"))
    assert name not in sources.imports(ast.parse("1 + 1"), "corner.apps", Path("corner/apps.py"))


def test_what_a_package_imports_is_relative_to_itself() -> None:
    tree = ast.parse("from . import stock")

    assert "corner.receivers.stock" in sources.imports(
        tree, "corner.receivers", Path("corner/receivers/__init__.py")
    )
