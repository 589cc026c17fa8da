"""``manage.py signalkit prune``: takes old runs away."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.utils import timezone

from signalkit.conf import config
from signalkit.management import subcommand
from signalkit.management.recorded import add_database, age, given, positive, run_model


class Subcommand(subcommand.Subcommand):
    """Deletes runs that are older than an age, in batches."""

    help = "Delete runs on record that are too old, in batches."
    description = (
        "Deletes runs on record that began longer ago than an age, oldest first. Each batch is a "
        "transaction of its own: stopping it at any time loses nothing, and the next call goes on "
        "where it stopped. No signals are sent."
    )

    @classmethod
    def add_arguments(cls, parser: ArgumentParser) -> None:
        """Add what is too old, and how much to do at once."""
        parser.add_argument(
            "--older",
            type=age,
            metavar="AGE",
            help="What is too old: 90d, 12h, 4w (SIGNALKIT['RUNS']['RETENTION']).",
        )
        parser.add_argument(
            "--batch",
            type=positive,
            default=5_000,
            metavar="ROWS",
            help="How many rows to look at in one transaction (5000).",
        )
        subcommand.add_pause(parser)
        parser.add_argument(
            "--dry-run", action="store_true", help="Say how many there are, and delete nothing."
        )
        add_database(parser)

    def handle(self, **options: Any) -> None:
        """Delete them.

        Raises:
            CommandError: nothing is recorded here.
        """
        from signalkit.runs.ages import before

        using = options["database"]
        model = run_model(using)
        older = given(age, options["older"]) or config().RUNS.RETENTION
        if older is None:
            self.stdout.write(
                "Everything is kept: SIGNALKIT['RUNS']['RETENTION'] is None, and there is no "
                "--older."
            )
            return
        cutoff = before(older)
        if options["dry_run"]:
            self._count(model, using, cutoff)
        else:
            self._prune(model, using, cutoff, options)

    def _count(self, model: Any, using: str, cutoff: datetime) -> None:
        from signalkit.runs import partitions, retention

        number = retention.count_old(model, using, cutoff)
        least = "at least " if number == retention.COUNTED else ""
        self.stdout.write(f"{least}{number:,} runs began before {_shown(cutoff)}.")
        if partitions.is_partitioned(model, using):
            for step in partitions.plan_dropping(model, using, cutoff):
                self.stdout.write(f"{'; '.join(step.statements)}: {step.why}")

    def _prune(self, model: Any, using: str, cutoff: datetime, options: dict[str, Any]) -> None:
        from signalkit.runs import partitions, retention

        if partitions.is_partitioned(model, using):
            steps = partitions.plan_dropping(model, using, cutoff)
            dropped = len([*partitions.execute(steps, using)])
            self.stdout.write(f"Dropped {_count(dropped, 'whole partition')}.")
        terminal = self.stdout.isatty() and options["verbosity"] == 1
        deleted, began = 0, time.monotonic()
        for progress in retention.prune(model, using, cutoff, batch=options["batch"]):
            deleted = progress.deleted
            said = f"{progress.share:4.0%}  {_count(deleted, 'run')} deleted"
            if terminal:
                self.stdout.write(f"\r{said}", ending="")
                self.stdout.flush()
            elif options["verbosity"] > 1:
                self.stdout.write(said)
                self.stdout.flush()
            time.sleep(options["pause"])
        if terminal and deleted:
            self.stdout.write("")
        if options["verbosity"]:
            seconds = time.monotonic() - began
            self.stdout.write(
                f"Deleted {_count(deleted, 'run')} that began before {_shown(cutoff)}, "
                f"in {seconds:.1f} s."
            )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _shown(moment: datetime) -> str:
    local = timezone.localtime(moment) if timezone.is_aware(moment) else moment
    return f"{local:%Y-%m-%d %H:%M}"
