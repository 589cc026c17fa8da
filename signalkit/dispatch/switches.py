"""Which receivers are switched off: by settings, for the process, or in this context alone."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from functools import wraps
from threading import Lock
from types import TracebackType
from typing import Any, Literal, ParamSpec, TypeAlias, TypeVar, cast

from django.core.signals import setting_changed

from signalkit import conf
from signalkit.declaration import Declaration
from signalkit.declare.references import names_of
from signalkit.exceptions import DeclarationError
from signalkit.registry import registry

P = ParamSpec("P")
T = TypeVar("T")

_EVERYONE = "*"


class _Entered:
    """A block that was entered once. A context that outlives it, as a task may, sees it ended."""

    __slots__ = ("ended", "muted", "names")

    def __init__(self, muted: muted, names: frozenset[str]) -> None:
        self.muted = muted
        self.names = names
        self.ended = False

    def silences(self, name: str) -> bool:
        """Say whether a receiver is not to run inside of it."""
        return not self.ended and (_EVERYONE in self.names or name in self.names)


_BLOCKS: ContextVar[tuple[_Entered, ...]] = ContextVar("signalkit_muted", default=())
"""The blocks that this context is in."""

Off: TypeAlias = Literal["kill_switch", "settings", "process", "muted"]
"""What stops a receiver: ``SIGNALKIT["ENABLED"]``, ``SIGNALKIT["DISABLED"]``,
:func:`disable`, or :class:`muted`."""


class Switches:
    """The state of all switches of this process."""

    def __init__(self) -> None:
        self.engaged = False
        """False promises that nobody is switched off anywhere, so that a send need not ask."""

        self._lock = Lock()
        self._disabled: frozenset[str] = frozenset()
        self._mutes = 0
        # Everyone who is off when nothing but names is switched off; otherwise None.
        self._named: frozenset[str] | None = None

    def refuses(self, declaration: Declaration) -> bool:
        """Say whether a receiver must not run here and now."""
        # Asked at each send in a project that keeps some receivers switched off for good.
        if (
            self._named is not None
            and declaration.name not in self._named
            and not declaration.aliases
        ):
            return False
        return self.why_off(declaration) is not None

    def why_off(self, declaration: Declaration) -> Off | None:
        """Say which switch stops a receiver here and now; None when it may run."""
        config = conf.config()
        if not config.ENABLED:
            return "kill_switch"
        if any(name in config.DISABLED for name in (declaration.name, *declaration.aliases)):
            return "settings"
        if declaration.name in self._disabled:
            return "process"
        is_muted = any(block.silences(declaration.name) for block in _BLOCKS.get())
        return "muted" if is_muted else None

    def refresh(self) -> None:
        """Work out again whether anything is switched off."""
        with self._lock:
            self._refresh()

    def disable(self, names: Iterable[str]) -> None:
        """Switch receivers off for the process."""
        with self._lock:
            self._disabled |= frozenset(names)
            self._refresh()

    def enable(self, names: Iterable[str]) -> None:
        """Undo :meth:`disable`."""
        with self._lock:
            self._disabled -= frozenset(names)
            self._refresh()

    def count_mute(self, change: int) -> None:
        """Take note that a mute began (+1) or ended (-1) somewhere in the process."""
        with self._lock:
            self._mutes += change
            self._refresh()

    def _refresh(self) -> None:
        config = conf.config()
        by_name = self._disabled.union(config.DISABLED)
        only_by_name = config.ENABLED and not self._mutes
        self._named = by_name if only_by_name else None
        self.engaged = bool(by_name) or not only_by_name


switches = Switches()


def _names(receivers: Iterable[object]) -> frozenset[str]:
    """Return the present names of receivers given by a name, or as the class or function."""
    return frozenset(
        registry.get(name).name
        for receiver in receivers
        for name in names_of("signalkit", "receiver", receiver)
    )


def disable(*names: object) -> None:
    """Stop receivers in this process, from now on, until :func:`enable`.

    What they have scheduled already still runs.

    Args:
        names: names of receivers, or the classes or functions themselves.

    Raises:
        DeclarationError: something is neither a name nor a declared receiver.
        UnknownReceiver: no receiver has such a name.
    """
    switches.disable(_names(names))


def enable(*names: object) -> None:
    """Undo :func:`disable`. What the settings disable stays disabled.

    Args:
        names: names of receivers, or the classes or functions themselves.

    Raises:
        DeclarationError: something is neither a name nor a declared receiver.
        UnknownReceiver: no receiver has such a name.
    """
    switches.enable(_names(names))


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
        self._names = _names(names) or frozenset({_EVERYONE})
        # One may be entered by several threads and tasks at once.
        self._entered: list[_Entered] = []

    def __enter__(self) -> None:
        entered = _Entered(self, self._names)
        self._entered.append(entered)
        _BLOCKS.set((*_BLOCKS.get(), entered))
        switches.count_mute(+1)

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # A generator may be entered in one context and left in another: then the latest is meant.
        here = [block for block in _BLOCKS.get() if block.muted is self and not block.ended]
        leaving = (here or self._entered)[-1]
        self._entered.remove(leaving)
        leaving.ended = True
        _BLOCKS.set(tuple(block for block in _BLOCKS.get() if not block.ended))
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


def _settings_changed(*, setting: str, **kwargs: Any) -> None:
    if setting == conf.SETTING:
        switches.refresh()


def install() -> None:
    """Read the settings, and follow them when tests override them."""
    setting_changed.connect(_settings_changed, dispatch_uid="signalkit.switches")
    switches.refresh()
