"""What work after the commit costs, beside ``transaction.on_commit`` by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import transaction
from django.db.models.signals import post_save

from benchmarks import receivers
from benchmarks.measure import Comparison, Prepare, Repeat, Subject, Target
from benchmarks.receivers import Connected
from signalkit import Phase
from tests.testapp.models import Author

GROUP = "commits"

AFTER_COMMIT = Target(1.5)


def comparisons() -> list[Comparison]:
    """Return what this room compares."""
    return [
        _transactions("a transaction of 1 save", saving(1)),
        _transactions("a transaction of 100 saves", saving(100)),
        _transactions("a transaction of 1 send", sending(1)),
        _transactions("a transaction of 100 sends", sending(100)),
    ]


def saving(saves: int) -> Callable[[Connected], Prepare]:
    """Return transactions that save a row which is there already, so that no table grows."""

    def with_receiver(connected: Connected) -> Prepare:
        @contextmanager
        def prepare() -> Iterator[Repeat]:
            author, _ = Author.objects.get_or_create(name="Ada")

            def repeat(count: int) -> None:
                for _ in range(count):
                    with transaction.atomic():
                        for _ in range(saves):
                            author.save()

            with connected(post_save):
                yield repeat

        return prepare

    return with_receiver


def sending(sends: int) -> Callable[[Connected], Prepare]:
    """Return transactions without a single statement, so that nothing hides the receivers."""

    def with_receiver(connected: Connected) -> Prepare:
        @contextmanager
        def prepare() -> Iterator[Repeat]:
            send, author = post_save.send, Author(name="Ada")

            def repeat(count: int) -> None:
                for _ in range(count):
                    with transaction.atomic():
                        for _ in range(sends):
                            send(
                                sender=Author,
                                instance=author,
                                created=False,
                                update_fields=None,
                                raw=False,
                                using="default",
                            )

            with connected(post_save):
                yield repeat

        return prepare

    return with_receiver


def _transactions(title: str, with_receiver: Callable[[Connected], Prepare]) -> Comparison:
    after = Phase.AFTER_COMMIT
    once = {"phase": after, "once_per_transaction": True}
    return Comparison(
        GROUP,
        title,
        Subject("on_commit by hand", with_receiver(receivers.plain_on_commit())),
        [
            Subject(
                "function: AFTER_COMMIT",
                with_receiver(receivers.function(phase=after)),
                AFTER_COMMIT,
            ),
            Subject(
                "class: AFTER_COMMIT",
                with_receiver(receivers.model_receiver(phase=after)),
                AFTER_COMMIT,
            ),
            Subject(
                "class: BEFORE_COMMIT",
                with_receiver(receivers.model_receiver(phase=Phase.BEFORE_COMMIT)),
            ),
            Subject(
                "class: AFTER_COMMIT, once_per_transaction",
                with_receiver(receivers.model_receiver(**once)),
            ),
        ],
        slice_ms=10,
    )
