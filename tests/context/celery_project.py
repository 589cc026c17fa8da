"""What a Celery worker of the tests runs. The environment names its broker and its queue."""

from __future__ import annotations

import os
from typing import Any

import django
from celery import Celery

from signalkit.context import current, use
from signalkit.contrib.celery import install
from tests.context.showing import shown

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup(set_prefix=False)

BROKER = "SIGNALKIT_TEST_BROKER"
BACKEND = "SIGNALKIT_TEST_BACKEND"
QUEUE = "SIGNALKIT_TEST_QUEUE"

app = Celery("signalkit-tests")
app.conf.update(
    broker_url=os.environ.get(BROKER, "memory://"),
    result_backend=os.environ.get(BACKEND, "cache+memory://"),
    task_default_queue=os.environ.get(QUEUE, "signalkit-tests"),
    result_expires=60,
    worker_enable_remote_control=False,
    worker_hijack_root_logger=False,
)
install()
install()


def told() -> dict[str, Any]:
    task = app.current_task
    return {**shown(current()), "task_id": task.request.id if task else None}


@app.task
def tell() -> dict[str, Any]:
    return told()


@app.task(bind=True, default_retry_delay=0)
def tell_at_the_second_attempt(self: Any, **changes: Any) -> dict[str, Any]:
    if self.request.retries == 0:
        with use(**changes):
            raise self.retry()
    return told()


@app.task
def fail() -> None:
    use(actor="never ended").__enter__()
    raise LookupError


@app.task
def tell_with_what_was_told(before: dict[str, Any]) -> list[dict[str, Any]]:
    return [before, told()]
