"""Every receiver that was declared with signalkit, by name."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator

from django.dispatch import Signal

from signalkit.declaration import Declaration
from signalkit.exceptions import NameClash, UnknownReceiver, nearest

OnChange = Callable[[set[Signal]], None]


class Registry:
    """Holds the declarations and tells whoever connects them of each change.

    It may be read from any thread; each change holds ``lock``.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        """Held during each change, and by whoever connects: one lock, so that none can cross."""

        self._by_name: dict[str, Declaration] = {}
        self._aliases: dict[str, str] = {}
        self._on_change: OnChange | None = None

    def __iter__(self) -> Iterator[Declaration]:
        return iter(self.all())

    def __contains__(self, name: object) -> bool:
        return name in self._by_name or name in self._aliases

    def all(self) -> tuple[Declaration, ...]:
        """Return the declarations in the order in which they were made."""
        with self.lock:
            return tuple(self._by_name.values())

    def get(self, name: str) -> Declaration:
        """Return a declaration.

        Args:
            name: its name, or one that it had before.

        Raises:
            UnknownReceiver: nothing was declared under this name.
        """
        found = self.find(name)
        if found is None:
            raise UnknownReceiver(
                f"No receiver is named {name!r}.{nearest(name, self._by_name)} "
                "`manage.py signalkit list` shows all names."
            )
        return found

    def find(self, name: str) -> Declaration | None:
        """Look for a declaration.

        Args:
            name: its name, or one that it had before.

        Returns:
            None when nothing was declared under this name.
        """
        return self._by_name.get(self._aliases.get(name, name))

    def replaced_by(self) -> dict[Declaration, Declaration]:
        """Say who stands in whose place.

        Returns:
            The replacement by the declaration that it replaces. One that replaces a receiver
            that is not declared (yet) is left out.
        """
        with self.lock:
            return {
                replaced: declaration
                for declaration in self._by_name.values()
                if declaration.replaces
                and (replaced := self.find(declaration.replaces)) is not None
            }

    def add(self, declaration: Declaration) -> None:
        """Take in a declaration, and tell whoever connects it.

        What an earlier execution of the same module declared is forgotten: after
        ``importlib.reload()``, a module's receivers are those that it declares now. Whatever is
        raised, everything is as it was before.

        Args:
            declaration: what to take in; its name must be free.

        Raises:
            NameClash: another receiver has this name or one of the aliases, replaces the same
                receiver, or the same source is imported under two module names, which would
                connect it twice.
            DeclarationError: whoever connects it says that it cannot be.
        """
        with self.lock:
            before = self._by_name, self._aliases
            outdated = [each for each in self if _gives_way(each, declaration)]
            self._keep(each for each in self if each not in outdated)
            try:
                self._refuse_clashes(declaration)
                self._keep((*self, declaration))
                self._refuse_rivals()
                self._tell(declaration, *outdated)
            except BaseException:
                self._by_name, self._aliases = before
                self._tell(declaration, *outdated)
                raise

    def remove(self, declaration: Declaration) -> None:
        """Forget a declaration, and tell whoever connected it.

        What it replaced runs again.

        Args:
            declaration: what :meth:`get` returns. One that is not, or no longer, held under its
                name is no error.
        """
        with self.lock:
            if self._by_name.get(declaration.name) is declaration:
                self._keep(each for each in self if each is not declaration)
                self._tell(declaration)

    def call_on_change(self, on_change: OnChange) -> None:
        """Name who is told of changes from now on, in place of whoever was.

        Args:
            on_change: called under ``lock`` with the signals whose receivers have changed.
                What it raises undoes an ``add()``, and comes out of it.
        """
        self._on_change = on_change

    def _keep(self, declarations: Iterable[Declaration]) -> None:
        # New dictionaries, never changed ones: find() takes no lock.
        by_name = {declaration.name: declaration for declaration in declarations}
        self._aliases = {
            alias: declaration.name
            for declaration in by_name.values()
            for alias in declaration.aliases
        }
        self._by_name = by_name

    def _tell(self, *changed: Declaration) -> None:
        if self._on_change is not None:
            replaced = [self.find(each.replaces) for each in changed if each.replaces]
            self._on_change(
                {signal for each in (*changed, *filter(None, replaced)) for signal in each.signals}
            )

    def _refuse_clashes(self, declaration: Declaration) -> None:
        for name in (declaration.name, *declaration.aliases):
            owner = self.find(name)
            if owner is not None:
                raise NameClash(
                    f"Two receivers claim the name {name!r}: {owner.origin} and "
                    f"{declaration.origin}. Give one of them another name (name=...)."
                )
        for other in self:
            if other.origin.module != declaration.origin.module and other.origin.same_place(
                declaration.origin
            ):
                raise NameClash(
                    f"{declaration.origin.file} is imported as {other.origin.module} and as "
                    f"{declaration.origin.module}, so {other.name} would run twice for every "
                    "event. Import it under one name."
                )

    def _refuse_rivals(self) -> None:
        """Refuse replacements that would leave two in one place, or nobody."""
        replacing: dict[Declaration | str, Declaration] = {}
        for declaration in self:
            if declaration.replaces is None:
                continue
            replaced = self.find(declaration.replaces) or declaration.replaces
            if replaced is declaration:
                raise NameClash(
                    f"{declaration.origin} replaces itself, so nothing would run. Name the "
                    "receiver that it is to replace."
                )
            rival = replacing.setdefault(replaced, declaration)
            if rival is not declaration:
                raise NameClash(
                    f"{_located(rival)} and {_located(declaration)} both replace "
                    f"{declaration.replaces!r}, so both would run. Let one of them replace the "
                    "other."
                )
        for declaration in replacing.values():
            step = declaration
            while step.replaces and (following := self.find(step.replaces)) is not None:
                if following is declaration:
                    raise NameClash(
                        f"{_located(declaration)} and {_located(step)} replace each other, so "
                        "neither would run. Drop one of the replaces=."
                    )
                step = following


def _gives_way(declaration: Declaration, other: Declaration) -> bool:
    if declaration.origin.outdated_by(other.origin):
        return True
    return declaration.name == other.name and declaration.origin.redefined_by(other.origin)


def _located(declaration: Declaration) -> str:
    return f"{declaration.name} ({declaration.origin.file}:{declaration.origin.line})"


registry = Registry()
"""The registry of this process."""
