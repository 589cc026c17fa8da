"""Ready-made receivers, to subclass in an app's ``receivers.py``. Importing them loads no model."""

from signalkit.receivers.profile import CreateProfile
from signalkit.receivers.related import EnsureRelated

__all__ = ["CreateProfile", "EnsureRelated"]
