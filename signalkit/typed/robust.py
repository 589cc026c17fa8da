"""What is logged when a receiver of a robust send fails."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from django.dispatch import Signal

from signalkit.declare.foreign import described
from signalkit.declare.places import place_of
from signalkit.signal_names import signal_name

# Django's own, where these failures are looked for.
logger = logging.getLogger("django.dispatch")


def log_failure(signal: Signal, receiver: Callable[..., Any], error: Exception) -> None:
    """Log that a receiver failed, whatever kind of callable it is.

    Args:
        signal: what it was called by.
        receiver: which may have no ``__qualname__``, as a partial or an instance.
        error: what it raised.
    """
    logger.error(
        "Error calling %s in %s.send_robust() (%s)",
        described(lambda: place_of(receiver).path),
        signal_name(signal),
        error,
        exc_info=error,
    )
