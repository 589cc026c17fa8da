"""Django's own tasks: each runs in a context of its own.

Call it in the ``ready()`` of an app that has tasks::

    from signalkit.contrib.django_tasks import install

    install()

Django keeps nothing with a task but its arguments, so that a worker in another process does not
learn who enqueued it. Hand it on yourself, see :mod:`signalkit.context.carry`.
"""

from __future__ import annotations

from typing import Any

from signalkit.context import use
from signalkit.context.carry import resumed
from signalkit.context.current import CONTEXT
from signalkit.contrib.running import begin, end

try:
    from django.tasks.backends.immediate import ImmediateBackend
    from django.tasks.signals import task_finished, task_started
except ImportError as error:
    raise ImportError(
        "signalkit.contrib.django_tasks needs Django 6.0 or later, which has tasks of its own. "
        "Take it out, or upgrade Django."
    ) from error

__all__ = ["install"]


def install() -> None:
    """Have every task of this process run in a context. A second call changes nothing.

    Receivers of ``task_started`` that are connected before see a task begin without its context,
    and those of ``task_finished`` that are connected later see it end without.
    """
    task_started.connect(_begin, dispatch_uid="signalkit.task_started")
    task_finished.connect(_end, dispatch_uid="signalkit.task_finished")


def _begin(sender: type, task_result: Any, **kwargs: Any) -> None:
    detail = task_result.task.module_path
    if CONTEXT.get() is not None or issubclass(sender, ImmediateBackend):
        # It runs where it was enqueued, and what is around it is its cause.
        begin(task_result.id, use(source="task", detail=detail))
    else:
        begin(task_result.id, resumed({}, detail=detail, correlation_id=task_result.id))


def _end(sender: type, task_result: Any, **kwargs: Any) -> None:
    end(task_result.id)
