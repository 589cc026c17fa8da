"""The signals by which runs can be watched. Nobody in here knows who watches."""

from __future__ import annotations

import logging
from typing import Protocol

from django.dispatch import Signal

from signalkit.context.current import Context, of_process
from signalkit.declaration import Declaration
from signalkit.dispatch.running import Running
from signalkit.events import Event
from signalkit.exceptions import Veto
from signalkit.states import Outcome, Phase

logger = logging.getLogger("signalkit.receivers")


class Listener(Protocol):
    """Hears of runs, by what a :class:`Run` is made of. It must not raise."""

    def __call__(
        self,
        running: Running,
        outcome: Outcome,
        started: float,
        duration: float | None,
        error: BaseException | None,
        why: str,
        /,
    ) -> object:
        """Hear of one."""


class Observation(Signal):
    """A signal that tells of runs, to its receivers and to listeners.

    Listeners are for apps that hear of every run: Django's way to a receiver takes longer than all
    that a listener does.
    """

    def __init__(self) -> None:
        """Begin with nobody who watches."""
        # Sent with a sender that can be weakly referred to, it remembers who its receivers are.
        super().__init__(use_caching=True)
        self.listeners: tuple[Listener, ...] = ()
        """Called before the receivers."""

    @property
    def is_watched(self) -> bool:
        """Whether anybody is there to be told."""
        return bool(self.listeners or self.receivers)

    def listen(self, listener: Listener) -> None:
        """Tell a function of every run from now on; once, however often this is called."""
        self.ignore(listener)
        self.listeners += (listener,)

    def ignore(self, listener: Listener) -> None:
        """Tell a function nothing any more."""
        self.listeners = tuple(each for each in self.listeners if each is not listener)


run_scheduled = Observation()
"""A receiver will run before or after the commit. Sent with ``run``.

Nothing more is heard of a run that a later event replaced (``once_per_transaction``)."""

run_finished = Observation()
"""A receiver has run, well or not. Sent with ``run``."""

run_rolled_back = Observation()
"""A scheduled receiver will not run, for what it waited for was rolled back. Sent with ``run``."""

run_skipped = Observation()
"""A receiver that asks for it (``record_skips``) did not run. Sent with ``run``."""


class Run:
    """One attempt of one receiver at one event, or the intention of it."""

    __slots__ = ("duration", "error", "outcome", "running", "started", "why")

    def __init__(
        self,
        running: Running,
        outcome: Outcome,
        started: float,
        duration: float | None = None,
        error: BaseException | None = None,
        why: str = "",
    ) -> None:
        """Describe it.

        Args:
            running: the receiver, at work on the event.
            outcome: how it stands.
            started: when it began, or was scheduled, in seconds since 1970.
            duration: in seconds; None when it has not run.
            error: what it raised.
            why: what kept it from running, in a word.
        """
        self.running = running
        self.outcome = outcome
        self.started = started
        self.duration = duration
        self.error = error
        self.why = why

    @property
    def receiver(self) -> Declaration:
        """The receiver."""
        return self.running.declaration

    @property
    def event(self) -> Event:
        """What was sent."""
        return self.running.event

    @property
    def phase(self) -> Phase:
        """The phase of the receiver."""
        return self.running.declaration.phase

    @property
    def context(self) -> Context:
        """Who caused it and through what, as it was at the send."""
        # None at the send was the process's, whoever hears of it now.
        return self.running.context or of_process()

    @property
    def number(self) -> int:
        """What its schedule, its attempts and its outcome have in common; grows with time."""
        return self.running.number

    @property
    def parent(self) -> int | None:
        """The number of the run that the event was sent in; None outside of any."""
        return self.running.parent

    @property
    def queries(self) -> int:
        """How many statements it sent, where somebody counts them."""
        return self.running.queries

    def __repr__(self) -> str:
        return f"<Run of {self.receiver}: {self.outcome.value}>"


def tell_failure(running: Running, started: float, duration: float, error: BaseException) -> None:
    """Tell of an attempt that raised; arguments as of :class:`Run`."""
    outcome = Outcome.VETOED if isinstance(error, Veto) else Outcome.FAILED
    tell(run_finished, running, outcome, started, duration, error)


def tell(
    observation: Observation,
    running: Running,
    outcome: Outcome,
    started: float,
    duration: float | None = None,
    error: BaseException | None = None,
    why: str = "",
) -> None:
    """Tell of a run; arguments as of :class:`Run`.

    A receiver of the observation that fails is logged and changes nothing.
    """
    for listener in observation.listeners:
        listener(running, outcome, started, duration, error, why)
    if not observation.receivers:
        return
    run = Run(running, outcome, started, duration, error, why)
    try:
        # A sender that can be weakly referred to, or Django would look for receivers each time.
        observation.send_robust(sender=Run, run=run)
    except Exception:
        # Django's own log of the failure needs a __qualname__, which not every callable has.
        logger.exception("An observer of receivers failed.", extra={"receiver": run.receiver.name})
