"""A test runner that proves the observer was there, and at work."""

import os
from collections import Counter
from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.dispatch import Signal
from django.test.runner import DiscoverRunner

from signalkit import bulk
from signalkit.bulk.signals import SIGNALS
from signalkit.signal_names import signal_name
from signalkit.transactions.entries import Moment
from signalkit.transactions.observer import STOOD_BEFORE, Observer

WATCHES = "SIGNALKIT_SUITE_BULK" in os.environ


def observer_of(connection: BaseDatabaseWrapper) -> Observer | None:
    """Return the observer that stands before all of a connection's methods, if one does."""
    owners = {getattr(getattr(connection, name), "__self__", None) for name in STOOD_BEFORE}
    if len(owners) == 1 and isinstance(owner := owners.pop(), Observer):
        return owner
    return None


class Witness:
    """Meets every connection and leaves before-commit work in every transaction on it.

    The work does nothing but count, so Django's tests must not notice it; without it the observer
    would step aside at every COMMIT, and the tests would say little about it.
    """

    def __init__(self) -> None:
        self.observed: Counter[str] = Counter()
        self.unobserved: Counter[str] = Counter()
        self.commits = 0

    def meet(self, *, connection: BaseDatabaseWrapper, **kwargs: object) -> None:
        """Look at a connection that has just been opened."""
        if observer_of(connection) is None:
            self.unobserved[connection.alias] += 1
            return
        self.observed[connection.alias] += 1
        if self.queue_work not in connection.execute_wrappers:
            connection.execute_wrappers.append(self.queue_work)

    def queue_work(
        self,
        execute: Callable[..., Any],
        sql: str,
        params: object,
        many: bool,
        context: dict[str, Any],
    ) -> Any:
        """Leave work in the transaction in which a statement is about to run."""
        connection: BaseDatabaseWrapper = context["connection"]
        blocks = connection.atomic_blocks
        # A TestCase's transaction has no COMMIT; there, work is an on_commit callback, and
        # Django's tests count these.
        if blocks and not getattr(blocks[0], "_from_testcase", False):
            observer = observer_of(connection)
            if observer is not None:
                observer.queue(Moment.BEFORE_COMMIT, self.count_commit, key="witness")
        return execute(sql, params, many, context)

    def count_commit(self) -> None:
        """Be the work."""
        self.commits += 1

    def verdict(self) -> str | None:
        """Return what is wrong with the run; None when the observer was everywhere."""
        if self.unobserved:
            return f"connections without an observer: {dict(self.unobserved)}"
        missing = {"default", "other"} - self.observed.keys()
        if missing:
            return f"no connection was opened on {', '.join(sorted(missing))}"
        if not self.commits:
            return "none of its before-commit work ran"
        return None


def watch_everything() -> Counter[str]:
    """Watch all models that are loaded; return what counts the bulk writes told of, by kind."""
    told: Counter[str] = Counter()

    def count(signal: Signal, **kwargs: object) -> None:
        told[signal_name(signal)] += 1

    models = apps.get_models(include_auto_created=True)
    # Without the keys: they take a query, and Django's tests count these.
    bulk.watch(*(model for model in models if not model._meta.swapped))
    for signal in SIGNALS:
        signal.connect(count, weak=False)
    return told


class ObservedRunner(DiscoverRunner):
    """Django's runner, which fails when signalkit was not at work on every connection."""

    def run_tests(self, test_labels: list[str], **kwargs: Any) -> int:
        """Run the tests; return the number of failures."""
        apps.get_app_config("signalkit")
        witness = Witness()
        connection_created.connect(witness.meet)
        told = watch_everything() if WATCHES else None
        failures = super().run_tests(test_labels, **kwargs)
        problem = witness.verdict()
        if told is not None:
            self.log(f"signalkit told of bulk writes: {dict(told)}")
            problem = problem or (None if told else "no bulk write was told of")
        if problem is not None:
            self.log(f"signalkit's observer was not at work: {problem}")
            return failures + 1
        self.log(
            f"signalkit observed {witness.observed.total()} connections "
            f"and worked in {witness.commits} commits"
        )
        return failures
