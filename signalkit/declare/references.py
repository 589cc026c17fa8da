"""How one receiver refers to another: by name, by class, or by the function itself."""

from __future__ import annotations

from signalkit.declaration import Origin
from signalkit.declare.callables import identity
from signalkit.declare.values import wrong
from signalkit.registry import registry

DECLARATION = "signalkit_declaration"
"""Where a class-based receiver keeps its declaration."""

ABSTRACT = "signalkit_abstract"
"""Where a class keeps whether its class statement says ``abstract=True``."""


def names_of(origin: object, option: str, value: object) -> tuple[str, ...]:
    """Return the names that a reference to another receiver stands for.

    Args:
        origin: who refers, for the message.
        option: how, for the message.
        value: one name, or a class-based receiver; a function stands for every receiver that it
            was declared as.

    Raises:
        DeclarationError: it is neither a name nor a declared receiver.
    """
    if isinstance(value, str):
        return (value,)
    if isinstance(value, type):
        declaration = vars(value).get(DECLARATION)
        found = tuple(each.name for each in registry if each is declaration)
    else:
        called = identity(value)
        found = tuple(each.name for each in registry if identity(each.call) == called)
    if not found:
        raise wrong(origin, option, value, "the name of a receiver, or a declared receiver")
    return found


def names_after(origin: Origin, value: object) -> tuple[str, ...]:
    """Read ``after``: one reference, or a list of them.

    Args:
        origin: who refers, for the message.
        value: what was given.

    Raises:
        DeclarationError: one of them is neither a name nor a declared receiver.
    """
    items = value if isinstance(value, (list, tuple)) else (value,)
    return tuple(name for item in items for name in names_of(origin, "after", item))
