"""The signals by which runs can be watched. Nobody in here knows who watches."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.dispatch import Signal

from signalkit.declaration import Declaration
from signalkit.events import Event
from signalkit.exceptions import Veto
from signalkit.states import Outcome, Phase

logger = logging.getLogger("signalkit.receivers")

run_scheduled = Signal()
"""A receiver will run before or after the commit. Sent with ``run``.

Nothing more is heard of a run that a later event replaced (``once_per_transaction``)."""

run_finished = Signal()
"""A receiver has run, well or not. Sent with ``run``."""

run_rolled_back = Signal()
"""A scheduled receiver will not run, for what it waited for was rolled back. Sent with ``run``."""


@dataclass(frozen=True, slots=True)
class Run:
    """One attempt of one receiver at one event, or the intention of it."""

    receiver: Declaration
    event: Event
    outcome: Outcome
    duration: float | None = None
    """In seconds; None when it has not run."""

    error: BaseException | None = None

    @property
    def phase(self) -> Phase:
        """The phase of the receiver."""
        return self.receiver.phase


def call_and_tell(declaration: Declaration, call: Callable[[Event], Any], event: Event) -> Any:
    """Call, and tell whoever watches how it went and how long it took."""
    outcome = Outcome.SUCCEEDED
    error: BaseException | None = None
    started = time.perf_counter()
    try:
        return call(event)
    except Veto as veto:
        outcome, error = Outcome.VETOED, veto
        raise
    except BaseException as raised:
        outcome, error = Outcome.FAILED, raised
        raise
    finally:
        duration = time.perf_counter() - started
        tell(run_finished, Run(declaration, event, outcome, duration, error))
        # It leads to this frame, which must not lead to it: what the receiver had at hand would
        # wait for the garbage collector.
        del error


def tell(signal: Signal, run: Run) -> None:
    """Send an observation. An observer that fails is logged and changes nothing."""
    try:
        signal.send_robust(sender=None, run=run)
    except Exception:
        # Django's own log of the failure needs a __qualname__, which not every callable has.
        logger.exception("An observer of receivers failed.", extra={"receiver": run.receiver.name})
