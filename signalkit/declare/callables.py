"""What can be told of a callable before it is called."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Hashable
from typing import Any

from asgiref.sync import iscoroutinefunction

from signalkit.declaration import Origin
from signalkit.declare.naming import coded
from signalkit.exceptions import DeclarationError

if sys.version_info >= (3, 14):
    import annotationlib

# How receivers of Django's begin: one of these would be taken for the event.
_DJANGOS = ("sender", "signal", "instance")


def identity(target: Any) -> Hashable:
    """Return what Django tells receivers and senders apart by: two methods may be one."""
    # A staticmethod object has the one but not the other; Django itself cannot tell those apart.
    if hasattr(target, "__func__") and hasattr(target, "__self__"):
        return (id(target.__self__), id(target.__func__))
    return id(target)


def is_coroutine_function(func: Any) -> bool:
    """Say whether calling it makes a coroutine: also an instance whose ``__call__`` is async."""
    return bool(iscoroutinefunction(func) or iscoroutinefunction(type(func).__call__))


def require_keywords(origin: Origin, what: str, func: object) -> None:
    """Refuse a callable that cannot take whatever keywords a signal is sent with.

    Raises:
        DeclarationError: its signature lacks ``**kwargs``.
    """
    function = coded(func) if callable(func) else None
    # The flag, not inspect.signature(): that evaluates annotations, and Django's helper around it
    # keeps every function that it has seen.
    if function is not None and not function.__code__.co_flags & inspect.CO_VARKEYWORDS:
        raise DeclarationError(
            f"{origin}: {what} does not accept keyword arguments. Its signature has to end in "
            "**kwargs: signals carry more than one receiver needs, and Django may add to it."
        )


def require_event(origin: Origin, what: str, method: object) -> None:
    """Refuse a method that cannot be called with one event and nothing else.

    What is asked is the callable itself, not what a decorator says that it wraps: a decorator may
    well hand on more than it takes. One whose signature cannot be read is let through.

    Args:
        origin: where the class was written.
        what: the name of the method.
        method: as it is called: bound, where it binds.

    Raises:
        DeclarationError: it is no callable, its signature has no room for the event or asks
            for more, or what it would take for the event is one of Django's own arguments.
    """
    if not callable(method):
        raise DeclarationError(
            f"{origin}: {what} is {method!r}; expected a method, {what}(self, event)."
        )
    signature = signature_of(method)
    if signature is None:
        return
    try:
        signature.bind(object())
    except TypeError as error:
        raise DeclarationError(
            f"{origin}: {what} cannot be called with one event: besides self it takes "
            f"{_names(signature)} ({error}). Write it as {what}(self, event); what the signal was "
            "sent with is on the event, such as event.instance."
        ) from None
    first = next(iter(signature.parameters.values()))
    if first.name in _DJANGOS:
        raise DeclarationError(
            f"{origin}: {what} takes one event, not {_names(signature)}. Write it as "
            f"{what}(self, event); Django's arguments are event.sender, event.instance, and so on."
        )


def signature_of(func: Callable[..., Any]) -> inspect.Signature | None:
    """Return what a callable takes, without evaluating annotations; None if it does not say."""
    try:
        if sys.version_info >= (3, 14):
            # Names in annotations may exist for type checkers alone.
            return inspect.signature(
                func, follow_wrapped=False, annotation_format=annotationlib.Format.FORWARDREF
            )
        return inspect.signature(func, follow_wrapped=False)
    except (TypeError, ValueError):
        return None


def _names(signature: inspect.Signature) -> str:
    """Return the parameters without annotations and defaults, which may be long."""
    bare = [inspect.Parameter(each.name, each.kind) for each in signature.parameters.values()]
    return str(inspect.Signature(bare)) if bare else "nothing"


def refuse_unawaited(origin: Origin, option: str, func: object) -> None:
    """Refuse a condition that is a coroutine function: nobody would await it.

    Raises:
        DeclarationError: it is one.
    """
    if is_coroutine_function(func):
        raise DeclarationError(
            f"{origin}: {option} is a coroutine function; it is asked at the send, which cannot "
            "wait for it. Write a plain function."
        )


def refuse_generator(origin: Origin, func: object) -> None:
    """Refuse a receiver that is a generator function: to call it runs nothing of it.

    Raises:
        DeclarationError: it is one.
    """
    if any(
        inspect.isgeneratorfunction(each) or inspect.isasyncgenfunction(each)
        for each in (func, type(func).__call__)
    ):
        raise DeclarationError(
            f"{origin} contains a yield, so calling it would run nothing of it. Drop the yield."
        )
