"""Where a receiver comes from and what it is therefore called."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from types import CodeType, FrameType
from typing import Any, TypeVar

from django.apps import apps

from signalkit.declaration import Origin
from signalkit.exceptions import DeclarationError
from signalkit.registry import registry

T = TypeVar("T")


def automatic_name(origin: Origin) -> str:
    """Return what a receiver is called that was given no name.

    Args:
        origin: where it was declared.

    Returns:
        ``app_label.Name``; outside of any installed app ``dotted.module.Name``.

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
    """Number a name where functions made by the same code have it already.

    Args:
        name: the name of the first.
        code: the code of the function.

    Returns:
        A free name, or one that a receiver from other code has: that is a clash.
    """
    candidate, number = name, 1
    while (taken := registry.find(candidate)) is not None and taken.origin.code is code:
        number += 1
        candidate = f"{name}#{number}"
    return candidate


_DEEPEST = 100
"""How many layers of wrappers are looked into. Nobody writes so many; some objects seem to have no
end of them."""


def attribute(target: object, name: str, kind: type[T]) -> T | None:
    """Return an attribute of an object that may be of any kind.

    Mocks and proxies answer to every name, with whatever they like, and some raise.

    Args:
        target: what to ask.
        name: the attribute.
        kind: what its value has to be.

    Returns:
        None when there is no such attribute, or it is something else.
    """
    try:
        value = getattr(target, name, None)
    except Exception:  # noqa: BLE001  (what it may raise is known to nobody)
        return None
    # type(), because isinstance() believes what a mock says of itself, and wakes lazy objects.
    return value if issubclass(type(value), kind) else None


def layers(func: Any) -> Iterator[Any]:
    """Yield a callable, what it wraps, what that wraps, and so on.

    Methods, partials and decorators that keep what they wrap are seen through. It comes to an end
    for what wraps itself, or something new whenever it is asked, too.
    """
    for _ in range(_DEEPEST):
        yield func
        inner = _wrapped(func)
        if inner is None:
            return
        func = inner


def _wrapped(func: Any) -> Any:
    if issubclass(type(func), functools.partial):
        return func.func
    for name in ("__wrapped__", "__func__"):
        inner = attribute(func, name, object)
        if callable(inner):
            return inner
    return None


def innermost(func: Any) -> Any:
    """Return what is inside of methods, partials and decorators that keep what they wrap."""
    *_, inner = layers(func)
    return inner


def coded(func: Any) -> Any:
    """Return the function that runs when a callable is called, or None if it is not Python's."""
    inner = innermost(func)
    for candidate in (inner, type(inner).__call__):
        has_code = attribute(candidate, "__code__", CodeType) is not None
        if has_code and attribute(candidate, "__globals__", dict) is not None:
            return candidate
    return None


def origin_of_function(func: Callable[..., Any]) -> Origin:
    """Find where a function was written.

    Args:
        func: the function, or whatever callable stands for one. For one that is not written in
            Python it is the place that declares it.
    """
    inner, function = innermost(func), coded(func)
    # An instance is called after its class.
    named = inner if attribute(inner, "__qualname__", str) else type(inner)
    if function is None:
        # Written in C, or hidden: the place where it is declared is the only one there is.
        frame = _frame_outside()
        return _origin(named, frame.f_code, frame.f_lineno, frame.f_globals)
    code = function.__code__
    return _origin(named, code, code.co_firstlineno, function.__globals__)


def origin_of_class(cls: type) -> Origin:
    """Find the ``class`` statement that is being executed for ``cls``."""
    frame = _frame_of_module(cls.__module__)
    return _origin(cls, frame.f_code, frame.f_lineno, frame.f_globals)


def _origin(named: Any, code: CodeType, line: int, namespace: dict[str, Any]) -> Origin:
    executed = namespace.get("__name__", "")
    executed = executed if isinstance(executed, str) else ""
    module = attribute(named, "__module__", str) or executed
    return Origin(
        module=module,
        qualname=named.__qualname__,
        file=code.co_filename,
        line=line,
        code=code,
        load=namespace.get("__spec__") if executed == module else None,
    )


def file_outside() -> str:
    """Return the file of the code that called this package."""
    return _frame_outside().f_code.co_filename


def caller_outside(package: str) -> tuple[str, int]:
    """Return the file and line of the code that called a package.

    Args:
        package: its dotted name.
    """
    frame = _frame_outside(package)
    return frame.f_code.co_filename, frame.f_lineno


def _frame_of_module(module: str) -> FrameType:
    """Return the nearest frame that runs code of a module, or else the outermost one."""
    frame = sys._getframe(1)
    while frame.f_globals.get("__name__") != module and frame.f_back is not None:
        frame = frame.f_back
    return frame


def _frame_outside(package: str | None = __package__) -> FrameType:
    """Return the nearest frame that runs no code of a package, by default of this one."""
    frame = sys._getframe(1)
    while frame.f_globals.get("__package__") in (package, __package__) and frame.f_back is not None:
        frame = frame.f_back
    return frame
