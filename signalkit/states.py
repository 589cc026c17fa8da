"""The few named states that receivers and their runs can be in."""

from __future__ import annotations

from enum import Enum


class Phase(Enum):
    """When a receiver runs, relative to the transaction of the send."""

    INLINE = "inline"
    """At the send, inside the sender's transaction, as Django does."""

    BEFORE_COMMIT = "before_commit"
    """The last thing inside the outermost transaction; at once when there is none."""

    AFTER_COMMIT = "after_commit"
    """Once the outermost transaction is committed; at once when there is none."""

    AFTER_ROLLBACK = "after_rollback"
    """Once what surrounded the send was rolled back; never when there is no transaction."""

    DURABLE = "durable"
    """After commit, owed even if the process dies. Needs an app that runs it; this version brings
    none."""


class Outcome(Enum):
    """How one run of one receiver stands."""

    SCHEDULED = "scheduled"
    """Queued for a later phase."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"

    VETOED = "vetoed"
    """It raised :class:`~signalkit.exceptions.Veto`."""

    ROLLED_BACK = "rolled_back"
    """It was scheduled and will not run, for what it was waiting for was rolled back."""

    SKIPPED = "skipped"
    """A condition, a switch or the guard against re-entry has kept it from running."""
