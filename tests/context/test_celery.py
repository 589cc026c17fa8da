"""Celery: what a task, in a real worker and behind a real broker, knows of who sent it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.test import RequestFactory

from signalkit.context import Actor, current, use
from signalkit.context.current import CONTEXT
from tests.conftest import CI

celery = pytest.importorskip("celery")

REPOSITORY = Path(__file__).resolve().parents[2]
RABBITMQ = os.environ.get("SIGNALKIT_TEST_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672//")
REDIS = os.environ.get("SIGNALKIT_TEST_REDIS_URL", "redis://127.0.0.1:6379/0")
BROKERS = {"rabbitmq": (RABBITMQ, "rpc://"), "redis": (REDIS, REDIS)}


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    assert CONTEXT.get() is None
    yield
    assert CONTEXT.get() is None


@pytest.fixture(scope="module", params=list(BROKERS))
def app(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Yield a Celery app with one worker process behind a real broker."""
    from tests.context import celery_project as project

    broker, backend = BROKERS[request.param]
    address = urlsplit(broker)
    try:
        socket.create_connection((address.hostname, address.port), timeout=5).close()
    except OSError as error:
        reason = f"no {request.param} at {address.hostname}:{address.port} ({error})"
        if CI:
            pytest.fail(f"{reason}, and in CI a missing service fails")
        pytest.skip(reason)
    if request.param == "redis":
        pytest.importorskip("redis")
    queue = f"signalkit-tests-{uuid.uuid4().hex}"
    environment = {project.BROKER: broker, project.BACKEND: backend, project.QUEUE: queue}
    worker = subprocess.Popen(
        [
            # Django's checks ask the database, which a test run has under another name.
            *(sys.executable, "-m", "celery", "--skip-checks"),
            *("-A", "tests.context.celery_project", "worker"),
            *("--pool=prefork", "--concurrency=1", "--loglevel=WARNING"),
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        ],
        cwd=REPOSITORY,
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    ours = celery.Celery("signalkit-tests-client", set_as_current=False)
    ours.conf.update(broker_url=broker, result_backend=backend, task_default_queue=queue)
    try:
        yield ours
    finally:
        worker.terminate()
        worker.wait(30)
        with ours.connection_for_write() as connection:
            channel: Any = connection.default_channel
            channel.queue_delete(queue)
            if request.param == "redis":
                channel.client.delete(*channel.client.keys(f"_kombu.binding*.{queue}"))
            else:
                channel.exchange_delete(queue)
        # it holds the connection on which the results come
        ours.backend.result_consumer.stop()
        ours.close()


def sent(app: Any, name: str, *args: Any, **options: Any) -> Any:
    result = app.send_task(f"tests.context.celery_project.{name}", args, **options)
    try:
        return result.get(timeout=30)
    finally:
        result.forget()


class TestInAWorker:
    def test_it_goes_on_with_the_sender_s_context(self, app: Any, rf: RequestFactory) -> None:
        request = rf.get("/orders/")
        request.user = User(pk=7, username="eve")
        with use(request=request, source="request", correlation_id="abcdefgh", reason="because"):
            seen = sent(app, "tell")
        assert seen["correlation_id"] == "abcdefgh"
        assert seen["actor"] == ["auth.User", "7", "eve"]
        assert seen["reason"] == "because"
        assert seen["source"] == "task"
        assert seen["detail"] == "tests.context.celery_project.tell"

    def test_without_one_its_cause_is_the_task(self, app: Any) -> None:
        one, two = (sent(app, "tell") for _ in range(2))
        for seen in (one, two):
            assert (seen["actor"], seen["reason"], seen["source"]) == (None, "", "task")
            assert seen["correlation_id"] == seen["task_id"]
        assert one["correlation_id"] != two["correlation_id"]

    def test_the_next_task_of_the_worker_has_nothing_of_it(self, app: Any) -> None:
        with use(actor="import", reason="because"):
            sent(app, "tell")
            with pytest.raises(LookupError):
                sent(app, "fail")
        seen = sent(app, "tell")
        assert (seen["actor"], seen["reason"]) == (None, "")

    def test_a_retry_goes_on_with_it(self, app: Any) -> None:
        with use(actor="import", correlation_id="abcdefgh"):
            seen = sent(app, "tell_at_the_second_attempt")
        assert (seen["actor"], seen["reason"]) == (["system", "", "import"], "")
        assert seen["correlation_id"] == "abcdefgh"

    def test_a_retry_goes_on_with_what_held_when_it_was_sent(self, app: Any) -> None:
        with use(actor="import", reason="because", correlation_id="abcdefgh"):
            result = app.send_task(
                "tests.context.celery_project.tell_at_the_second_attempt",
                kwargs={"actor": None, "reason": ""},
            )
        seen = result.get(timeout=30)
        result.forget()
        assert (seen["actor"], seen["reason"]) == (None, "")
        assert seen["correlation_id"] == "abcdefgh"

    def test_so_does_a_chain(self, app: Any) -> None:
        chain = celery.chain(
            app.signature("tests.context.celery_project.tell"),
            app.signature("tests.context.celery_project.tell_with_what_was_told"),
        )
        with use(actor="import", correlation_id="abcdefgh"):
            result = chain.apply_async()
        first, second = result.get(timeout=30)
        result.forget()
        assert first["correlation_id"] == second["correlation_id"] == "abcdefgh"
        assert first["actor"] == second["actor"] == ["system", "", "import"]

    def test_headers_are_not_believed_blindly(self, app: Any) -> None:
        headers = {
            "signalkit_correlation_id": "line\nbreak",
            "signalkit_actor_type": "auth.User",
            "signalkit_actor_id": "7" * 1000,
            "signalkit_actor_label": "eve",
            "signalkit_reason": 7,
        }
        # A sender without signalkit: nothing replaces these.
        from celery import signals

        from signalkit.contrib.celery import _publish, install

        signals.before_task_publish.disconnect(_publish, dispatch_uid="signalkit._publish")
        try:
            seen = sent(app, "tell", headers=headers)
        finally:
            install()
        assert (seen["actor"], seen["reason"]) == (None, "")
        assert seen["correlation_id"] == seen["task_id"]


class TestInThisProcess:
    def test_a_message_is_resumed_and_nothing_stays(self) -> None:
        from celery.app.trace import build_tracer

        from tests.context import celery_project as project

        trace = build_tracer(project.tell.name, project.tell, app=project.app)
        sent = {"signalkit_correlation_id": "abcdefgh", "signalkit_reason": "because"}
        with use(actor="whoever runs the worker") as around:
            result = trace("the-task", (), {}, {"id": "the-task", "delivery_info": {}, **sent})
            assert current() is around
        assert result.info is None
        seen = project.app.AsyncResult("the-task").get(timeout=5)
        assert (seen["correlation_id"], seen["reason"]) == ("abcdefgh", "because")
        assert seen["actor"] is None


class TestCalledAtOnce:
    def test_what_is_around_it_is_its_cause(self, rf: RequestFactory) -> None:
        from tests.context import celery_project as project

        request = rf.get("/orders/")
        request.user = User(pk=7, username="eve")
        with use(request=request, source="request", correlation_id="abcdefgh") as around:
            seen = project.tell.apply().get()
            assert current() is around
        assert seen["correlation_id"] == "abcdefgh"
        assert seen["actor"] == ["auth.User", "7", "eve"]
        assert (seen["source"], seen["detail"]) == ("task", "tests.context.celery_project.tell")

    def test_a_retry_inside_of_itself(self) -> None:
        from tests.context import celery_project as project

        with use(actor="import") as around:
            seen = project.tell_at_the_second_attempt.apply().get()
            assert current() is around
        assert seen["source"] == "task"

    def test_a_task_that_fails(self) -> None:
        from tests.context import celery_project as project

        with use(actor="import") as around:
            with pytest.raises(LookupError):
                project.fail.apply(throw=True)
            assert current() is around
            assert around.actor == Actor("system", "", "import")
