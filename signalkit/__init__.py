"""Signal receivers that one can trust."""

from signalkit.declare import ModelReceiver, Receiver, receiver
from signalkit.dispatch.switching import disable, enable, muted
from signalkit.events import Event
from signalkit.exceptions import Veto
from signalkit.states import Outcome, Phase
from signalkit.typed import TypedSignal

__all__ = [
    "Event",
    "ModelReceiver",
    "Outcome",
    "Phase",
    "Receiver",
    "TypedSignal",
    "Veto",
    "disable",
    "enable",
    "muted",
    "receiver",
]
