"""The commands that the README names for trying the shop out do what it says."""

import json
import re
import shlex
import subprocess
import sys
from urllib.request import urlopen

from tests.example.running import ROOT, manage

MANAGE = ".tox/demo/bin/python example_project/manage.py "


def _commands() -> list[list[str]]:
    """Return the arguments of every manage.py that the README names, in its order."""
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    return [shlex.split(line.removeprefix(MANAGE)) for line in lines if line.startswith(MANAGE)]


def test_the_shop_can_be_clicked_through(environment: dict[str, str]) -> None:
    seed, runserver = _commands()
    assert (seed, runserver) == (["seed"], ["runserver"])
    credentials = 'Sign in as "bookseller" or "ada", password "a quiet page".'

    first = manage(environment, *seed)
    assert (first.returncode, first.stderr) == (0, "")
    migrated, added, sign_in = first.stdout.splitlines()
    assert re.fullmatch(r"Ran \d+ migrations that the database had not seen yet\.", migrated)
    assert (added, sign_in) == ("Added 10 authors, 19 books and 2 users.", credentials)

    again = manage(environment, *seed)
    assert again.stdout.splitlines() == ["Added 0 authors, 0 books and 0 users.", credentials]

    _look_at_the_shop(environment, runserver)


def _look_at_the_shop(environment: dict[str, str], runserver: list[str]) -> None:
    """Start the server, on a port that is free, and open its pages."""
    with subprocess.Popen(
        [sys.executable, "-u", "example_project/manage.py", *runserver, "--noreload", "0"],
        cwd=ROOT,
        encoding="utf-8",
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as server:
        try:
            assert server.stdout is not None
            # It is printed once the server listens.
            url = next(filter(None, map(re.compile(r"http://\S+/").search, server.stdout)))[0]
            with urlopen(url) as shelves:
                assert "Moby-Dick" in shelves.read().decode()
            with urlopen(f"{url}search/?q=moby") as found:
                assert [book["title"] for book in json.load(found)["books"]] == ["Moby-Dick"]
            with urlopen(f"{url}pulse/") as pulse:
                assert "shop.remember_search" in pulse.read().decode()
        finally:
            server.terminate()
