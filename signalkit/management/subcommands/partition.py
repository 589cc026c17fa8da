"""``manage.py signalkit partition``: the record by months, on PostgreSQL."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import CommandError
from django.db import OperationalError, connections

from signalkit.management import subcommand
from signalkit.management.recorded import add_database, age, given, positive, run_model


class Subcommand(subcommand.Subcommand):
    """Partitions the table by month, and keeps the partitions as they should be."""

    help = "Keep runs in monthly partitions (PostgreSQL only)."
    description = (
        "Makes the table of runs a table partitioned by month, if it is not, and makes the "
        "partitions of this month and the next ones. Call it again each month. PostgreSQL only."
    )

    @classmethod
    def add_arguments(cls, parser: ArgumentParser) -> None:
        """Add what is made, what goes, and whether it is only to be shown."""
        parser.add_argument(
            "--create-months",
            type=positive,
            default=3,
            metavar="N",
            help="For how many months after this one (3).",
        )
        parser.add_argument(
            "--drop-older",
            type=age,
            metavar="AGE",
            help="Drop the partitions in which everything is older: 90d, 52w.",
        )
        parser.add_argument(
            "--plan", action="store_true", help="Print the statements, and execute none."
        )
        add_database(parser)

    def handle(self, **options: Any) -> None:
        """Do it, or print it.

        Raises:
            CommandError: nothing is recorded here, the database is no PostgreSQL, or others held
                a lock for too long.
        """
        from signalkit.runs import partitions

        using = options["database"]
        model = run_model(using)
        connection = connections[using]
        if connection.vendor != "postgresql":
            raise CommandError(
                f"The database {using!r} is {connection.display_name}; partitions are for "
                "PostgreSQL. Here, manage.py signalkit prune takes old runs away."
            )
        if connection.in_atomic_block:
            raise CommandError(
                "A transaction is open; expected none, because an index is built concurrently. "
                "Call the command outside of atomic()."
            )
        steps = self._steps(model, using, options)
        if options["plan"]:
            for step in steps:
                self._print(step)
            return
        try:
            for step in partitions.execute(steps, using):
                if options["verbosity"]:
                    self.stdout.write(f"Done: {step.why}")
        except OperationalError as error:
            raise CommandError(
                f"{error}Others had the table for longer than {partitions.LOCK_TIMEOUT}. The step "
                "has changed nothing; call the command again when less is going on."
            ) from error
        if options["verbosity"]:
            for each in partitions.partitions(model, using):
                self.stdout.write(f"  {each.name}  {_bounds(each)}")

    def _steps(self, model: Any, using: str, options: dict[str, Any]) -> list[Any]:
        from signalkit.runs import partitions

        now, months = datetime.now(UTC), options["create_months"]
        older = given(age, options["drop_older"])
        if not partitions.is_partitioned(model, using):
            return [
                *partitions.plan_conversion(model, using, now),
                *partitions.plan_months(model, using, now, months, converted=False),
            ]
        steps = partitions.plan_months(model, using, now, months)
        return (
            steps if older is None else steps + partitions.plan_dropping(model, using, now - older)
        )

    def _print(self, step: Any) -> None:
        self.stdout.write(f"-- {step.why}")
        lines = list(step.statements)
        if step.is_transaction:
            lines = ["BEGIN", *lines, "COMMIT"]
        for line in lines:
            self.stdout.write(f"{line};")
        self.stdout.write("")


def _bounds(partition: Any) -> str:
    if partition.start is None and partition.end is None:
        return "what has no other"
    start = "the beginning" if partition.start is None else f"{partition.start:%Y-%m-%d}"
    return f"{start} to {partition.end:%Y-%m-%d}"
