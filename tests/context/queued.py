"""A backend of Django's tasks whose worker runs when it is told to."""

from __future__ import annotations

import uuid
from typing import Any

from django.tasks import TaskResult, TaskResultStatus
from django.tasks.backends.base import BaseTaskBackend
from django.tasks.signals import task_enqueued, task_finished, task_started

from signalkit.context.current import CONTEXT


class QueuedBackend(BaseTaskBackend):
    def __init__(self, alias: str, params: dict[str, Any]) -> None:
        super().__init__(alias, params)
        self.queue: list[Any] = []

    def enqueue(self, task: Any, args: Any, kwargs: Any) -> Any:
        result: Any = TaskResult(
            task=task,
            id=str(uuid.uuid4()),
            status=TaskResultStatus.READY,
            enqueued_at=None,
            started_at=None,
            last_attempted_at=None,
            finished_at=None,
            args=args,
            kwargs=kwargs,
            backend=self.alias,
            errors=[],
            worker_ids=[],
        )
        self.queue.append(result)
        task_enqueued.send(type(self), task_result=result)
        return result

    def work(self) -> list[Any]:
        """Run what is queued.

        Returns:
            what each task returned, and the context that is left.
        """
        returned: list[Any] = []
        while self.queue:
            result = self.queue.pop(0)
            task_started.send(type(self), task_result=result)
            returned.append(result.task.call(*result.args, **result.kwargs))
            task_finished.send(type(self), task_result=result)
        return [*returned, CONTEXT.get()]
