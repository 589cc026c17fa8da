"""What users switch receivers off with, and on again: ``disable``, ``enable`` and ``muted``."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from functools import wraps
from types import TracebackType
from typing import Any, ParamSpec, TypeVar, cast

from signalkit.declare.references import names_of
from signalkit.dispatch import muting
from signalkit.dispatch.muting import Block
from signalkit.dispatch.switches import switches
from signalkit.exceptions import DeclarationError
from signalkit.registry import registry

P = ParamSpec("P")
T = TypeVar("T")


def disable(*names: object) -> None:
    """Stop receivers in this process, from now on, until :func:`enable`.

    What they have scheduled already still runs.

    Args:
        names: names of receivers, or the classes or functions themselves.

    Raises:
        DeclarationError: something is neither a name nor a declared receiver.
        UnknownReceiver: no receiver has such a name.
    """
    switches.disable(names_of_receivers(names))


def enable(*names: object) -> None:
    """Undo :func:`disable`. What the settings disable stays disabled.

    Args:
        names: names of receivers, or the classes or functions themselves.

    Raises:
        DeclarationError: something is neither a name nor a declared receiver.
        UnknownReceiver: no receiver has such a name.
    """
    switches.enable(names_of_receivers(names))


class muted:  # noqa: N801  (reads as the verb it is: with muted("shop.Welcome"))
    """Stop receivers inside a ``with`` block, or in a decorated function, and nowhere else.

    Other threads and other asyncio tasks are not affected. Blocks may be nested; each restores
    what it found. What was scheduled before still runs; what is sent inside is never scheduled.
    """

    def __init__(self, *names: object) -> None:
        """Name the receivers.

        Args:
            names: names of receivers, or the classes or functions themselves; none means all
                of signalkit's.

        Raises:
            DeclarationError: something is neither a name nor a declared receiver.
            UnknownReceiver: no receiver has such a name.
        """
        self._names = names_of_receivers(names)
        # One may be entered by several threads and tasks at once.
        self._entered: list[Block] = []

    def __enter__(self) -> None:
        block = Block(self, self._names)
        self._entered.append(block)
        muting.enter(block)
        switches.count_mute(+1)

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        muting.leave(self, self._entered)
        switches.count_mute(-1)

    def __call__(self, func: Callable[P, T]) -> Callable[P, T]:
        """Decorate a function or a coroutine function.

        Raises:
            DeclarationError: it is a class, or a generator function, whose body would run
                outside of the block.
        """
        if isinstance(func, type):
            raise DeclarationError(
                f"muted() cannot decorate the class {func.__qualname__}. Decorate its methods."
            )
        if inspect.isgeneratorfunction(func) or inspect.isasyncgenfunction(func):
            raise DeclarationError(
                f"muted() cannot decorate {func.__qualname__}: what follows its yield would mute "
                "whoever it yields to. Write the with block around what is to be muted."
            )
        if inspect.iscoroutinefunction(func):

            @wraps(func)
            async def awaited(*args: P.args, **kwargs: P.kwargs) -> Any:
                with self:
                    return await func(*args, **kwargs)

            return cast("Callable[P, T]", awaited)

        @wraps(func)
        def called(*args: P.args, **kwargs: P.kwargs) -> T:
            with self:
                return func(*args, **kwargs)

        return called


def names_of_receivers(receivers: Iterable[object]) -> frozenset[str]:
    """Return the present names of receivers given by a name, or as the class or function.

    Raises:
        DeclarationError: something is neither a name nor a declared receiver.
        UnknownReceiver: no receiver has such a name.
    """
    return frozenset(
        registry.get(name).name
        for receiver in receivers
        for name in names_of("signalkit", "receiver", receiver)
    )
