"""What a class body sets that is an option or a method but for a letter, and would mean nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from itertools import takewhile

from signalkit.declaration import Origin
from signalkit.exceptions import UnknownOption

_METHODS = ("handle", "when", "once_per_transaction")

# Words one letter away from a method of ours that a method of one's own may well be called.
_WORDS = ("handler", "handled", "handles", "candle", "then", "hen")

# Close enough for one letter too many, too few or swapped; "created_at" is not "created".
_LIKENESS = 0.83

# The plural of an option is a fine name for something else, unless it takes several itself.
_TAKE_SEVERAL = ("signal", "sender")

_NOT_IN_THE_BODY = {
    "abstract": "Write it in the class statement: class Base(Receiver, abstract=True).",
    "replaces": "Write it in the class statement: class Mine(Theirs, replaces=...).",
    "dispatch_uid": "The name tells a class apart: set name, or leave it out.",
    "weak": "A class is always held strongly: leave it out.",
}


def refuse(origin: Origin, cls: type, options: Sequence[str], methods: Sequence[str] = ()) -> None:
    """Refuse a class whose own body sets something that is an option or a method but for a letter.

    Args:
        origin: where it was written.
        cls: the class.
        options: the class attributes that mean something.
        methods: the methods that are called besides those of every receiver.

    Raises:
        UnknownOption: it does.
    """
    methods = (*_METHODS, *methods)
    known = {*options, *methods}
    missing = known - vars(cls).keys()
    for name, value in vars(cls).items():
        if name.startswith("_") or name in known:
            continue
        is_method = _is_method(value)
        if name in _NOT_IN_THE_BODY and not is_method:
            raise UnknownOption(
                f"{origin} sets {name!r} as an attribute, which means nothing. "
                f"{_NOT_IN_THE_BODY[name]}"
            )
        meant = (
            _meant_method(name, missing.intersection(methods))
            if is_method
            else _meant_option(name, missing.intersection(options))
        )
        if meant is not None:
            raise UnknownOption(
                f"{origin} sets {name!r}, which means nothing. Did you mean {meant!r}? If it is "
                "something else, give it a name of its own."
            )


def _is_method(value: object) -> bool:
    """Say whether an attribute is made to be called, or to be asked for: no class, no value."""
    return not isinstance(value, type) and (callable(value) or hasattr(type(value), "__get__"))


def _meant_option(name: str, options: Iterable[str]) -> str | None:
    close = get_close_matches(name, options, n=1, cutoff=_LIKENESS)
    if close and (name != f"{close[0]}s" or close[0] in _TAKE_SEVERAL):
        return close[0]
    return None


def _meant_method(name: str, methods: Iterable[str]) -> str | None:
    if name in _WORDS:
        return None
    return next((method for method in methods if _one_slip_apart(name, method)), None)


def _one_slip_apart(name: str, other: str) -> bool:
    """Say whether names differ in one letter at most, or in two neighbours that are swapped.

    Upper case and underscores do not count; a digit is no slip but tells two methods apart.
    """
    name, other = (each.lower().replace("_", "") for each in (name, other))
    start = _alike(name, other)
    here, there = name[start:], other[start:]
    end = _alike(here[::-1], there[::-1])
    here, there = here[: len(here) - end], there[: len(there) - end]
    if any(letter.isdigit() for letter in here):
        return False
    return max(len(here), len(there)) <= 1 or (len(here) == 2 and here == there[::-1])


def _alike(one: str, other: str) -> int:
    """Return how many letters two words begin with alike."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
