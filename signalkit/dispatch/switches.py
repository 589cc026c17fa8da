"""Which receivers are switched off: by settings, for the process, or in this context alone."""

from __future__ import annotations

from collections.abc import Iterable
from threading import RLock
from typing import Any, Literal, TypeAlias

from django.core.signals import setting_changed

from signalkit import conf
from signalkit.declaration import Declaration
from signalkit.dispatch import muting

Off: TypeAlias = Literal["kill_switch", "settings", "process", "muted"]
"""What stops a receiver: ``SIGNALKIT["ENABLED"]``, ``SIGNALKIT["DISABLED"]``,
:func:`disable`, or :class:`muted`."""


class Switches:
    """The state of all switches of this process."""

    def __init__(self) -> None:
        self.engaged = False
        """False promises that nobody is switched off anywhere, so that a send need not ask."""

        # Reentrant: the garbage collector may end a block while another one ends.
        self._lock = RLock()
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
        return "muted" if muting.is_muted(declaration.name) else None

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


def _settings_changed(*, setting: str, **kwargs: Any) -> None:
    if setting == conf.SETTING:
        switches.refresh()


def install() -> None:
    """Read the settings, and follow them when tests override them."""
    setting_changed.connect(_settings_changed, dispatch_uid="signalkit.switches")
    switches.refresh()
