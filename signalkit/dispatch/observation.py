"""The signals by which runs can be watched. Nobody in here knows who watches."""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import perf_counter, time

from django.dispatch import Signal

from signalkit.context.current import Context, of_process
from signalkit.declaration import Declaration
from signalkit.dispatch.running import Running
from signalkit.events import Event
from signalkit.exceptions import Veto
from signalkit.states import Outcome, Phase

logger = logging.getLogger("signalkit.receivers")


class Observation(Signal):
    """A signal that tells of runs, to its receivers and to listeners.

    Listeners are for apps that hear of every run: Django's way to a receiver takes longer than all
    that a listener does.
    """

    def __init__(self) -> None:
        """Begin with nobody who watches."""
        # Sent with a sender that can be weakly referred to, it remembers who its receivers are.
        super().__init__(use_caching=True)
        self.listeners: tuple[Callable[[Run], object], ...] = ()
        """Called with the run, before the receivers; must not raise."""

    @property
    def is_watched(self) -> bool:
        """Whether anybody is there to be told."""
        return bool(self.listeners or self.receivers)

    def listen(self, listener: Callable[[Run], object]) -> None:
        """Tell a function of every run from now on; once, however often this is called."""
        self.ignore(listener)
        self.listeners += (listener,)

    def ignore(self, listener: Callable[[Run], object]) -> None:
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


class Told:
    """A ``with`` block around one attempt of a receiver, which is told of at its end."""

    __slots__ = ("_clock", "_running", "_started")

    def __init__(self, running: Running) -> None:
        """Say whose attempt it is.

        Args:
            running: the receiver, at work on an event.
        """
        self._running = running

    def __enter__(self) -> None:
        self._started, self._clock = time(), perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: object
    ) -> None:
        duration = perf_counter() - self._clock
        outcome = Outcome.SUCCEEDED if error is None else _outcome_with(error)
        tell(run_finished, Run(self._running, outcome, self._started, duration, error))


def _outcome_with(error: BaseException) -> Outcome:
    return Outcome.VETOED if isinstance(error, Veto) else Outcome.FAILED


def tell(observation: Observation, run: Run) -> None:
    """Send an observation. An observer that fails is logged and changes nothing."""
    for listener in observation.listeners:
        listener(run)
    if not observation.receivers:
        return
    try:
        # A sender that can be weakly referred to, or Django would look for receivers each time.
        observation.send_robust(sender=Run, run=run)
    except Exception:
        # Django's own log of the failure needs a __qualname__, which not every callable has.
        logger.exception("An observer of receivers failed.", extra={"receiver": run.receiver.name})
