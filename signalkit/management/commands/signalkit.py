"""``manage.py signalkit``: one command with subcommands."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser, DjangoHelpFormatter
from django.core.management.color import no_style

from signalkit.management.subcommand import find_subcommands


class Command(BaseCommand):
    """Hands over to the subcommands, and lets each take Django's common options."""

    help = "Look into signalkit and its receivers."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Remember what Django adds to every command, so that each subcommand gets it too."""
        self._common: list[tuple[tuple[str, ...], dict[str, Any]]] = []
        self._parser = super().create_parser(prog_name, subcommand, **kwargs)
        return self._parser

    def add_base_argument(self, parser: CommandParser, *args: str, **kwargs: Any) -> None:
        """Add an argument that all commands have."""
        super().add_base_argument(parser, *args, **kwargs)
        self._common.append((args, kwargs))

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the subcommands."""
        choices = parser.add_subparsers(
            dest="subcommand", title="subcommands", metavar="subcommand"
        )
        for name, subcommand in find_subcommands().items():
            inner = choices.add_parser(
                name,
                help=subcommand.help,
                description=subcommand.description or subcommand.help,
                formatter_class=DjangoHelpFormatter,
            )
            subcommand.add_arguments(inner)
            # Without a default of their own, or it would undo what was given before the name.
            for names, options in self._common:
                inner.add_argument(*names, **{**options, "default": argparse.SUPPRESS})
            inner.add_argument(
                "--skip-checks",
                action="store_true",
                default=argparse.SUPPRESS,
                help="Skip system checks.",
            )

    def run_from_argv(self, argv: list[str]) -> None:
        """Run, and end quietly when whoever reads the output has read enough."""
        try:
            super().run_from_argv(argv)
            self.stdout.flush()
        except BrokenPipeError:
            # Python flushes once more at exit, and would complain once more.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Skip the system checks for what has to work where they fail."""
        chosen = find_subcommands().get(options["subcommand"])
        if chosen is None or not chosen.requires_system_checks:
            options["skip_checks"] = True
        return super().execute(*args, **options)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the subcommand, or say which there are."""
        name = options.pop("subcommand")
        if name is None:
            self.stdout.write(self._parser.format_help())
            return
        style = self.style if options["force_color"] or self.stdout.isatty() else no_style()
        find_subcommands()[name](self.stdout, self.stderr, style).handle(**options)
