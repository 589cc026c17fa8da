"""Signals that say what they are sent with, and hold every sender to it."""

from signalkit.typed.signal import TypedSignal

__all__ = ["TypedSignal"]
