"""Django's own tasks: run where they are enqueued, and by a worker."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import django
import pytest
from django.contrib.auth.models import User
from django.test import RequestFactory

from signalkit.context import current, use
from signalkit.context.carry import carried, resumed
from signalkit.context.current import CONTEXT

if django.VERSION < (6, 0):
    pytest.skip("Django has tasks from 6.0 on", allow_module_level=True)

from django.tasks import task, task_backends
from django.tasks.signals import task_enqueued, task_finished, task_started

from signalkit.contrib.django_tasks import _begin, _end, install
from tests.context.showing import shown

IMMEDIATE = "django.tasks.backends.immediate.ImmediateBackend"
QUEUED = "tests.context.queued.QueuedBackend"


@task
def tell() -> dict[str, Any]:
    return shown(current())


@task
def fail() -> None:
    use(actor="never ended").__enter__()
    raise LookupError


@task
def interrupt() -> None:
    raise KeyboardInterrupt


@task
def tell_inside() -> list[Any]:
    before = shown(current())
    inner = tell.enqueue().return_value
    return [before, inner, shown(current())]


@task
def tell_what_was_handed_on(context: dict[str, str]) -> dict[str, Any]:
    with resumed(context, detail="handed on"):
        return shown(current())


@pytest.fixture(autouse=True)
def installed() -> Iterator[None]:
    assert CONTEXT.get() is None
    install()
    install()
    yield
    task_started.disconnect(_begin, dispatch_uid="signalkit.task_started")
    task_finished.disconnect(_end, dispatch_uid="signalkit.task_finished")
    assert CONTEXT.get() is None


class TestAtOnce:
    @pytest.fixture(autouse=True)
    def backend(self, settings: Any) -> None:
        settings.TASKS = {"default": {"BACKEND": IMMEDIATE}}

    def test_what_is_around_it_is_its_cause(self, rf: RequestFactory) -> None:
        request = rf.get("/orders/")
        request.user = User(pk=7, username="eve")
        with use(request=request, source="request", correlation_id="abcdefgh") as around:
            seen = tell.enqueue().return_value
            assert current() is around
        assert seen["correlation_id"] == "abcdefgh"
        assert seen["actor"] == ["auth.User", "7", "eve"]
        assert (seen["source"], seen["detail"]) == ("task", "tests.context.test_django_tasks.tell")

    def test_without_one_it_is_the_process(self) -> None:
        assert tell.enqueue().return_value["correlation_id"] == current().correlation_id
        assert CONTEXT.get() is None

    def test_one_inside_of_another(self) -> None:
        with use(actor="import"):
            before, inner, after = tell_inside.enqueue().return_value
        assert before == after
        assert inner["detail"] == "tests.context.test_django_tasks.tell"
        assert before["detail"] == "tests.context.test_django_tasks.tell_inside"

    def test_one_that_fails(self) -> None:
        with use(actor="import") as around:
            assert fail.enqueue().status == "FAILED"
            assert current() is around

    def test_one_that_is_interrupted_ends_with_what_is_around_it(self) -> None:
        with use(actor="import"), pytest.raises(KeyboardInterrupt):
            interrupt.enqueue()
        assert CONTEXT.get() is None

    def test_what_the_signals_of_a_task_see(self) -> None:
        seen = {}

        def enqueued(**kwargs: Any) -> None:
            seen["enqueued"] = current().source

        def started(**kwargs: Any) -> None:
            seen["started"] = current().source

        task_enqueued.connect(enqueued)
        task_started.connect(started)
        try:
            tell.enqueue()
        finally:
            task_enqueued.disconnect(enqueued)
            task_started.disconnect(started)
        assert seen == {"enqueued": "process", "started": "task"}


class TestInAWorker:
    @pytest.fixture(autouse=True)
    def backend(self, settings: Any) -> None:
        settings.TASKS = {"default": {"BACKEND": QUEUED}}

    def worked(self) -> list[Any]:
        """Let a worker run what is queued, in a thread of its own."""
        backend: Any = task_backends["default"]
        results: list[Any] = []
        thread = threading.Thread(target=lambda: results.extend(backend.work()))
        thread.start()
        thread.join()
        return results

    def test_its_cause_is_the_task(self) -> None:
        with use(actor="import", reason="because", correlation_id="abcdefgh"):
            one, two = tell.enqueue(), tell.enqueue()
        first, second, still = self.worked()
        assert (first["correlation_id"], second["correlation_id"]) == (one.id, two.id)
        assert (first["source"], first["detail"]) == (
            "task",
            "tests.context.test_django_tasks.tell",
        )
        assert (first["actor"], first["reason"]) == (None, "")
        assert still is None

    def test_what_is_handed_on(self) -> None:
        with use(actor="import", correlation_id="abcdefgh"):
            tell_what_was_handed_on.enqueue(carried())
        (seen, still) = self.worked()
        assert (seen["correlation_id"], seen["actor"]) == ("abcdefgh", ["system", "", "import"])
        assert still is None
