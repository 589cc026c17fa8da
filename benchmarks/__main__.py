"""Measure what signalkit costs.

Prints ratios, not times: each is what signalkit takes over what the same thing takes without it,
measured side by side. With ``--check`` the exit status is 1 when a ratio misses its target.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import django

GROUPS = ("sends", "commits", "unused", "bulk", "runs", "peers", "memory")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; return the exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    for group in options.groups:
        if group not in GROUPS:
            parser.error(f"there is no group {group!r}; there are {', '.join(GROUPS)}")
    os.environ["SIGNALKIT_TEST_DB"] = options.database
    os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.settings"
    django.setup()
    from benchmarks import databases

    with databases.made():
        return _run(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "groups",
        nargs="*",
        metavar="group",
        help=f"what to measure: {', '.join(GROUPS)} (all of it)",
    )
    parser.add_argument(
        "--database",
        choices=("sqlite", "postgresql", "mariadb"),
        default=os.environ.get("SIGNALKIT_TEST_DB", "sqlite"),
        help="the database to measure with (that of SIGNALKIT_TEST_DB, or sqlite)",
    )
    parser.add_argument(
        "--rounds", type=int, default=100, help="how often each comparison is repeated (100)"
    )
    parser.add_argument(
        "--scale", type=float, default=1, help="how much longer than usual a slice is (1)"
    )
    parser.add_argument(
        "--events",
        type=int,
        default=1_000_000,
        help="events in the transaction whose memory is measured (1000000)",
    )
    parser.add_argument(
        "--clock",
        choices=("processor", "wall"),
        default="processor",
        help="the processor time of this process, or that of a clock on the wall (processor)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to a file too")
    parser.add_argument("--check", action="store_true", help="fail when a target is missed")
    return parser


def _run(options: argparse.Namespace) -> int:
    # They import models, so Django has to be set up by now.
    from benchmarks import bulk, commits, memory, peers, recorded, report, sends, unused
    from benchmarks.measure import CLOCKS, Row, Verdict, compare

    rooms = {room.GROUP: room for room in (sends, commits, unused, bulk, recorded, peers)}
    wanted = options.groups or GROUPS
    rows: list[Row] = []
    environment = report.environment()
    _say(", ".join(f"{name} {value}" for name, value in environment.items()))
    _say()
    for group in wanted:
        for comparison in rooms[group].comparisons() if group in rooms else ():
            found = compare(comparison, options.rounds, options.scale, CLOCKS[options.clock])
            for line in report.table(found):
                _say(line)
            rows += found
    held = memory.held(options.events) if "memory" in wanted else []
    for line in report.memory(held):
        _say(line)
    if options.json:
        options.json.write_text(report.as_json(rows, held) + "\n")
    for row in rows:
        if row.verdict in (Verdict.MISSED, Verdict.UNCLEAR):
            _say(f"{row.verdict.value}: {row.title}; {row.name}")
    missed = any(row.verdict is Verdict.MISSED for row in rows)
    return 1 if options.check and missed else 0


def _say(line: str = "") -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
