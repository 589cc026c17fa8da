"""What a process was started for, told from its command line and from real processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from signalkit.context.process import origin_of

REPOSITORY = Path(__file__).resolve().parents[2]

MANAGE = """\
import atexit, os, sys
sys.path.insert(0, {repository!r})
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
from signalkit.context import current
atexit.register(lambda: print("at the end:", current().source, current().detail))
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
"""


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["manage.py", "migrate", "shop"], ("command", "migrate")),
        (["./bin/manage.py", "migrate"], ("command", "migrate")),
        (["/usr/bin/django-admin", "check"], ("command", "check")),
        (["/site-packages/django/__main__.py", "check"], ("command", "check")),
        (["manage.py", "runserver", "8000"], ("command", "runserver")),
        (["manage.py", "shell"], ("shell", "shell")),
        (["manage.py", "shell_plus"], ("shell", "shell_plus")),
        (["manage.py"], ("process", "manage.py")),
        (["/site-packages/pytest/__main__.py", "migrate"], ("process", "pytest")),
        (["/venv/bin/gunicorn", "shop.wsgi"], ("process", "gunicorn")),
        (["-c"], ("process", "-c")),
        ([""], ("process", "")),
        ([], ("process", "")),
    ],
)
def test_command_lines(arguments: list[str], expected: tuple[str, str]) -> None:
    assert origin_of(arguments) == expected


def test_prompts() -> None:
    assert origin_of([""], interactive=True) == ("shell", "python")
    assert origin_of(["/venv/bin/ipython"], interactive=True) == ("shell", "ipython")
    assert origin_of(["manage.py", "migrate"], interactive=True) == ("command", "migrate")


class TestProcesses:
    def test_a_command(self, tmp_path: Path) -> None:
        assert "at the end: command diffsettings" in _manage(tmp_path, "diffsettings")

    def test_a_shell(self, tmp_path: Path) -> None:
        assert "at the end: shell shell" in _manage(tmp_path, "shell", "--command", "pass")

    def test_a_prompt(self) -> None:
        code = "from signalkit.context import current; print(current().source)\n"
        shown = _run([sys.executable, "-i", "-q"], code)
        assert "shell" in shown

    def test_another_prompt(self) -> None:
        # what IPython and notebooks do
        code = (
            "import sys; sys.ps1 = 'In : '\n"
            "from signalkit.context import current; print(current().source)"
        )
        assert _run([sys.executable, "-c", code]) == "shell\n"

    def test_another_program(self, tmp_path: Path) -> None:
        program = tmp_path / "nightly"
        program.write_text(
            "from signalkit.context import current; print(current().source, current().detail)"
        )
        assert _run([sys.executable, str(program)]) == "process nightly\n"

    def test_nothing_of_django_s_apps_is_imported(self) -> None:
        code = (
            "import sys, signalkit\n"
            "before = set(sys.modules)\n"
            "import signalkit.context, signalkit.context.middleware\n"
            "new = set(sys.modules) - before\n"
            "print(sorted(n for n in new if '.contrib' in n or n.endswith('.models')))\n"
        )
        assert _run([sys.executable, "-c", code]) == "[]\n"


def _manage(tmp_path: Path, *arguments: str) -> str:
    script = tmp_path / "manage.py"
    script.write_text(MANAGE.format(repository=str(REPOSITORY)))
    return _run([sys.executable, str(script), *arguments])


def _run(command: list[str], typed: str = "") -> str:
    done = subprocess.run(
        command,
        input=typed,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )
    return done.stdout
