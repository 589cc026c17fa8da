"""Receivers that are written as one small method per kind of event."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from typing import Any, ClassVar

from asgiref.sync import async_to_sync
from django.dispatch import Signal

from signalkit.declaration import Origin
from signalkit.declare.base import Receiver
from signalkit.declare.blame import blame
from signalkit.declare.callables import (
    is_coroutine_function,
    refuse_generator,
    require_event,
)
from signalkit.declare.naming import origin_of_class
from signalkit.exceptions import DeclarationError, UnknownOption, nearest


def written(cls: type, base: type, hooks: Collection[str]) -> tuple[str, ...]:
    """Return the hooks that a class, or a class between it and the base, has written.

    Args:
        cls: the class that is being declared.
        base: the one that brings the hooks, each doing nothing.
        hooks: their names.
    """
    return tuple(hook for hook in hooks if getattr(cls, hook) is not getattr(base, hook))


def require_hooks(origin: Origin, cls: type, base: type, hooks: Collection[str]) -> tuple[str, ...]:
    """Return the hooks that a class has written.

    Args:
        origin: where it was written.
        cls: the class that is being declared.
        base: the one that brings the hooks.
        hooks: their names.

    Raises:
        DeclarationError: it has written none, or one that cannot be called with an event.
    """
    found = written(cls, base, hooks)
    require_any(origin, base, hooks, found)
    for hook in found:
        method = _bound(cls, hook)
        require_event(origin, hook, method)
        refuse_generator(origin, method)
    return found


def require_answers(
    origin: Origin, cls: type, base: type, hooks: Collection[str]
) -> tuple[str, ...]:
    """Return the hooks that a class has written, of those that are asked and not told.

    Args:
        origin: where it was written.
        cls: the class that is being declared.
        base: the one that brings the hooks.
        hooks: their names.

    Raises:
        DeclarationError: one cannot be called with one argument, or is a coroutine function.
    """
    found = written(cls, base, hooks)
    for hook in found:
        method = _bound(cls, hook)
        require_event(origin, hook, method)
        if is_coroutine_function(method) or inspect.isasyncgenfunction(method):
            raise DeclarationError(
                f"{origin}: {hook} is a coroutine function, whose answer nobody would await. "
                "Write a plain function."
            )
    return found


def _bound(cls: type, hook: str) -> Any:
    """Return a hook as it is called on an instance, of which there is none yet."""
    method = inspect.getattr_static(cls, hook)
    return method.__get__(object(), cls) if hasattr(method, "__get__") else method


def require_any(origin: Origin, base: type, hooks: Collection[str], found: object) -> None:
    """Refuse a class that has written none of its hooks.

    Raises:
        DeclarationError: it has not.
    """
    if not found:
        raise DeclarationError(
            f"{origin} writes none of the methods that {base.__name__} calls, so it would do "
            f"nothing. Write at least one of {', '.join(hooks)}, each with (self, event)."
        )


def refuse_misspelt(origin: Origin, cls: type, hooks: Collection[str]) -> None:
    """Refuse a method that is called like a hook but for a slip, which nobody would call.

    Args:
        origin: where the class was written.
        cls: the class that is being declared.
        hooks: the names of the hooks.

    Raises:
        UnknownOption: there is one.
    """
    for name, value in vars(cls).items():
        if not name.startswith("on_") or name in hooks or name == "on_error":
            continue
        if callable(value):
            raise UnknownOption(
                f"{origin} writes {name}(), which nothing calls.{nearest(name, hooks)} The methods "
                f"are {', '.join(hooks)}; one of your own is better called without 'on_'."
            )


def call_hook(hook: Callable[[Any], Any], event: Any) -> Any:
    """Call a hook, or await it if it is a coroutine function, as a ``handle()`` would be."""
    if is_coroutine_function(hook):
        return async_to_sync(hook)(event)
    return hook(event)


class HookReceiver(Receiver, abstract=True):
    """Calls one method per signal, and hears those signals alone whose method is written.

    A base sets :attr:`hooks_base` to itself and says in :meth:`signals_of_hooks` which method is
    for which signal.
    """

    hooks_base: ClassVar[type]
    """The class whose hooks do nothing."""

    hook_of: ClassVar[Mapping[Signal, str]]
    """The hook for each signal that a concrete class hears."""

    def __init_subclass__(
        cls, *, abstract: bool = False, replaces: object = None, **kwargs: Any
    ) -> None:
        if not abstract:
            origin = origin_of_class(cls)
            with blame(origin.file):
                _hear_what_is_written(origin, cls)
        super().__init_subclass__(abstract=abstract, replaces=replaces, **kwargs)

    @classmethod
    def signals_of_hooks(cls) -> Mapping[str, Signal]:
        """Return the signal of each hook.

        Raises:
            DeclarationError: what sends them is not there.
        """
        raise NotImplementedError

    def handle(self, event: Any) -> Any:
        """Call the method that is for the event's signal."""
        return call_hook(getattr(self, self.hook_of[event.signal]), event)


def _hear_what_is_written(origin: Origin, cls: type[HookReceiver]) -> None:
    if "signal" in vars(cls):
        raise DeclarationError(
            f"{origin} sets signal, but a {cls.hooks_base.__name__} hears the signals whose "
            "methods it writes. Leave signal out."
        )
    signals = cls.signals_of_hooks()
    refuse_misspelt(origin, cls, signals)
    hooks = require_hooks(origin, cls, cls.hooks_base, signals)
    cls.hook_of = {signals[hook]: hook for hook in hooks}
    cls.signal = tuple(cls.hook_of)
