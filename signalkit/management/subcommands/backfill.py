"""``manage.py signalkit backfill``: makes the rows that existing owners lack."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.db import DEFAULT_DB_ALIAS, connections

from signalkit.declaration import Declaration
from signalkit.exceptions import RelatedNotCreated, nearest
from signalkit.management import subcommand
from signalkit.management.recorded import UNKNOWN_NAME, given, positive
from signalkit.receivers.backfilling import (
    BATCH,
    Progress,
    backfill,
    ensuring_receivers,
    is_off,
)
from signalkit.receivers.related import EnsureRelated


class Subcommand(subcommand.Subcommand):
    """Makes what EnsureRelated receivers would have made, had they been there."""

    help = "Make the profiles and other related rows that existing objects lack."
    description = (
        "Makes the rows of receivers that inherit from EnsureRelated, such as CreateProfile, for "
        "owners that have none: those who were there before the receiver, and those of "
        "bulk_create(). Each batch is a transaction of its own: stopping it at any time loses "
        "nothing, and the next call goes on. Conditions and hooks of the receivers are asked."
    )

    @classmethod
    def add_arguments(cls, parser: ArgumentParser) -> None:
        """Add for whom, where, and how much to do at once."""
        parser.add_argument(
            "receiver",
            nargs="*",
            default=[],
            help="The names of receivers, as `signalkit list` calls them (all that are there).",
        )
        parser.add_argument(
            "--database",
            default=DEFAULT_DB_ALIAS,
            metavar="ALIAS",
            help=f"The database of the owners, and of the rows ({DEFAULT_DB_ALIAS}).",
        )
        parser.add_argument(
            "--batch",
            type=positive,
            default=BATCH,
            metavar="OWNERS",
            help=f"How many owners to look at in one transaction ({BATCH}).",
        )
        subcommand.add_pause(parser)
        parser.add_argument(
            "--dry-run", action="store_true", help="Say how many are missing, and make none."
        )

    def handle(self, **options: Any) -> None:
        """Make them.

        Raises:
            CommandError: something is named that is not there, a receiver is switched off, or a
                row is refused by the database.
        """
        using = options["database"]
        if using not in connections:
            raise CommandError(
                f"There is no database alias {using!r}.{nearest(using, connections)}",
                returncode=UNKNOWN_NAME,
            )
        options["batch"] = given(positive, options["batch"])
        receivers = self._chosen(options["receiver"])
        if not receivers:
            self.stdout.write("No receiver inherits from EnsureRelated, so there is nothing to do.")
        for declaration, receiver in receivers.items():
            try:
                self._backfill(declaration.name, receiver, using, options)
            except RelatedNotCreated as error:
                raise CommandError(f"{error} ({error.__cause__})") from error

    def _chosen(self, names: Any) -> dict[Declaration, EnsureRelated[Any]]:
        known = {each.name: each for each in ensuring_receivers()}
        names = [names] if isinstance(names, str) else list(names)
        for name in names:
            if name not in known:
                raise CommandError(
                    f"No receiver that is called {name!r} makes rows.{nearest(name, known)} "
                    f"There are: {', '.join(known) or 'none'}.",
                    returncode=UNKNOWN_NAME,
                )
            if is_off(known[name]):
                raise CommandError(f"{name} is switched off, and so are its rows.")
        chosen = {}
        for declaration, receiver in ensuring_receivers().items():
            if names and declaration.name not in names:
                continue
            if is_off(declaration):
                self.stderr.write(f"{declaration.name} is switched off: passed over.")
                continue
            chosen[declaration] = receiver
        return chosen

    def _backfill(
        self, name: str, receiver: EnsureRelated[Any], using: str, options: dict[str, Any]
    ) -> None:
        dry_run, verbosity = options["dry_run"], options["verbosity"]
        terminal = self.stdout.isatty() and verbosity == 1
        began, progress = time.monotonic(), Progress(0, 0, 0)
        for progress in backfill(receiver, using, batch=options["batch"], dry_run=dry_run):
            said = f"{progress.looked_at / progress.owners:4.0%}  {_made(progress, dry_run)}"
            if terminal:
                self.stdout.write(f"\r{said}", ending="")
                self.stdout.flush()
            elif verbosity > 1:
                self.stdout.write(said)
                self.stdout.flush()
            time.sleep(options["pause"])
        if terminal and progress.looked_at:
            self.stdout.write("")
        if verbosity or dry_run:
            self.stdout.write(
                f"{name}: {_made(progress, dry_run)} for {progress.looked_at:,} owners, "
                f"in {time.monotonic() - began:.1f} s."
            )


def _made(progress: Progress, dry_run: bool) -> str:
    return f"{progress.made:,} {'missing' if dry_run else 'made'}"
