"""What a subcommand of ``manage.py signalkit`` is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from argparse import ArgumentParser
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, ClassVar

from django.core.management.base import OutputWrapper
from django.core.management.color import Style

from signalkit.management import subcommands


class Subcommand(ABC):
    """One subcommand: its arguments and what it does. Its name is that of its module."""

    help: ClassVar[str] = ""
    """One line."""

    description: ClassVar[str] = ""
    """What ``--help`` says besides."""

    requires_system_checks: ClassVar[bool] = True
    """False for what is to work in a project that has errors."""

    def __init__(self, stdout: OutputWrapper, stderr: OutputWrapper, style: Style) -> None:
        """Take what a command writes to.

        Args:
            stdout: for results.
            stderr: for remarks.
            style: colours, or none where ``stdout`` shows none.
        """
        self.stdout = stdout
        self.stderr = stderr
        self.style = style

    @classmethod
    @abstractmethod
    def add_arguments(cls, parser: ArgumentParser) -> None:
        """Add the arguments that are its own; Django's common ones are there."""

    @abstractmethod
    def handle(self, **options: Any) -> None:
        """Do it.

        Args:
            options: all options of the command line, or of ``call_command()``.

        Raises:
            CommandError: it cannot be done; its ``returncode`` becomes the exit status.
        """


def find_subcommands() -> dict[str, type[Subcommand]]:
    """Return the subcommands by name."""
    names = sorted(module.name for module in iter_modules(subcommands.__path__))
    return {name: import_module(f"{subcommands.__name__}.{name}").Subcommand for name in names}


def add_pause(parser: ArgumentParser) -> None:
    """Add the option by which what works in batches leaves the database to others in between."""
    parser.add_argument(
        "--pause",
        type=float,
        default=0,
        metavar="SECONDS",
        help="How long to leave the database to others after each batch (0).",
    )
