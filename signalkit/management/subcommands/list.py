"""``manage.py signalkit list``: who hears what."""

from __future__ import annotations

import json
import shutil
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError

from signalkit.diagnosis.listing import Row, all_rows
from signalkit.diagnosis.selection import select
from signalkit.diagnosis.table import Layout, plainly, render, summary
from signalkit.exceptions import UnknownFilter
from signalkit.management import subcommand

NOTHING_FOUND = 1
UNKNOWN_NAME = 2

JSON_VERSION = 1
"""Counts changes of the JSON format that break those who read it; new keys do not count."""

_WIDTHS = range(80, 161)
_DEFAULT_WIDTH = 100


class Subcommand(subcommand.Subcommand):
    """Lists every connection of every signal."""

    help = "List every receiver of every signal, plain Django receivers too."
    description = (
        "Lists every receiver of every signal in this process: those of signalkit, plain ones of "
        "all apps, and those that are declared and not connected, with the reason. "
        f"Exit status: {NOTHING_FOUND} when nothing matches, {UNKNOWN_NAME} when a filter names "
        "what does not exist."
    )
    requires_system_checks = False

    @classmethod
    def add_arguments(cls, parser: ArgumentParser) -> None:
        """Add the filters and the format."""
        for name, what in (
            ("signal", "a signal: post_save, or dotted"),
            ("sender", "a sender as the listing calls it: shop.Book, any"),
            ("app", "the app that the receivers belong to, by label or name"),
        ):
            parser.add_argument(
                f"--{name}",
                action="append",
                metavar=name.upper(),
                help=f"Only {what}. May be given several times.",
            )
        parser.add_argument(
            "--format",
            choices=["table", "json"],
            default="table",
            help="How to write it; json for machines.",
        )

    def handle(self, **options: Any) -> None:
        """Write the listing.

        Raises:
            CommandError: a filter names what does not exist, or nothing matches.
        """
        filters = {name: _several(options[name]) for name in ("signal", "sender", "app")}
        try:
            rows = select(
                all_rows(),
                signals=filters["signal"],
                senders=filters["sender"],
                app_labels=filters["app"],
            )
        except UnknownFilter as error:
            raise CommandError(str(error), returncode=UNKNOWN_NAME) from error
        if options["format"] == "json":
            self._write_json(rows)
        else:
            self._write_table(rows, options["verbosity"])
        if not rows:
            asked = " ".join(f"--{name} {each}" for name, all_ in filters.items() for each in all_)
            raise CommandError(f"No receiver matches {asked}.", returncode=NOTHING_FOUND)

    def _write_json(self, rows: list[Row]) -> None:
        document = {"version": JSON_VERSION, "receivers": [as_json(row) for row in rows]}
        self.stdout.write(json.dumps(document, indent=2))

    def _write_table(self, rows: list[Row], verbosity: int) -> None:
        columns = shutil.get_terminal_size((_DEFAULT_WIDTH, 0)).columns
        width = min(max(columns, _WIDTHS[0]), _WIDTHS[-1])
        layout = Layout(width, details=verbosity > 0, full=verbosity > 1)
        # What is written to in place of a file, as by call_command(), may have no encoding.
        encoding = getattr(self.stdout, "encoding", None) or "utf-8"
        for line in render(rows, layout, self.style):
            self.stdout.write(plainly(line, encoding))
        if rows and verbosity > 0:
            self.stdout.write(summary(rows))


def as_json(row: Row) -> dict[str, Any]:
    """Return a row in the words of the JSON format."""
    values = asdict(row)
    # It says in short what ``options`` says in full.
    del values["unusual"]
    values["async"] = values.pop("is_async")
    return values


def _several(given: Any) -> list[str]:
    """Read a filter: a list from the command line, a string perhaps from ``call_command()``."""
    return [given] if isinstance(given, str) else list(given or ())
