"""What happens between a send and the user's code."""

from signalkit.dispatch.connect import connector

__all__ = ["connector"]
