"""``manage.py signalkit list``: who hears what."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError

from signalkit.diagnosis.listing import Row, all_rows
from signalkit.diagnosis.selection import select
from signalkit.diagnosis.table import Layout, render, summary
from signalkit.exceptions import UnknownFilter
from signalkit.management import output, subcommand
from signalkit.management.fared import Fared, is_ours, look_up
from signalkit.management.recorded import UNKNOWN_NAME, add_database, given, moment, several

NOTHING_FOUND = 1

JSON_VERSION = 1
"""Counts changes of the JSON format that break those who read it; new keys do not count."""

_WINDOW = "7d"
_BY_RECORD = ("called", "not_called", "orphaned")


class Subcommand(subcommand.Subcommand):
    """Lists every connection of every signal."""

    help = "List every receiver of every signal, plain Django receivers too."
    description = (
        "Lists every receiver of every signal in this process: those of signalkit, plain ones of "
        "all apps, and those that are declared and not connected, with the reason. By the record "
        "(--stats, --called, --not-called, --orphaned), signalkit's own plain receivers are left "
        "out. "
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
        parser.add_argument(
            "--stats",
            nargs="?",
            type=moment,
            const=_WINDOW,
            metavar="AGE|TIME",
            help="Say how each receiver fared since then, by the runs on record: last run, p50 and "
            "p95 (nearest rank) and mean number of queries of the newest 200 rows, and failures "
            f"({_WINDOW}).",
        )
        by_record = parser.add_mutually_exclusive_group()
        for name, what in (
            ("called", "receivers that ran"),
            ("not-called", "receivers whose runs are recorded, and that did not run"),
            ("orphaned", "receivers on record that the code has no longer"),
        ):
            by_record.add_argument(
                f"--{name}",
                action="store_true",
                help=f"Only {what}; with --stats since then, else as far back as the record goes.",
            )
        add_database(parser)

    def handle(self, **options: Any) -> None:
        """Write the listing.

        Raises:
            CommandError: a filter names what does not exist, or nothing matches.
        """
        filters = {name: several(options[name]) for name in ("signal", "sender", "app")}
        try:
            rows = select(
                all_rows(),
                signals=filters["signal"],
                senders=filters["sender"],
                app_labels=filters["app"],
            )
        except UnknownFilter as error:
            raise CommandError(str(error), returncode=UNKNOWN_NAME) from error
        since = given(moment, options["stats"])
        by_record = [name for name in _BY_RECORD if options[name]]
        fared = None
        if since is not None or by_record:
            rows = [row for row in rows if not is_ours(row)]
            fared = look_up(rows, options["database"], since, orphans=options["orphaned"])
        if fared is not None:
            rows = _by_record(rows, fared, by_record)
        if options["format"] == "json":
            self._write_json(rows, fared, since)
        else:
            self._write_table(rows, fared, options["verbosity"])
        if not rows and not (fared and fared.orphans):
            asked = [f"--{name} {each}" for name, all_ in filters.items() for each in all_]
            asked += [f"--{name.replace('_', '-')}" for name in by_record]
            asked += ["--stats"] if since is not None else []
            raise CommandError(f"No receiver matches {' '.join(asked)}.", returncode=NOTHING_FOUND)

    def _write_json(self, rows: list[Row], fared: Fared | None, since: datetime | None) -> None:
        document: dict[str, Any] = {"version": JSON_VERSION}
        document["receivers"] = [as_json(row) for row in rows]
        if fared is not None:
            document["since"] = None if since is None else since.isoformat()
            for values in document["receivers"]:
                values["figures"] = fared.as_json(values["receiver"])
            document["orphaned"] = [
                {"receiver": name, "figures": fared.as_json(name)} for name in fared.orphans
            ]
        self.stdout.write(json.dumps(document, indent=2))

    def _write_table(self, rows: list[Row], fared: Fared | None, verbosity: int) -> None:
        width = output.width()
        layout = Layout(width, details=verbosity > 0, full=verbosity > 1)
        notes = fared.notes() if fared is not None else None
        output.write_lines(self.stdout, render(rows, layout, self.style, notes))
        if fared is not None:
            output.write_lines(self.stdout, fared.lines(self.style))
        if rows and verbosity > 0:
            self.stdout.write(summary(rows))


def _by_record(rows: list[Row], fared: Fared, by_record: list[str]) -> list[Row]:
    if "orphaned" in by_record:
        return []
    if "called" in by_record:
        return [row for row in rows if fared.ran(row.receiver)]
    if "not_called" in by_record:
        return [
            row for row in rows if row.receiver in fared.expected and not fared.ran(row.receiver)
        ]
    return rows


def as_json(row: Row) -> dict[str, Any]:
    """Return a row in the words of the JSON format."""
    values = asdict(row)
    # It says in short what ``options`` says in full.
    del values["unusual"]
    values["async"] = values.pop("is_async")
    return values
