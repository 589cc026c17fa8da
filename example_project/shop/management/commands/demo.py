"""`manage.py demo`: a day in the shop, told by what its receivers do."""

import io
import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError, OutputWrapper

import signalkit
from shop.demo import plain
from shop.demo.builtin import builtin_signals
from shop.demo.look import Look, look_at
from shop.demo.narrator import Narrator
from shop.demo.recorder import Recorder
from shop.demo.scenario import DAY
from shop.demo.stage import Stage, Step, set_up
from signalkit.exceptions import UnknownReceiver


class Command(BaseCommand):
    """Play the day, and say which of Django's signals were observed."""

    help = (
        "Plays a day in the shop on a database of its own, shows which receivers ran when, and "
        "fails unless a receiver ran for every signal that Django has. With -v 0 it says only "
        "whether it did, with -v 2 it tells every run of every receiver."
    )
    # It has a database of its own; the state of yours does not matter. System checks may look into
    # yours (from Django 6.1 on those of models do), and receivers of that would be on record there.
    requires_migrations_checks = False
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--without",
            action="append",
            default=[],
            metavar="RECEIVER",
            help="Disable a receiver, such as accounts.KeepBasket. May be given several times.",
        )

    def handle(self, *args: Any, without: list[str], **options: Any) -> None:
        if hasattr(sys.stdout, "reconfigure"):
            # A terminal that cannot show a check mark is no reason to fail.
            sys.stdout.reconfigure(errors=plain.ERRORS)
        try:
            self._play(without, **options)
            self.stdout.flush()
        except BrokenPipeError:
            # Whoever read along has seen enough. Python flushes once more when it ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)

    def _play(
        self,
        without: list[str],
        *,
        verbosity: int,
        force_color: bool,
        no_color: bool,
        **options: Any,
    ) -> None:
        look = look_at(self.stdout, force_color=force_color, no_color=no_color)
        out = self.stdout if verbosity else OutputWrapper(io.StringIO())
        narrator, recorder = Narrator(out, look, fold=verbosity < 2), Recorder()
        play(recorder, narrator, look, without)
        signals = builtin_signals()
        observed = {name: recorder.observed[signal] for name, signal in signals.items()}
        narrator.summary(observed)
        missing = [name for name, times in observed.items() if not times]
        paint = look.style.ERROR if missing else look.style.SUCCESS
        seen, known = len(observed) - len(missing), len(observed)
        self.stdout.write(paint(f"{seen} of {known} built-in signals observed"))
        complain(missing, recorder.failed)


def play(recorder: Recorder, narrator: Narrator, look: Look, without: list[str]) -> None:
    """Play every step, without some receivers.

    Raises:
        CommandError: there is no such receiver.
    """
    with set_up(recorder, look) as stage:
        try:
            signalkit.disable(*without)
        except UnknownReceiver as unknown:
            raise CommandError(str(unknown)) from unknown
        try:
            narrator.legend()
            with recorder.watching():
                for step in DAY:
                    narrator.title(step.title, step.why)
                    perform(step, stage)
                    narrator.tell(recorder.take())
        finally:
            signalkit.enable(*without)


def perform(step: Step, stage: Stage) -> None:
    """Perform one step. One that breaks is something that must not be, and ends nothing else."""
    try:
        step.act(stage)
    except Exception as error:  # noqa: BLE001  (whatever it is, it is told, and the demo fails)
        stage.expect(f"“{step.title}” goes well, not: {type(error).__name__}: {error}", False)


def complain(missing: list[str], failed: list[str]) -> None:
    """Fail when a signal was not observed, or something was not as it must be.

    Raises:
        CommandError: naming all of it.
    """
    complaints = []
    if missing:
        complaints.append(f"No receiver ran for: {', '.join(missing)}.")
    if failed:
        complaints.append(f"This was not so: {'; '.join(failed)}.")
    if complaints:
        raise CommandError(" ".join(complaints))
