"""The demo on all kinds of terminals."""

import contextlib
import os
import re
import subprocess
import sys

import pytest

from tests.example.running import PROJECT, manage

ESCAPE = re.compile("\x1b\\[[0-9;]*m")
RED, GREEN, MAGENTA = "\x1b[31", "\x1b[32m", "\x1b[35;1m"


def _in_a_terminal(environment: dict[str, str], columns: int) -> str:
    """Run the demo in a terminal of so many columns, and return what is seen."""
    pty, termios = pytest.importorskip("pty"), pytest.importorskip("termios")
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, columns))
    with subprocess.Popen(
        [sys.executable, str(PROJECT / "manage.py"), "demo"],
        stdout=theirs,
        stderr=theirs,
        env=environment | {"TERM": "xterm"},
    ) as demo:
        os.close(theirs)
        seen = b""
        # on Linux, the end of a terminal is an error
        with contextlib.suppress(OSError):
            while more := os.read(ours, 65536):
                seen += more
    os.close(ours)
    assert demo.returncode == 0
    return seen.decode()


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_fits_its_terminal(environment: dict[str, str], columns: int) -> None:
    seen = _in_a_terminal(environment, columns)
    assert "\x1b[" in seen
    lines = ESCAPE.sub("", seen).splitlines()
    assert [line for line in lines if len(line) > columns] == []
    # The tables of the record, at the end, are the commands' own: where they wrap depends on what
    # they tell.
    story = lines[: next(at for at, line in enumerate(lines) if "On record" in line)]
    assert any(line.endswith(" ms") for line in story) is (columns > 100)
    assert "built-in signals observed" in lines[-1]


def test_fits_98_columns_elsewhere(environment: dict[str, str]) -> None:
    lines = manage(environment, "demo", "-v", "2").stdout.splitlines()
    assert max(map(len, lines)) <= 98


class TestColours:
    def test_are_those_of_the_status(self, environment: dict[str, str]) -> None:
        told = manage(environment, "demo", "--force-color").stdout
        assert f"{GREEN}→ 302 to /account/" in told
        assert f"{MAGENTA}→ 500" in told
        assert f"{RED};1mfailed" in told
        assert "\x1b[32;1msucceeded" in told
        well = [line for line in told.splitlines() if re.search("→ 200|✓|✉|=", line)]
        assert [line for line in well if RED in line] == []

    @pytest.mark.parametrize(
        ("variables", "option", "coloured"),
        [
            ({}, (), False),
            ({"FORCE_COLOR": "1"}, (), True),
            ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, (), False),
            ({"NO_COLOR": "1"}, ("--force-color",), True),
            ({"FORCE_COLOR": "1"}, ("--no-color",), False),
        ],
    )
    def test_are_where_they_are_asked_for(
        self,
        environment: dict[str, str],
        variables: dict[str, str],
        option: tuple[str, ...],
        coloured: bool,
    ) -> None:
        done = manage(environment | variables, "demo", "--verbosity=0", *option)
        assert ("\x1b[" in done.stdout) is coloured


def test_is_readable_in_a_terminal_that_knows_ascii_only(environment: dict[str, str]) -> None:
    done = manage(environment | {"PYTHONIOENCODING": "ascii"}, "demo")
    assert done.returncode == 0
    assert done.stdout.startswith("v ran  ~ waits  < dropped  X failed  = verified\n")
    assert "?" not in done.stdout.replace("/search/?q=sea", "")
    assert "> Ada: POST /basket/order/  -> 302 to /account/" in done.stdout
    assert "= the order comes to EUR 22.40" in done.stdout
    assert re.search(r"^shop\.HoldPayment .* us +0 q$", done.stdout, re.MULTILINE)


@pytest.mark.parametrize("verbosity", ["0", "2"])
def test_ends_quietly_when_nobody_reads_on(environment: dict[str, str], verbosity: str) -> None:
    with subprocess.Popen(
        [sys.executable, str(PROJECT / "manage.py"), "demo", "-v", verbosity],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    ) as demo:
        assert demo.stdout is not None
        assert demo.stderr is not None
        demo.stdout.close()
        assert demo.stderr.read() == b""
    assert demo.returncode == 1
