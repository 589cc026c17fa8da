"""Class attributes that look like a misspelt option, which would be ignored without a word."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from types import FunctionType

from signalkit.exceptions import UnknownOption

# Close enough for one letter too many, too few or swapped; "created_at" is not "created".
_LIKENESS = 0.83

# The plural of an option is a fine name for something else, unless it takes several itself.
_TAKE_SEVERAL = ("signal", "sender")

# Helper methods may have any name, unless its letters are those of a method of ours.
_METHODS = ("handle", "when", "once_per_transaction")
_METHOD_LIKENESS = 0.75
_METHOD_TYPES = (FunctionType, staticmethod, classmethod, property)

_NOT_IN_THE_BODY = {
    "abstract": "Write it in the class statement: class Base(Receiver, abstract=True).",
    "replaces": "Write it in the class statement: class Mine(Theirs, replaces=...).",
    "dispatch_uid": "The name tells a class apart: set name, or leave it out.",
    "weak": "A class is always held strongly: leave it out.",
}


def refuse(cls: type, options: Sequence[str]) -> None:
    """Refuse a class whose own body sets something that is an option but for a letter.

    Raises:
        UnknownOption: it does.
    """
    missing = [option for option in options if option not in vars(cls)]
    for name, value in vars(cls).items():
        if name.startswith("_") or name in options:
            continue
        is_method = isinstance(value, _METHOD_TYPES)
        if name in _NOT_IN_THE_BODY and not is_method:
            raise UnknownOption(
                f"{cls.__module__}.{cls.__qualname__} sets {name!r} as an attribute, which means "
                f"nothing. {_NOT_IN_THE_BODY[name]}"
            )
        meant = _meant_method(name, missing) if is_method else _meant_option(name, missing)
        if meant is not None:
            raise UnknownOption(
                f"{cls.__module__}.{cls.__qualname__} sets {name!r}, which means nothing. Did you "
                f"mean {meant!r}? If it is something else, give it a name of its own."
            )


def _meant_option(name: str, missing: Sequence[str]) -> str | None:
    close = get_close_matches(name, missing, n=1, cutoff=_LIKENESS)
    if close and (name != f"{close[0]}s" or close[0] in _TAKE_SEVERAL):
        return close[0]
    return None


def _meant_method(name: str, missing: Sequence[str]) -> str | None:
    """Return the method whose letters were swapped, or of which one is missing."""
    alike = [
        method
        for method in _METHODS
        if method in missing
        and name[0] == method[0]
        and set(name) <= set(method)
        and len(name) in (len(method), len(method) - 1)
    ]
    close = get_close_matches(name, alike, n=1, cutoff=_METHOD_LIKENESS)
    return close[0] if close else None
