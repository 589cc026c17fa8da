"""The one table: append-only, narrow, without a foreign key to anything."""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn

from django.db import models

from signalkit.runs.exceptions import AppendOnly
from signalkit.runs.fields import ExactCharField
from signalkit.runs.querysets import RunManager
from signalkit.states import Outcome, Phase


class ReceiverRun(models.Model):
    """How one run of one receiver stood at one moment.

    A run that was announced has two rows with one :attr:`run`: ``scheduled``, and later what came
    of it. Rows are never changed.

    Nothing here refers to another table. What a foreign key leads to can be deleted, and would take
    the record with it, or be kept from going.
    """

    OUTCOMES: ClassVar = [(outcome.value, outcome.value.replace("_", " ")) for outcome in Outcome]
    PHASES: ClassVar = [(phase.value, phase.value.replace("_", " ")) for phase in Phase]

    id = models.BigAutoField(primary_key=True)
    run = models.BigIntegerField(help_text="What the rows of one run have in common.")
    parent = models.BigIntegerField(
        null=True, help_text="The run that the event was sent in; empty outside of any."
    )
    receiver = ExactCharField(max_length=200, help_text="Its name.")
    signal = models.CharField(max_length=100)
    sender = models.CharField(max_length=200, blank=True)
    object = ExactCharField(
        max_length=200, blank=True, help_text="What the signal was about, as app.Model:pk."
    )
    phase = models.CharField(max_length=16, choices=PHASES)
    outcome = models.CharField(max_length=16, choices=OUTCOMES)
    attempt = models.PositiveSmallIntegerField(default=1)
    started = models.DateTimeField(help_text="When it began, or was scheduled or skipped.")
    duration = models.BigIntegerField(
        null=True, help_text="In microseconds; empty for what has not run."
    )
    queries = models.IntegerField(
        null=True, help_text="Statements that it sent, on all databases; empty if it has not run."
    )
    error = models.CharField(max_length=200, blank=True, help_text="The dotted type of its error.")
    message = models.TextField(blank=True, help_text="What the error said, masked and cut short.")
    traceback = models.TextField(blank=True, help_text="Where it was raised, without any values.")
    actor_type = models.CharField(max_length=100, blank=True)
    actor_id = models.CharField(max_length=64, blank=True)
    actor_label = models.CharField(max_length=150, blank=True)
    correlation = ExactCharField(max_length=64, blank=True)
    source = models.CharField(max_length=16, blank=True)
    detail = models.CharField(max_length=200, blank=True)
    reason = models.CharField(max_length=200, blank=True)
    address = models.CharField(max_length=45, blank=True)
    alias = models.CharField(max_length=64, blank=True, help_text="The database of its event.")

    objects = RunManager()

    class Meta:
        """Read by id, the newest first; every index costs each run that is recorded."""

        verbose_name = "receiver run"
        ordering = ["-id"]
        indexes = [
            # All of them end with the id: pages are read by it, newest first.
            models.Index(fields=["receiver", "id"], name="signalkit_run_receiver"),
            models.Index(fields=["object", "id"], name="signalkit_run_object"),
            models.Index(fields=["correlation", "id"], name="signalkit_run_correlation"),
            models.Index(fields=["run"], name="signalkit_run_run"),
            models.Index(fields=["outcome", "id"], name="signalkit_run_outcome"),
        ]

    def __str__(self) -> str:
        return f"{self.receiver} {self.outcome}"

    def save(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse: rows are written by signalkit, and never changed.

        Raises:
            AppendOnly: always.
        """
        raise AppendOnly(
            "A ReceiverRun is a record: it is written when a receiver runs, and never saved. To "
            "take old ones away, use manage.py signalkit prune."
        )

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse, as :meth:`save`.

        Raises:
            AppendOnly: always.
        """
        raise AppendOnly(
            "A ReceiverRun is a record and is not deleted by itself. To take old ones away, use "
            "manage.py signalkit prune."
        )
