"""What signalkit tells of its own work, written down for the page `/pulse/`."""

from typing import Any

from django.dispatch import receiver

from signalkit.dispatch.observation import Run, run_finished, run_rolled_back, run_scheduled

from ..journal import journal


@receiver([run_scheduled, run_finished, run_rolled_back])
def keep_journal(sender: None, run: Run, **kwargs: Any) -> None:
    """Write down the run.

    With Django's own decorator: a receiver of signalkit's would be told of, too, and so hear of
    itself for ever.
    """
    journal.note(run)
