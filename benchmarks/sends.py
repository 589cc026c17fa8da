"""What one send costs: receivers of signalkit beside plain ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from django.db.models import Model
from django.db.models.signals import post_save
from django.dispatch import Signal

import signalkit
from benchmarks import receivers
from benchmarks.measure import NO_DIFFERENCE, Comparison, Prepare, Repeat, Subject, Target
from benchmarks.receivers import Connected
from signalkit import TypedSignal
from signalkit.dispatch.observation import run_finished
from tests.testapp.models import Author, Book

GROUP = "sends"

FUNCTION = Target(1.5)
CLASS = Target(2.5)

# As ModelSignal is made: Django remembers who listens to whom.
_cached = Signal(use_caching=True)
_elsewhere = Signal()
_connected_for_good = ExitStack()


def comparisons() -> list[Comparison]:
    """Return what this room compares."""
    return [
        _one_send("one send of post_save", post_save),
        _one_send("one send of Signal(use_caching=True)", _cached),
        *(_several(count) for count in (10, 100)),
        _nobody_meant(),
        _typed(),
    ]


def sending(connected: Connected, signal: Signal, sender: type[Model] = Author) -> Prepare:
    """Return the sends of a signal while receivers of :class:`Author` are connected."""

    @contextmanager
    def prepare() -> Iterator[Repeat]:
        send, instance = signal.send, sender()

        def repeat(count: int) -> None:
            for _ in range(count):
                send(
                    sender=sender,
                    instance=instance,
                    created=True,
                    update_fields=None,
                    raw=False,
                    using="default",
                )

        with connected(signal):
            yield repeat

    return prepare


def _one_send(title: str, signal: Signal) -> Comparison:
    created = receivers.function(created=True)
    when = receivers.function(when=_always)
    by_class = receivers.model_receiver(created=True)
    isolated = receivers.model_receiver(created=True, on_error="isolate")
    named: list[tuple[str, Connected, Target | None]] = [
        ("@receiver without keywords", receivers.drop_in(), NO_DIFFERENCE),
        ("function: created", created, FUNCTION),
        ("function: when", when, FUNCTION),
        ("class: created", by_class, CLASS),
        ("class: created, isolate", isolated, CLASS),
        ("function: created; another one disabled", _beside_a_disabled(created), FUNCTION),
        ("class: created; another one disabled", _beside_a_disabled(by_class), CLASS),
        ("function: reentry=skip", receivers.function(reentry="skip"), None),
        ("function: isolate", receivers.function(on_error="isolate"), None),
        ("function: created; runs watched", _watched(created), None),
        ("class: created; runs watched", _watched(by_class), None),
    ]
    if signal is post_save:  # no other signal here knows of fixtures
        both = receivers.function(created=True, raw=False)
        everything = receivers.function(created=True, raw=False, when=_always)
        named[2:2] = [("function: created, raw", both, FUNCTION)]
        named[4:4] = [("function: created, raw, when", everything, FUNCTION)]
    return Comparison(
        GROUP,
        title,
        Subject("plain receiver", sending(receivers.plain(), signal)),
        [Subject(name, sending(each, signal), target) for name, each, target in named],
        rounds=3,
    )


def _several(count: int) -> Comparison:
    return Comparison(
        GROUP,
        f"{count} receivers of one sender",
        Subject(f"{count} plain", _sending_to_many(receivers.many_plain(count), Author)),
        [
            Subject(
                f"{count} functions: created",
                _sending_to_many(receivers.many_functions(count, created=True), Author),
            )
        ],
    )


def _nobody_meant() -> Comparison:
    plain, declared = receivers.many_plain(100), receivers.many_functions(100, created=True)
    return Comparison(
        GROUP,
        "100 receivers, all of another sender",
        Subject("100 plain", _sending_to_many(plain, Book)),
        [Subject("100 functions", _sending_to_many(declared, Book), NO_DIFFERENCE)],
        rounds=3,
    )


@dataclass(frozen=True, kw_only=True)
class _Saved:
    instance: Author
    created: bool
    update_fields: frozenset[str] | None
    raw: bool
    using: str


def _typed() -> Comparison:
    """Compare who checks five keywords with who does not; the receiver is a plain one."""
    plain = receivers.plain()
    named = [
        ("TypedSignal", TypedSignal(_Saved)),
        ("TypedSignal(use_caching=True)", TypedSignal(_Saved, use_caching=True)),
    ]
    return Comparison(
        GROUP,
        "one send of a signal of one's own, its keywords checked",
        Subject("Signal(use_caching=True)", sending(plain, _cached)),
        [
            Subject("Signal", sending(plain, Signal())),
            *(Subject(name, sending(plain, signal)) for name, signal in named),
        ],
        rounds=3,
    )


def _sending_to_many(connected: Connected, sender: type[Model]) -> Prepare:
    """Return the sends of a signal to which receivers stay connected: many take their time."""
    signal = Signal(use_caching=True)
    _connected_for_good.enter_context(connected(signal))
    return sending(_nothing_more, signal, sender)


@contextmanager
def _nothing_more(signal: Signal) -> Iterator[None]:
    yield


def _always(**kwargs: Any) -> bool:
    return True


@signalkit.receiver(_elsewhere, name="benchmarks.other")
def _other(**kwargs: Any) -> None:
    """Be there to be disabled."""


def _beside_a_disabled(connected: Connected) -> Connected:
    @contextmanager
    def both(signal: Signal) -> Iterator[None]:
        signalkit.disable("benchmarks.other")
        try:
            with connected(signal):
                yield
        finally:
            signalkit.enable("benchmarks.other")

    return both


def _watch(**kwargs: Any) -> None:
    pass


def _watched(connected: Connected) -> Connected:
    @contextmanager
    def both(signal: Signal) -> Iterator[None]:
        run_finished.connect(_watch)
        try:
            with connected(signal):
                yield
        finally:
            run_finished.disconnect(_watch)

    return both
