"""Signal receivers that one can trust."""

from signalkit.exceptions import Veto
from signalkit.states import Outcome, Phase

__all__ = ["Outcome", "Phase", "Veto"]
