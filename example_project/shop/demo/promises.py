"""What receivers are for, in their own words."""

from importlib import import_module
from inspect import getdoc
from typing import Any

from signalkit.declaration import Declaration, Origin


def find(origin: Origin) -> Any:
    """Return the function or class that a receiver was declared as."""
    found: Any = import_module(origin.module)
    for name in origin.qualname.split("."):
        found = getattr(found, name)
    return found


def promise(receiver: Declaration) -> str:
    """Return what a receiver would have done: the first sentence of its docstring."""
    sentence = (getdoc(find(receiver.origin)) or receiver.name).partition("\n")[0]
    return f"{sentence} ({receiver.name})"
