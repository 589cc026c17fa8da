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
    module = getattr(inner, "__module__", None) or "builtins"
    path = f"{module}.{getattr(inner, '__qualname__', type(inner).__qualname__)}"
    code = getattr(inner, "__code__", None)
    if isinstance(code, CodeType):
        return Place(form.format(path), module, code.co_filename, code.co_firstlineno)
    file = getattr(sys.modules.get(module), "__file__", None)
    return Place(form.format(path), module, file, None)


def innermost(target: Any) -> tuple[Any, str]:
    """Return the function or class that is called in the end, and the form it is wrapped in."""
    form, seen = "{}", {id(target)}
    while (inner := _unwrapped(target)) is not None and id(inner) not in seen:
        seen.add(id(inner))
        if isinstance(target, partial):
            form = form.format("partial of {}")
        target = inner
    call = getattr(type(target), "__call__", None)  # noqa: B004  (what is wanted is the method)
    if isinstance(getattr(call, "__code__", None), CodeType) and not isinstance(target, type):
        return call, form
    return target, form


def _unwrapped(target: Any) -> Any:
    if isinstance(target, partial):
        return target.func
    return getattr(target, "__func__", None) or getattr(target, "__wrapped__", None)
