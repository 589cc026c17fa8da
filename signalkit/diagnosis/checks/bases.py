"""Checks of classes that are bases for receivers, and perhaps were to be receivers."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from inspect import isabstract

from django.core.checks import CheckMessage, Info

from signalkit.declare.base import Receiver
from signalkit.declare.places import place_of
from signalkit.declare.references import ABSTRACT, DECLARATION
from signalkit.diagnosis.checks.facts import Facts


def check_unused_bases(facts: Facts) -> Iterator[CheckMessage]:
    """I003: a class has all of a receiver but a signal, and no receiver inherits from it."""
    for cls in _descendants(Receiver):
        if not _looks_finished(cls) or any(map(_is_receiver, _descendants(cls))):
            continue
        module = cls.__module__
        if facts.is_project(module) and facts.covers(module) and _is_held_by_its_module(cls):
            place = place_of(cls.handle)
            yield Info(
                f"It names a sender and defines handle() ({place.file}:{place.line}), but it names "
                "no signal, so it is only a base, and no receiver inherits from it: it never runs.",
                hint="Name its signal, such as signal = post_save. For a base that is meant, "
                f"class {cls.__name__}(..., abstract=True) says so.",
                obj=f"{module}.{cls.__qualname__}",
                id="signalkit.I003",
            )


def _descendants(cls: type[Receiver]) -> Iterator[type[Receiver]]:
    for child in cls.__subclasses__():
        yield child
        yield from _descendants(child)


def _looks_finished(cls: type[Receiver]) -> bool:
    """Say whether a class without a signal has the rest, and nothing says that it is a base."""
    return (
        cls.signal is None
        and cls.sender is not None
        and "handle" in vars(cls)
        and not vars(cls).get(ABSTRACT)
        and not isabstract(cls)
    )


def _is_receiver(cls: type[Receiver]) -> bool:
    return DECLARATION in vars(cls)


def _is_held_by_its_module(cls: type[Receiver]) -> bool:
    """Say whether a class is what its name stands for, and not of a former load or a function."""
    found: object = sys.modules.get(cls.__module__)
    for name in cls.__qualname__.split("."):
        found = getattr(found, "__dict__", {}).get(name)
    return found is cls
