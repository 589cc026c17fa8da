"""Sends that are wrong when the program runs are errors for type checkers as well.

Each runs where it is installed. What the marks ask for is an error of whatever kind on that line;
every other line has to be without.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]

SHOP = """
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.dispatch import Signal, receiver
from signalkit import Receiver, TypedSignal
from signalkit.signals import book_published


class Book: ...


@dataclass(frozen=True, kw_only=True)
class Published:
    book: Book
    note: str = ""


@dataclass(frozen=True)
class Placed:
    book: Book
    using: str


@dataclass(frozen=True)
class Nothing: ...


published = TypedSignal(Published)
placed = TypedSignal(Placed, use_caching=True)
nothing = TypedSignal(Nothing)
signal: Signal = published
book = Book()

published.send(sender=Book, book=book)
published.send(Book, book=book, note="new")
published.send_robust(sender=None, book=book)
nothing.send(sender=None)
published.send(sender=Book)  # wrong
published.send(book=book)  # wrong
published.send(sender=Book, book=1)  # wrong
published.send(sender=Book, book=book, note=None)  # wrong
published.send(sender=Book, book=book, colour="red")  # wrong
published.send(Book, book)  # wrong
published.send_robust(sender=Book, book=1)  # wrong
published.send_robust(sender=Book, bok=book)  # wrong
nothing.send(sender=None, book=book)  # wrong

published.send_on_commit(sender=Book, book=book)
published.send_on_commit(Book, book=book, using="other", robust=False)
published.send_on_commit(Book, book=book, robust=False)
published.send_on_commit(Book, book=book, using=None)
placed.send_on_commit(Book, book=book, using="other")
placed.send_on_commit(Book, book=book, using="other", robust=False)
published.send_on_commit(sender=Book, book=1)  # wrong
published.send_on_commit(sender=Book)  # wrong
published.send_on_commit(sender=Book, book=book, using=1)  # wrong
published.send_on_commit(sender=Book, book=book, robust="no")  # wrong
published.send_on_commit(sender=Book, book=book, colour="red")  # wrong
placed.send_on_commit(sender=Book, book=book)  # wrong

book_published.send_robust(sender=Book, book=book, author=None)
book_published.send(sender=Book, book=1)  # wrong
book_published.send(sender=Book, book=book, author=None, price=3)  # wrong

TypedSignal()  # wrong
TypedSignal(3)  # wrong
TypedSignal(Published, use_caching=3)  # wrong

answers: list[tuple[Callable[..., Any], Any]] = published.send(sender=Book, book=book)
answers = published.send_robust(sender=Book, book=book)


async def in_a_coroutine() -> None:
    answers: list[tuple[Callable[..., Any], Any]] = await published.asend(sender=Book, book=book)
    answers = await published.asend_robust(sender=Book, book=book)
    await published.asend(sender=Book, book=1)  # wrong
    await published.asend_robust(sender=Book)  # wrong


@receiver(published, sender=Book)
def announce(sender: type[Book], book: Book, **kwargs: Any) -> None: ...


class Announce(Receiver):
    signal = published


published.connect(announce)
"""

WRONG = {number for number, line in enumerate(SHOP.splitlines(), 1) if line.endswith("# wrong")}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Return the folder of a module that sends, rightly and wrongly."""
    (tmp_path / "shop.py").write_text(SHOP)
    return tmp_path


def run(command: list[Any], folder: Path, **environment: str) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    # all of them report errors by an exit status of 1
    assert done.returncode == 1, done.stdout
    return done.stdout


@pytest.mark.skipif(
    find_spec("mypy") is None or find_spec("django-stubs") is None, reason="no mypy is installed"
)
def test_mypy(shop: Path) -> None:
    # The cache is kept: without it, a minute is spent on the stubs of Django.
    cache = ROOT / ".mypy_cache" / "sends"
    said = run(
        [
            *(sys.executable, "-m", "mypy", "--strict", "--config-file=", "--no-pretty"),
            *("--follow-imports=silent", "--cache-dir", cache, "shop.py"),
        ],
        shop,
        MYPYPATH=str(ROOT),
    )
    found = {int(line) for line in re.findall(r"^shop\.py:(\d+): error", said, re.MULTILINE)}
    assert found == WRONG, said


PYRIGHT = shutil.which("basedpyright") or shutil.which("pyright")


@pytest.mark.skipif(PYRIGHT is None, reason="no pyright is installed")
def test_pyright(shop: Path) -> None:
    settings = {"extraPaths": [str(ROOT)], "typeCheckingMode": "standard"}
    (shop / "pyrightconfig.json").write_text(json.dumps(settings))
    said = run([PYRIGHT, "--pythonpath", sys.executable, "--outputjson", "shop.py"], shop)
    errors = [
        each for each in json.loads(said)["generalDiagnostics"] if each["severity"] == "error"
    ]
    assert {each["range"]["start"]["line"] + 1 for each in errors} == WRONG, errors
