"""What people call signals, senders and phases: for the demo, and for the pages."""

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.dispatch import Signal
from django.template import Template

from signalkit import Phase
from signalkit.signal_names import signal_name

HOUSEKEEPING = frozenset(
    {
        *("request_started", "request_finished", "connection_created"),
        *("pre_init", "post_init", "template_rendered"),
    }
)
"""Signals of every request and every row. Whoever tells a story tells them aside."""

WHEN = {
    Phase.INLINE: "at once",
    Phase.BEFORE_COMMIT: "before commit",
    Phase.AFTER_COMMIT: "after commit",
    Phase.AFTER_ROLLBACK: "after rollback",
}


def call_signal(signal: Signal) -> str:
    """Return what a signal is called: without its module, for here no two share a name."""
    return last_part(signal_name(signal))


def last_part(dotted: str) -> str:
    """Return a name without its module or app."""
    return dotted.rpartition(".")[2]


def call_sender(sender: Any) -> str:
    """Return what a sender is called; nothing when it says no more than the signal does."""
    if sender is None or isinstance(sender, str | Template):
        return ""
    if isinstance(sender, type):
        if issubclass(sender, BaseDatabaseWrapper):
            return sender.vendor
        return sender.__name__.removesuffix("Handler")
    return getattr(sender, "label", None) or type(sender).__name__


def explain(error: BaseException | None) -> str:
    """Return an error in one line."""
    if error is None:
        return ""
    messages = getattr(error, "messages", None) or [str(error)]
    return f"{type(error).__name__}: {' '.join(messages)}"
