"""What a module has for type checkers alone: the names under ``if TYPE_CHECKING:``.

They are how a module names models that it must not import. When the program runs they are nowhere
but in its source.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import resolve_name
from types import ModuleType
from typing import Any
from weakref import WeakKeyDictionary

Load = Callable[[str], ModuleType]


class Unchecked:
    """Stands for what only type checkers know: whatever is made of it is not checked either."""

    def __getattr__(self, name: str) -> Unchecked:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __getitem__(self, item: object) -> Unchecked:
        return self

    def __call__(self) -> Unchecked:
        """Be something that can be called, without which typing takes nothing into a Union."""
        return self

    def __or__(self, other: object) -> Unchecked:
        return self

    __ror__ = __or__


UNCHECKED = Unchecked()


@dataclass(frozen=True, slots=True)
class Imported:
    """A name that is imported for type checkers."""

    module: str
    """Absolute and dotted."""

    attribute: str | None = None
    """What of it; None for the module itself."""

    def found(self, load: Load) -> Any:
        """Return what it stands for.

        Args:
            load: returns a module by its dotted name.

        Returns:
            :data:`UNCHECKED` for what is not there when the program runs: a module of stubs, or
            one that cannot be imported here.
        """
        try:
            module = load(self.module)
            if self.attribute is None or hasattr(module, self.attribute):
                return module if self.attribute is None else getattr(module, self.attribute)
            return load(f"{self.module}.{self.attribute}")
        except (ImportError, RuntimeError):
            # RuntimeError is Django's for the models of an app that is not installed.
            return UNCHECKED


# Read once for all the payloads of a module, and again when it was reloaded.
_read: WeakKeyDictionary[ModuleType, tuple[object, dict[str, Imported | None]]] = (
    WeakKeyDictionary()
)


def names_for_checkers(module: ModuleType) -> dict[str, Imported | None]:
    """Return the names that a module has for type checkers, by reading its source.

    Args:
        module: the module.

    Returns:
        What each is imported from; None for one that is made on the spot. Nothing, where there is
        no source.
    """
    load, names = _read.get(module, (None, None))
    if names is None or load is not module.__spec__:
        names = _names_in_source(module)
        _read[module] = (module.__spec__, names)
    return names


def _names_in_source(module: ModuleType) -> dict[str, Imported | None]:
    try:
        tree = ast.parse(inspect.getsource(module))
    except (OSError, TypeError, SyntaxError):
        return {}
    found: dict[str, Imported | None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and _asks_for_checkers(node.test):
            for statement in node.body:
                found |= dict(_names_of(statement, module.__package__ or ""))
    return found


def _asks_for_checkers(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", None)
    return name == "TYPE_CHECKING"


def _names_of(statement: ast.stmt, package: str) -> Iterator[tuple[str, Imported | None]]:
    if isinstance(statement, ast.ImportFrom):
        module = "." * statement.level + (statement.module or "")
        module = resolve_name(module, package)
        for alias in statement.names:
            yield alias.asname or alias.name, Imported(module, alias.name)
    elif isinstance(statement, ast.Import):
        for alias in statement.names:
            first = alias.name.partition(".")[0]
            yield alias.asname or first, Imported(alias.name if alias.asname else first)
    elif isinstance(statement, (ast.ClassDef, ast.FunctionDef)):
        yield statement.name, None
    else:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id, None
