"""Where a receiver was written, whatever kind of callable it is."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import CodeType
from typing import Any

from django.apps import apps

from signalkit.declaration import Declaration
from signalkit.declare.foreign import described
from signalkit.declare.naming import attribute, layers


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the source."""

    path: str
    """Dotted, for people: a partial or an instance says that it is one."""

    module: str
    file: str | None
    """None for what is not written in Python."""

    line: int | None

    @property
    def app(self) -> str | None:
        """The label of the app it belongs to; None outside of all of them."""
        app_config = apps.get_containing_app_config(self.module)
        return app_config.label if app_config else None

    def __str__(self) -> str:
        return f"{self.path} ({self.file}:{self.line})" if self.file else self.path


def place_of_declaration(declaration: Declaration) -> Place:
    """Return where one of signalkit's receivers was declared."""
    origin = declaration.origin
    return Place(f"{origin.module}.{origin.qualname}", origin.module, origin.file, origin.line)


def place_of(target: Callable[..., Any]) -> Place:
    """Return where a plain receiver was written: the code behind wrappers, partials, methods."""
    inner, form = innermost(target)
    module = _module_of(inner)
    # What is called after no string is called after its class.
    name = attribute(inner, "__qualname__", str) or described(lambda: type(inner).__qualname__)
    path = f"{module}.{name}"
    code = attribute(inner, "__code__", CodeType)
    if code is not None:
        return Place(form.format(path), module, code.co_filename, code.co_firstlineno)
    file = attribute(sys.modules.get(module), "__file__", str)
    return Place(form.format(path), module, file, None)


def innermost(target: Any) -> tuple[Any, str]:
    """Return the function or class that is called in the end, and the form it is wrapped in."""
    form, inner = "{}", target
    for inner in layers(target):
        if issubclass(type(inner), partial):
            form = form.format("partial of {}")
    call = attribute(type(inner), "__call__", object)
    if attribute(call, "__code__", CodeType) and not issubclass(type(inner), type):
        return call, form
    return inner, form


def _module_of(inner: Any) -> str:
    """Return the module that something says it is of, or else the one that its code runs in."""
    given = attribute(inner, "__module__", str)
    executed = (attribute(inner, "__globals__", dict) or {}).get("__name__")
    return given or (executed if isinstance(executed, str) else "") or "builtins"
