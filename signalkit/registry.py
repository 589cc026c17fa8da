"""Every receiver that was declared with signalkit, by name."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

from signalkit.declaration import Declaration
from signalkit.exceptions import NameClash, UnknownReceiver, nearest


class Registry:
    """Holds the declarations and tells whoever connects them of each new one."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._by_name: dict[str, Declaration] = {}
        self._aliases: dict[str, str] = {}
        self._on_added: Callable[[Declaration], None] | None = None
        self._on_removed: Callable[[Declaration], None] | None = None

    def __iter__(self) -> Iterator[Declaration]:
        return iter(self.all())

    def __contains__(self, name: object) -> bool:
        return name in self._by_name or name in self._aliases

    def all(self) -> tuple[Declaration, ...]:
        """Return the declarations in the order in which they were made."""
        with self._lock:
            return tuple(self._by_name.values())

    def get(self, name: str) -> Declaration:
        """Return a declaration by its name or by one that it had before.

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
        """Return a declaration by its name or alias, or None."""
        return self._by_name.get(self._aliases.get(name, name))

    def add(self, declaration: Declaration) -> None:
        """Take in a declaration. A second import of the same source replaces the first.

        Raises:
            NameClash: another receiver has this name or one of the aliases, or the same source
                is imported under two module names, which would connect it twice.
            DeclarationError: it cannot be connected; then it is not taken in.
        """
        with self._lock:
            existing = self.find(declaration.name)
            self._refuse_clashes(declaration, existing)
            if existing is not None:
                self.remove(existing)
            self._by_name[declaration.name] = declaration
            self._aliases.update(dict.fromkeys(declaration.aliases, declaration.name))
            if self._on_added is not None:
                try:
                    self._on_added(declaration)
                except BaseException:
                    self.remove(declaration)
                    raise

    def _refuse_clashes(self, declaration: Declaration, existing: Declaration | None) -> None:
        if existing is not None and not self._is_reimport(existing, declaration):
            raise NameClash(
                f"Two receivers are named {declaration.name!r}: {existing.origin} and "
                f"{declaration.origin}. Give one of them another name (name=...)."
            )
        for alias in declaration.aliases:
            owner = self.find(alias)
            if owner is not None and owner is not existing:
                raise NameClash(
                    f"{declaration.name} ({declaration.origin}) claims the former name "
                    f"{alias!r}, which {owner.name} ({owner.origin}) has. Remove one of them."
                )
        for other in self._by_name.values():
            twice = other.origin.same_place(declaration.origin)
            if twice and other.origin.module != declaration.origin.module:
                raise NameClash(
                    f"{declaration.origin.file} is imported as {other.origin.module} and as "
                    f"{declaration.origin.module}, so {other.name} would run twice for every "
                    "event. Import it under one name."
                )

    def remove(self, declaration: Declaration) -> None:
        """Forget a declaration."""
        with self._lock:
            if self._by_name.get(declaration.name) is not declaration:
                return
            del self._by_name[declaration.name]
            for alias in declaration.aliases:
                del self._aliases[alias]
            if self._on_removed is not None:
                self._on_removed(declaration)

    def connect_with(
        self,
        added: Callable[[Declaration], None],
        removed: Callable[[Declaration], None],
    ) -> None:
        """Name who is told of each declaration from now on. There is one such party."""
        self._on_added, self._on_removed = added, removed

    @staticmethod
    def _is_reimport(existing: Declaration, declaration: Declaration) -> bool:
        return (
            existing.origin.same_place(declaration.origin)
            and existing.origin.code is not declaration.origin.code
        )


registry = Registry()
"""The registry of this process."""
