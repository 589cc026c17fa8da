"""``SIGNALKIT["PROFILE_MODEL"]`` and ``["PROFILE_RECEIVER"]``: which profile each user has."""

from __future__ import annotations

import re

from signalkit.conf.values import wrong

DEFAULT_RECEIVER = "signalkit.receivers.CreateProfile"

_LABEL = re.compile(r"[^\W\d]\w*\.[^\W\d]\w*")
_PATH = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)+")


def parse_profile_model(value: object) -> str | None:
    """Read the label of a model, or None.

    Raises:
        ConfigurationError: it is something else.
    """
    if value is None or (isinstance(value, str) and _LABEL.fullmatch(value)):
        return value
    raise wrong("['PROFILE_MODEL']", value, "'app_label.ModelName', or None")


def parse_profile_receiver(value: object) -> str | None:
    """Read the dotted path of a class, or None.

    Raises:
        ConfigurationError: it is something else.
    """
    if value is None or (isinstance(value, str) and _PATH.fullmatch(value)):
        return value
    wanted = "the dotted path of a class, such as 'accounts.receivers.GiveProfile', or None"
    raise wrong("['PROFILE_RECEIVER']", value, wanted)
