"""Where a receiver comes from and what it is therefore called."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any

from django.apps import apps

from signalkit.declaration import Origin
from signalkit.exceptions import DeclarationError
from signalkit.registry import registry


def automatic_name(origin: Origin) -> str:
    """Return ``app_label.Name``, or the full dotted path outside of any installed app.

    Raises:
        DeclarationError: Django does not know its apps yet, so the label is not known either.
    """
    simple = origin.qualname.rpartition(".")[2]
    if not apps.apps_ready:
        raise DeclarationError(
            f"{origin} is declared before Django has loaded its apps, so its name cannot be "
            f"derived. Give it one (name='app_label.{simple}'), or move it to receivers.py."
        )
    app_config = apps.get_containing_app_config(origin.module)
    return f"{app_config.label if app_config else origin.module}.{simple}"


def with_suffix(name: str, code: CodeType) -> str:
    """Return the name, numbered where functions made by the same code have it already."""
    candidate, number = name, 1
    while (taken := registry.find(candidate)) is not None and taken.origin.code is code:
        number += 1
        candidate = f"{name}#{number}"
    return candidate


def origin_of_function(func: Callable[..., Any]) -> Origin:
    """Find where a function, or whatever callable stands for one, was written."""
    plain = inspect.unwrap(func)
    code = getattr(plain, "__code__", None) or type(plain).__call__.__code__
    return Origin(
        module=getattr(plain, "__module__", None) or type(plain).__module__,
        qualname=getattr(plain, "__qualname__", None) or type(plain).__qualname__,
        file=code.co_filename,
        line=code.co_firstlineno,
        code=code,
    )


def origin_of_class(cls: type) -> Origin:
    """Find the ``class`` statement that is being executed for ``cls``."""
    frame = _frame_of_module(cls.__module__)
    return Origin(
        module=cls.__module__,
        qualname=cls.__qualname__,
        file=frame.f_code.co_filename,
        line=frame.f_lineno,
        code=frame.f_code,
    )


def _frame_of_module(module: str) -> FrameType:
    """Return the nearest frame that runs code of a module, or else the outermost one."""
    frame = sys._getframe(1)
    while frame.f_globals.get("__name__") != module and frame.f_back is not None:
        frame = frame.f_back
    return frame
