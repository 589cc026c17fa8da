"""The contexts of tasks that are told of by two signals, one when they begin and one at the end."""

from __future__ import annotations

from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import Any

_RUNNING: ContextVar[tuple[tuple[str, AbstractContextManager[Any]], ...]] = ContextVar(
    "signalkit_tasks", default=()
)


def begin(task_id: str, block: AbstractContextManager[Any]) -> None:
    """Enter the context of a task.

    Args:
        task_id: what :func:`end` is called with. A task may begin inside of itself.
        block: the context.
    """
    block.__enter__()
    _RUNNING.set((*_RUNNING.get(), (task_id, block)))


def end(task_id: str) -> None:
    """Leave the context of a task, and of those inside of it whose end nobody told."""
    running = _RUNNING.get()
    for place in reversed(range(len(running))):
        if running[place][0] == task_id:
            _RUNNING.set(running[:place])
            running[place][1].__exit__(None, None, None)
            return
