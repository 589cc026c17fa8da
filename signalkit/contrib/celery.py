"""Celery: a task goes on with the context of whoever sent it.

Call it in the module that makes the Celery app, which the site and its workers both import::

    from signalkit.contrib.celery import install

    install()
"""

from __future__ import annotations

from typing import Any

from signalkit.context import use
from signalkit.context.carry import NAMES, carried, resumed
from signalkit.contrib.running import begin, end

try:
    from celery import signals
except ImportError as error:
    raise ImportError(
        "signalkit.contrib.celery needs Celery. Install it: pip install 'django-signalkit[celery]'."
    ) from error

__all__ = ["install"]

_PREFIX = "signalkit_"


def install() -> None:
    """Have every Celery app of this process carry contexts. A second call changes nothing.

    Receivers of Celery's signals that are connected before see a task begin without its context,
    and those that are connected later see it end without.
    """
    for signal, receiver in (
        (signals.before_task_publish, _publish),
        (signals.task_prerun, _begin),
        (signals.task_postrun, _end),
    ):
        signal.connect(receiver, weak=False, dispatch_uid=f"signalkit.{receiver.__name__}")


def _publish(headers: dict[str, Any], **kwargs: Any) -> None:
    texts = carried()
    for name in NAMES:
        # A retry comes with the headers of the first attempt.
        headers.pop(_PREFIX + name, None)
        if name in texts:
            headers[_PREFIX + name] = texts[name]


def _begin(task_id: str, task: Any, **kwargs: Any) -> None:
    request = task.request
    if request.is_eager:
        # It was called rather than sent, and what is around it is its cause.
        begin(task_id, use(source="task", detail=task.name))
        return
    headers = {name: request.get(_PREFIX + name) for name in NAMES}
    begin(task_id, resumed(headers, detail=task.name, correlation_id=task_id))


def _end(task_id: str, **kwargs: Any) -> None:
    end(task_id)
