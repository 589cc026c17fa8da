"""Plain Django receivers on record: those that ``RUNS["PLAIN"]`` names.

What stands in their place calls them, under the key that Django has for them: ``disconnect()``
finds them, and their order stays. Where nothing is named, nothing is in anybody's place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from functools import partial
from threading import RLock
from time import perf_counter, time
from typing import Any
from weakref import ReferenceType

from django.dispatch import Signal

from signalkit import conf
from signalkit.declaration import Declaration
from signalkit.declare.callables import is_coroutine_function
from signalkit.declare.naming import origin_of_function
from signalkit.declare.places import place_of
from signalkit.dispatch.entrance import DECLARATION
from signalkit.dispatch.found import all_signals
from signalkit.dispatch.observation import run_finished, tell, tell_failure
from signalkit.dispatch.runner import make_run
from signalkit.dispatch.running import Running
from signalkit.dispatch.slots import substitute
from signalkit.events import Event
from signalkit.states import Outcome

_OURS = "signalkit."


class Plain:
    """Stands in the place of a plain receiver, and has what it does told of."""

    def __init__(self, signal: Signal, name: str, held: Any, receiver: Callable[..., Any]) -> None:
        """Stand for it.

        Args:
            signal: the signal that it is connected to.
            name: what the record calls it.
            held: what Django has: the receiver, or a weak reference to it.
            receiver: the receiver, which is not kept.
        """
        self.signal = signal
        self.held = held
        self.__module__ = getattr(receiver, "__module__", None) or type(receiver).__module__
        self.__qualname__ = getattr(receiver, "__qualname__", type(receiver).__qualname__)
        self.__name__ = self.__qualname__.rpartition(".")[2]
        self._declaration = Declaration(
            name=name,
            call=self._call,
            kind="function",
            origin=origin_of_function(receiver),
            signals=(signal,),
        )
        self._run = make_run(self._declaration)

    @property
    def __wrapped__(self) -> Callable[..., Any] | None:
        """The receiver, for those who look for what is behind a wrapper: the listing, checks."""
        return _receiver(self.held)

    def __call__(self, signal: Signal, sender: Any, **named: Any) -> Any:
        """Be called by Django."""
        return self._run(Event(signal, sender, named))

    def _call(self, **named: Any) -> Any:
        receiver = _receiver(self.held)
        # Gone meanwhile: Django would have passed it over.
        return None if receiver is None else receiver(**named)


class AsyncPlain(Plain):
    """The same for a receiver that Django awaits."""

    async def __call__(self, signal: Signal, sender: Any, **named: Any) -> Any:
        """Be awaited by Django."""
        running = Running(self._declaration, Event(signal, sender, named))
        before = running.begin()
        try:
            started, clock = time(), perf_counter()
            try:
                answer = self._call(signal=signal, sender=sender, **named)
                if answer is not None:
                    answer = await answer
            except BaseException as error:
                tell_failure(running, started, perf_counter() - clock, error)
                raise
            duration = perf_counter() - clock
            tell(run_finished, running, Outcome.SUCCEEDED, started, duration)
            return answer
        finally:
            running.end(before)


_placed: list[Plain] = []
_lock = RLock()


def refresh() -> None:
    """Stand in the places of those that the settings name, among what is connected by now."""
    patterns = conf.config().RUNS.PLAIN
    with _lock:
        _leave()
        for signal in all_signals() if patterns else ():
            substitute(signal, partial(_stand_in, signal, patterns))


def unmatched() -> list[str]:
    """Return the patterns of the settings that no plain receiver has."""
    with _lock:
        names = {plain._declaration.name for plain in _placed}
    return [
        pattern
        for pattern in conf.config().RUNS.PLAIN
        if not any(fnmatchcase(name, pattern) for name in names)
    ]


def _leave() -> None:
    placed = {id(plain): plain for plain in _placed}
    for signal in {plain.signal for plain in _placed}:
        substitute(signal, lambda held: placed[id(held)].held if id(held) in placed else None)
    _placed.clear()


def _stand_in(signal: Signal, patterns: Iterable[str], held: Any) -> Plain | None:
    receiver = _receiver(held)
    if receiver is None or hasattr(receiver, DECLARATION) or isinstance(receiver, Plain):
        return None
    # As `signalkit list` has it.
    name = place_of(receiver).path
    if name.startswith(_OURS) or not any(fnmatchcase(name, each) for each in patterns):
        return None
    kind = AsyncPlain if is_coroutine_function(receiver) else Plain
    plain = kind(signal, name, held, receiver)
    _placed.append(plain)
    return plain


def _receiver(held: Any) -> Callable[..., Any] | None:
    receiver: Callable[..., Any] | None = held() if isinstance(held, ReferenceType) else held
    return receiver
