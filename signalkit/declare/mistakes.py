"""Class attributes that look like a misspelt option, which would be ignored without a word."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from signalkit.exceptions import UnknownOption

# Close enough for one letter too many, too few or swapped; "created_at" is not "created".
_LIKENESS = 0.83

# The plural of an option is a fine name for something else, unless it takes several itself.
_TAKE_SEVERAL = ("signal", "sender")


def refuse(cls: type, options: Sequence[str]) -> None:
    """Refuse a class whose own body sets something that is an option but for a letter.

    Raises:
        UnknownOption: it does.
    """
    missing = [option for option in options if option not in vars(cls)]
    for name in vars(cls):
        if name.startswith("_") or name in options:
            continue
        close = get_close_matches(name, missing, n=1, cutoff=_LIKENESS)
        if close and (name != f"{close[0]}s" or close[0] in _TAKE_SEVERAL):
            raise UnknownOption(
                f"{cls.__module__}.{cls.__qualname__} sets {name!r}, which means nothing. Did you "
                f"mean {close[0]!r}? If it is something else, give it a name of its own."
            )
