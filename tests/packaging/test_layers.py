"""The order of the layers, held by the suite itself."""

import subprocess
import sys
from pathlib import Path
from shutil import copytree, ignore_patterns

import grimp
import pytest
from importlinter.cli import EXIT_STATUS_ERROR, EXIT_STATUS_SUCCESS

ROOT = Path(__file__).resolve().parents[2]


def lint_imports(root: Path) -> tuple[int, str]:
    """Run import-linter over the package in a folder; return its exit status and what it said.

    Args:
        root: the folder; the contracts are those of this checkout.
    """
    code = (
        "import sys; from importlinter.cli import lint_imports; "
        f"sys.exit(lint_imports({str(ROOT / 'pyproject.toml')!r}, no_cache=True))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, stdout=subprocess.PIPE, text=True, check=False
    )
    return done.returncode, done.stdout


@pytest.fixture
def copied_package(tmp_path: Path) -> Path:
    """Return a folder with a copy of the package in it."""
    copytree(ROOT / "signalkit", tmp_path / "signalkit", ignore=ignore_patterns("__pycache__"))
    return tmp_path


def test_imports_run_one_way() -> None:
    status, said = lint_imports(ROOT)

    assert status == EXIT_STATUS_SUCCESS, said


def test_a_module_without_a_layer_is_refused(copied_package: Path) -> None:
    (copied_package / "signalkit" / "stray.py").touch()

    status, said = lint_imports(copied_package)

    assert status == EXIT_STATUS_ERROR
    assert "signalkit.stray" in said


def test_an_import_upwards_is_refused_even_when_only_for_types(copied_package: Path) -> None:
    with (copied_package / "signalkit" / "exceptions.py").open("a") as module:
        module.write(
            "\nfrom typing import TYPE_CHECKING\n"
            "if TYPE_CHECKING:\n    from signalkit import registry\n"
        )

    status, said = lint_imports(copied_package)

    assert status == EXIT_STATUS_ERROR
    assert "signalkit.exceptions -> signalkit.registry" in said


def test_nothing_but_django_is_needed() -> None:
    graph = grimp.build_graph("signalkit", include_external_packages=True, cache_dir=None)
    outside = {name for name in graph.modules if name.split(".")[0] != "signalkit"}
    # what a module of contrib is for has to be there, and only that module needs it
    needed = {
        name
        for name in outside
        if not all(
            importer.startswith("signalkit.contrib.")
            for importer in graph.find_modules_that_directly_import(name)
        )
    }

    # annotationlib is part of Python from 3.14 on, asgiref of Django's own requirements
    assert needed - {*sys.stdlib_module_names, "annotationlib"} == {"django", "asgiref"}


def test_importing_the_package_needs_neither_settings_nor_models() -> None:
    code = (
        "import sys, signalkit; from django.apps import apps; from django.conf import settings; "
        "assert not settings.configured and not apps.apps_ready; "
        "assert 'django.db.models.base' not in sys.modules or not apps.all_models"
    )

    subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=ROOT, check=True)
