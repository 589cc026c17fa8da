"""How receivers are declared: the base classes and the decorator."""

from signalkit.declare.base import ModelReceiver, Receiver
from signalkit.declare.decorator import receiver

__all__ = ["ModelReceiver", "Receiver", "receiver"]
