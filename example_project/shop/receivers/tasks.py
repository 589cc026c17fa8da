"""The life of a background task. Imported on Django 6 and later, which has them."""

import logging

from signalkit.builtin_events import TaskEnqueued, TaskFinished, TaskStarted
from signalkit.receivers import TaskReceiver

from ..pulse import pulse

logger = logging.getLogger(__name__)


class FollowTasks(TaskReceiver):
    """Follow background tasks, and tell the bookseller of one that failed.

    Whoever enqueued a task has long gone on, so nobody sees its exception. The signal of its end
    is the one place where all of them pass.
    """

    on_error = "isolate"

    def on_enqueued(self, event: TaskEnqueued) -> None:
        """Count the tasks that wait."""
        pulse.seen["tasks enqueued"] += 1

    def on_started(self, event: TaskStarted) -> None:
        """Count those that a worker took up."""
        pulse.seen["tasks started"] += 1

    def on_finished(self, event: TaskFinished) -> None:
        """Count the outcome, and log a failure with the kind of its error."""
        if not event.has_failed:
            pulse.seen["tasks finished"] += 1
            return
        pulse.seen["tasks failed"] += 1
        # The kind alone: messages and tracebacks may hold what customers typed.
        *_, last = event.errors
        name = event.task_result.task.name
        logger.warning("Task %s failed with %s", name, last.exception_class_path)
