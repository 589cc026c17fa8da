"""``TaskReceiver``: what becomes of Django's own tasks. They came with Django 6.0."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import django
from django.dispatch import Signal

from signalkit.builtin_events import TaskEnqueued, TaskFinished, TaskStarted
from signalkit.exceptions import DeclarationError
from signalkit.receivers.hooks import HookReceiver


class TaskReceiver(HookReceiver, abstract=True):
    """Reacts to Django's tasks. Write the methods that are wanted.

    ::

        class Failures(TaskReceiver):
            def on_finished(self, event):
                if event.has_failed:
                    print(event.task, event.task_id, [error.traceback for error in event.errors])

    Enqueued is where the task was called; started and finished is where a worker runs it. Tasks of
    other queues, such as Celery's, are no tasks of Django's unless they come through its backends.
    """

    def on_enqueued(self, event: TaskEnqueued) -> Any:
        """React to a task that was put into a queue."""

    def on_started(self, event: TaskStarted) -> Any:
        """React to a worker that begins with a task."""

    def on_finished(self, event: TaskFinished) -> Any:
        """React to a task that has ended, well or not: ``event.has_failed``."""

    @classmethod
    def signals_of_hooks(cls) -> Mapping[str, Signal]:
        """Return the signal of each hook.

        Raises:
            DeclarationError: this Django has no tasks.
        """
        if django.VERSION < (6, 0):
            raise DeclarationError(
                f"{cls.__module__}.{cls.__qualname__} is a TaskReceiver, but Django has tasks of "
                f"its own from 6.0 on, and this is {django.get_version()}. Take it out, or upgrade "
                "Django."
            )
        signals = import_module("django.tasks.signals")
        return {
            "on_enqueued": signals.task_enqueued,
            "on_started": signals.task_started,
            "on_finished": signals.task_finished,
        }


TaskReceiver.hooks_base = TaskReceiver
