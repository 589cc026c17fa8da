"""Whether a send carries what its signal was declared with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from signalkit.exceptions import nearest
from signalkit.typed.kinds import Kind
from signalkit.typed.payload import Description

Check = Callable[[dict[str, Any]], bool]
"""Says whether the keywords of a send are right, and makes them what receivers are to get."""


def make_check(description: Description, kinds: Mapping[str, Kind]) -> Check:
    """Return what checks the keywords of one send.

    Args:
        description: the payload.
        kinds: what the value of each field has to be.
    """
    names = frozenset(kinds)
    is_built = description.is_built
    checked = tuple(
        (name, kind.classes, kind.includes) for name, kind in kinds.items() if not kind.is_anything
    )

    def check(named: dict[str, Any]) -> bool:
        if named.keys() != names:
            # Nothing is added to what is refused for what it has too much.
            if named.keys() <= names:
                description.complete(named)
            if named.keys() != names:
                return False
        for name, classes, includes in checked:
            # What it mostly comes to is asked here: the call takes longer than all else.
            if type(named[name]) not in classes and not includes(named[name]):
                return False
        if is_built:
            named.update(description.values(named))
        return True

    return check


def complaint(description: Description, kinds: Mapping[str, Kind], named: Mapping[str, Any]) -> str:
    """Say what is wrong with the keywords of a send. Values are never shown: they may be secrets.

    Args:
        description: the payload.
        kinds: what the value of each field has to be.
        named: what was given.
    """
    takes = ", ".join(f"{field.name}: {field.expected}" for field in description.sent)
    wrong = "; ".join(_complaints(description, kinds, named))
    return f"{wrong}. It takes {takes or 'no keywords'}."


def _complaints(
    description: Description, kinds: Mapping[str, Kind], named: Mapping[str, Any]
) -> Iterator[str]:
    absent = [field for field in description.sent if field.name not in named]
    missing = [field.name for field in absent if field.is_required]
    for name in named:
        if name not in kinds:
            # What is there already is not what was meant.
            yield f"it takes no {name!r}{_hint(name, [field.name for field in absent])}"
    if missing:
        yield f"{', '.join(map(repr, missing))} {'is' if len(missing) == 1 else 'are'} missing"
    for field in description.sent:
        if field.name in named and not kinds[field.name].includes(named[field.name]):
            yield f"{field.name!r} is {_found(named[field.name])}, expected {field.expected}"


def _hint(name: str, known: Iterable[str]) -> str:
    meant = nearest(name, known).removeprefix(" Did")
    return meant and f" (did{meant})"


def _found(value: Any) -> str:
    if value is None:
        return "None"
    if issubclass(type(value), type):
        return f"the class {value.__qualname__}"
    return f"of type {type(value).__qualname__}"
