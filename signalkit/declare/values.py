"""Reading single values that a user wrote down.

Each function returns the value as a declaration holds it, or raises :class:`DeclarationError` with
the place, the option, what was found and what was expected.
"""

from __future__ import annotations

import re
from typing import Any

from django.conf import settings
from django.dispatch import Signal

from signalkit.conf.runs import is_record
from signalkit.declaration import Origin
from signalkit.exceptions import DeclarationError, nearest
from signalkit.states import Phase
from signalkit.types import Record


def wrong(
    origin: object, option: str, value: object, wanted: str, hint: str = ""
) -> DeclarationError:
    """Return the error that says so.

    Args:
        origin: who wrote it.
        option: the name of the option.
        value: what was found.
        wanted: what was expected, in words.
        hint: a sentence more, with a space before it.
    """
    return DeclarationError(f"{origin}: {option} is {value!r}; expected {wanted}.{hint}")


def read_signals(origin: Origin, value: object) -> tuple[Signal, ...]:
    """Read a signal or a list of signals; one that is named twice is heard once."""
    signals = tuple(value) if isinstance(value, (list, tuple)) else (value,)
    if not signals or not all(isinstance(item, Signal) for item in signals):
        raise wrong(origin, "signal", value, "a Signal, or a list of signals")
    return tuple(dict.fromkeys(signals))


def read_phase(origin: Origin, value: object) -> Phase:
    """Read a phase."""
    if not isinstance(value, Phase):
        names = [phase.name for phase in Phase]
        hint = nearest(value.upper(), names) if isinstance(value, str) else ""
        raise wrong(origin, "phase", value, f"signalkit.Phase.{', Phase.'.join(names)}", hint)
    return value


def read_record(origin: Origin, value: object) -> Record | None:
    """Read which runs are put on record."""
    if value is not None and not is_record(value):
        wanted = "'all', 'failures', 'off', the share of successes from 0.0 to 1.0, or None"
        raise wrong(origin, "record", value, wanted)
    return value


def read_order(origin: Origin, value: object) -> int:
    """Read a place among the receivers."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise wrong(origin, "order", value, "an integer")
    return value


def read_flag(origin: Origin, option: str, value: object) -> bool:
    """Read True or False."""
    if not isinstance(value, bool):
        raise wrong(origin, option, value, "True or False")
    return value


def read_optional_flag(origin: Origin, option: str, value: object) -> bool | None:
    """Read True, False, or None for both."""
    return None if value is None else read_flag(origin, option, value)


def read_choice(origin: Origin, option: str, value: object, allowed: tuple[str, ...]) -> Any:
    """Read one of a few strings."""
    if value not in allowed:
        hint = nearest(value, allowed) if isinstance(value, str) else ""
        raise wrong(origin, option, value, " or ".join(map(repr, allowed)), hint)
    return value


def read_strings(origin: Origin, option: str, value: object) -> tuple[str, ...]:
    """Read a list of strings. A single one is refused: its letters would be taken for them."""
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
        hint = f" Write {option}=({value!r},)." if isinstance(value, str) else ""
        raise wrong(origin, option, value, "a list of strings", hint)
    return tuple(value)


def read_name(origin: Origin, value: object) -> str:
    """Read a receiver's name: one that can be told in a list of names."""
    if not isinstance(value, str) or not re.fullmatch(r"[^\s*,]+", value):
        raise wrong(origin, "name", value, "a name such as 'app_label.Name'")
    return value


def read_condition(origin: Origin, value: object) -> Any:
    """Read ``when``."""
    if value is not None and not callable(value):
        raise wrong(origin, "when", value, "a callable that takes what the receiver takes")
    return value


def read_once(origin: Origin, value: object) -> Any:
    """Read ``once_per_transaction``."""
    if not isinstance(value, bool) and not callable(value):
        wanted = "True, or a callable that returns a key"
        raise wrong(origin, "once_per_transaction", value, wanted)
    return value


def read_using(origin: Origin, value: object) -> str | None:
    """Read an alias of the settings' ``DATABASES``."""
    if value is None:
        return None
    if not isinstance(value, str) or value not in settings.DATABASES:
        raise wrong(origin, "using", value, f"one of the aliases {', '.join(settings.DATABASES)}")
    return value
