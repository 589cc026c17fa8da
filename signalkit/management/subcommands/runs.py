"""``manage.py signalkit runs``: what ran, when, and how it went."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from functools import reduce
from operator import or_
from typing import Any

from django.core.management.base import CommandError

from signalkit.exceptions import UnknownFilter
from signalkit.management import output, subcommand
from signalkit.management.recorded import (
    UNKNOWN_NAME,
    add_database,
    age,
    given,
    moment,
    positive,
    run_model,
    several,
)

NOTHING_FOUND = 1

NEWEST = 100_000
"""So many rows are searched for what no index leads to, unless more is asked for."""

_FILTERS = {
    "receiver": "of this receiver, by its name now or on record",
    "signal": "of this signal: post_save, or dotted",
    "outcome": "that ended so: scheduled, succeeded, failed, vetoed, rolled_back, skipped",
    "object": "about this object: shop.Book:12",
    "correlation": "with this correlation id",
    "actor": "that this actor caused: auth.User:1, or a user's name",
    "source": "set off by this: request, command, shell, task, process",
    "alias": "whose event was on this database alias",
}
_INDEXED = ("receiver", "outcome", "object", "correlation")


class Subcommand(subcommand.Subcommand):
    """Shows runs on record, newest first."""

    help = "Show the runs of receivers that are on record."
    description = (
        "Shows runs on record, newest first by when they were written. Each filter may be given "
        "several times, and then matches any of its values; different filters narrow each other. "
        f"--signal, --actor, --source and --alias alone search the newest {NEWEST:,} rows, and so "
        "does --never-ran; --since reaches further. "
        f"Exit status: {NOTHING_FOUND} when nothing matches, {UNKNOWN_NAME} when a filter names "
        "what does not exist."
    )
    requires_system_checks = False

    @classmethod
    def add_arguments(cls, parser: ArgumentParser) -> None:
        """Add the filters, the page and the format."""
        for name, what in _FILTERS.items():
            parser.add_argument(
                f"--{name}", action="append", metavar=name.upper(), help=f"Only runs {what}."
            )
        for name, what in (("since", "at this moment or after it"), ("older", "before it")):
            parser.add_argument(
                f"--{name}",
                type=moment,
                metavar="AGE|TIME",
                help=f"Only runs that began {what}: 15m, 2h, 7d ago, or 2026-03-01T12:00.",
            )
        parser.add_argument(
            "--never-ran",
            action="store_true",
            help="Only what was scheduled, and nothing came of it.",
        )
        parser.add_argument(
            "--grace",
            type=age,
            metavar="AGE",
            help="With --never-ran: how old it has to be (1m).",
        )
        parser.add_argument(
            "--tree",
            metavar="CORRELATION",
            help="Show what caused what, of one correlation id. Takes no other filter.",
        )
        parser.add_argument(
            "--limit", type=positive, default=50, metavar="N", help="How many at most (50)."
        )
        parser.add_argument(
            "--before",
            type=positive,
            metavar="ID",
            help="Go on behind this id: the last one of the page before.",
        )
        parser.add_argument(
            "--format",
            choices=["table", "json"],
            default="table",
            help="How to write it; json for machines.",
        )
        add_database(parser)

    def handle(self, **options: Any) -> None:
        """Write the runs.

        Raises:
            CommandError: a filter names what does not exist, or nothing matches.
        """
        model = run_model(options["database"])
        try:
            if options["tree"]:
                self._tree(model, options)
            else:
                self._list(model, options)
        except UnknownFilter as error:
            raise CommandError(str(error), returncode=UNKNOWN_NAME) from error

    def _list(self, model: Any, options: dict[str, Any]) -> None:
        runs = self._asked(model, options)
        limit = given(positive, options["limit"]) or 50
        rows = list(runs.page(limit + 1, before=given(positive, options["before"])))
        more = len(rows) > limit
        rows = rows[:limit]
        from signalkit.runs import report

        if options["format"] == "json":
            document = {
                "version": report.JSON_VERSION,
                "runs": [report.as_json(row) for row in rows],
                "next": rows[-1].pk if more else None,
            }
            self.stdout.write(json.dumps(document, indent=2))
        else:
            level = options["verbosity"]
            lines = report.table(
                rows, output.width(), self.style, details=level > 0, full=level > 1
            )
            output.write_lines(self.stdout, lines)
            if more and level:
                self.stdout.write(f"\nThere are more: --before {rows[-1].pk}")
        if not rows:
            raise CommandError(f"No run matches{_as_typed(options)}.", returncode=NOTHING_FOUND)

    def _tree(self, model: Any, options: dict[str, Any]) -> None:
        others = [
            name for name in (*_FILTERS, "since", "older", "never_ran", "before") if options[name]
        ]
        if others:
            raise CommandError(
                f"--tree shows everything of one correlation id; leave out --{others[0]}.",
                returncode=UNKNOWN_NAME,
            )
        from signalkit.runs import report, trees

        runs = model.objects.using(options["database"]).correlated(options["tree"])
        # The beginning explains the rest.
        rows = list(runs.order_by("pk")[: trees.LARGEST + 1])
        nodes = list(trees.tree(rows[: trees.LARGEST]))
        if options["format"] == "json":
            document = {
                "version": report.JSON_VERSION,
                "runs": [report.node_as_json(node) for node in nodes],
                "complete": len(rows) <= trees.LARGEST,
            }
            self.stdout.write(json.dumps(document, indent=2))
        else:
            level = options["verbosity"]
            lines = report.tree(
                nodes, output.width(), self.style, details=level > 0, full=level > 1
            )
            output.write_lines(self.stdout, lines)
            if len(rows) > trees.LARGEST and level:
                self.stdout.write(f"\nThese are the first {trees.LARGEST:,} rows; there are more.")
        if not nodes:
            raise CommandError(
                f"No run matches --tree {options['tree']}.", returncode=NOTHING_FOUND
            )

    def _asked(self, model: Any, options: dict[str, Any]) -> Any:
        using = options["database"]
        runs = self._filtered(model, using, {name: several(options[name]) for name in _FILTERS})
        since = given(moment, options["since"])
        older = given(moment, options["older"])
        if since is None and older is None and _is_slow(options):
            runs = runs.newest(NEWEST)
            if options["verbosity"] and model.objects.using(using).has_more_than(NEWEST):
                self.stderr.write(
                    f"Only the newest {NEWEST:,} rows are searched; --since reaches further.",
                    self.style.NOTICE,
                )
        if options["never_ran"]:
            grace = given(age, options["grace"])
            runs = runs.never_ran() if grace is None else runs.never_ran(grace=grace)
        if since is not None:
            runs = runs.since(since)
        return runs if older is None else runs.older(older)

    def _filtered(self, model: Any, using: str, asked_for: dict[str, list[str]]) -> Any:
        from signalkit.management import asked

        runs = model.objects.using(using)
        if names := asked_for["receiver"]:
            runs = runs.of(*(asked.receiver(name, model, using) for name in names))
        if names := asked_for["outcome"]:
            runs = runs.ended(*map(asked.outcome, names))
        if names := asked_for["signal"]:
            runs = runs.filter(signal__in=[each for name in names for each in asked.signal(name)])
        if names := asked_for["object"]:
            runs = runs.about(*(asked.about(name, model, using) for name in names))
        if names := asked_for["correlation"]:
            runs = runs.correlated(*names)
        if names := asked_for["source"]:
            runs = runs.filter(source__in=[asked.source(name) for name in names])
        if names := asked_for["alias"]:
            runs = runs.filter(alias__in=[asked.alias(name) for name in names])
        if names := asked_for["actor"]:
            # Several are rare; what leads to them is the window, in any case.
            runs = reduce(or_, (runs.by(name) for name in names))
        return runs


def _is_slow(options: dict[str, Any]) -> bool:
    """Say whether, for want of an index, the whole table may have to be read."""
    if options["never_ran"]:
        return True
    return any(options[name] for name in _FILTERS) and not any(options[name] for name in _INDEXED)


def _as_typed(options: dict[str, Any]) -> str:
    typed = [f" --{name} {each}" for name in _FILTERS for each in several(options[name])]
    typed += [" --never-ran"] if options["never_ran"] else []
    typed += [
        f" --{name} {options[name]}" for name in ("since", "older", "before") if options[name]
    ]
    typed += [f" (older than {_grace(options)}; see --grace)"] if options["never_ran"] else []
    return "".join(typed)


def _grace(options: dict[str, Any]) -> str:
    from signalkit.runs.ages import as_text
    from signalkit.runs.querysets import GRACE

    grace = given(age, options["grace"])
    return as_text(GRACE if grace is None else grace)
