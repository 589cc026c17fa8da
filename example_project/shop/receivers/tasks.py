"""The life of a background task. Imported on Django 6 and later, which has them."""

import logging
from typing import Any

from django.tasks import TaskResult, TaskResultStatus
from django.tasks.signals import task_enqueued, task_finished, task_started

import signalkit
from signalkit import Event, Receiver

from ..pulse import pulse

logger = logging.getLogger(__name__)


@signalkit.receiver([task_enqueued, task_started], name="shop.note_task")
def note_task(sender: type, signal: Any, task_result: TaskResult, **kwargs: Any) -> None:
    """Count the tasks that wait and those that a worker took up.

    One receiver for two signals; `signal`, which every receiver is given, tells them apart.
    """
    pulse.seen["tasks enqueued" if signal is task_enqueued else "tasks started"] += 1


class NoteEndOfTask(Receiver):
    """Tell the bookseller of a task that failed.

    Whoever enqueued a task has long gone on, so nobody sees its exception. This signal is the one
    place where all of them pass.
    """

    signal = task_finished
    on_error = "isolate"

    def handle(self, event: Event) -> None:
        """Count the outcome, and log a failure with the kind of its error."""
        result: TaskResult = event.task_result
        if result.status == TaskResultStatus.FAILED:
            pulse.seen["tasks failed"] += 1
            # The kind alone: messages and tracebacks may hold what customers typed.
            logger.warning(
                "Task %s failed with %s", result.task.name, result.errors[-1].exception_class_path
            )
        else:
            pulse.seen["tasks finished"] += 1
