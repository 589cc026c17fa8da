"""Django's own tasks, where Django has them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import django
import pytest
from django.test import override_settings

from signalkit.builtin_events import TaskEnqueued, TaskFinished, TaskStarted
from signalkit.exceptions import DeclarationError
from signalkit.receivers import TaskReceiver

HAS_TASKS = django.VERSION >= (6, 0)
with_tasks = pytest.mark.skipif(not HAS_TASKS, reason="Django has tasks from 6.0 on")

IMMEDIATE = {"default": {"BACKEND": "django.tasks.backends.immediate.ImmediateBackend"}}


def work(fails: bool) -> None:
    if fails:
        raise LookupError("nothing to do")


@pytest.mark.skipif(HAS_TASKS, reason="it has them")
def test_a_django_without_tasks_is_told_of_at_the_declaration() -> None:
    with pytest.raises(DeclarationError, match=r"tasks of its own from 6\.0 on, and this is 5\.2"):

        class Tasks(TaskReceiver):
            def on_started(self, event: TaskStarted) -> None: ...


def test_a_base_can_be_declared_anywhere() -> None:
    class Base(TaskReceiver, abstract=True):
        def on_started(self, event: TaskStarted) -> None: ...


@with_tasks
class TestTasks:
    @pytest.fixture(autouse=True)
    def immediate(self) -> Iterator[None]:
        with override_settings(TASKS=IMMEDIATE):
            yield

    def test_a_life(self) -> None:
        from django.tasks import task

        seen: list[Any] = []

        class Tasks(TaskReceiver):
            def on_enqueued(self, event: TaskEnqueued) -> None:
                seen.append(("enqueued", event.task, event.task_id))

            def on_started(self, event: TaskStarted) -> None:
                seen.append(("started", event.task_id))

            def on_finished(self, event: TaskFinished) -> None:
                seen.append(("finished", event.has_failed, [*event.errors]))

        result = task(work).enqueue(False)
        assert seen == [
            ("enqueued", f"{__name__}.work", result.id),
            ("started", result.id),
            ("finished", False, []),
        ]

    def test_a_failure(self) -> None:
        from django.tasks import task

        seen: list[Any] = []

        class Tasks(TaskReceiver):
            def on_finished(self, event: TaskFinished) -> None:
                (error,) = event.errors
                seen.append((event.has_failed, error.exception_class))

        task(work).enqueue(True)
        assert seen == [(True, LookupError)]
