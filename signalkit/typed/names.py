"""What the names in an annotation stand for."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any

from django.apps import AppConfig, apps

from signalkit.exceptions import nearest
from signalkit.typed.for_checkers import (
    UNCHECKED,
    Imported,
    Load,
    names_for_checkers,
)


class NotYet(Exception):
    """Something is named that may come to be known: a class further down, a model."""


class Unresolvable(Exception):
    """An annotation cannot be read, now or ever. It says why, and what to do."""


def loaded(name: str) -> ModuleType:
    """Return a module that is imported already.

    Raises:
        NotYet: it is not.
    """
    module = sys.modules.get(name)
    if module is None or _is_being_imported(module):
        raise NotYet(name)
    return module


def load_at_declaration(module: str) -> Load | None:
    """Return how modules are found while a payload is declared.

    Args:
        module: the one that the payload is written in.

    Returns:
        None where what is missing may still come: while models load, and while the rest of the
        module is not executed.
    """
    written_in = sys.modules.get(module)
    is_complete = (
        apps.models_ready
        # A shell, or a script, goes on.
        and getattr(written_in, "__spec__", None) is not None
        and not _is_being_imported(written_in)
    )
    return loaded if is_complete else None


def _is_being_imported(module: object) -> bool:
    # While importlib is at it, it says so in the module's spec.
    return bool(getattr(getattr(module, "__spec__", None), "_initializing", False))


load_at_start: Load = loaded
"""Nothing is imported for it: of a class whose module is not loaded there can be no instance."""

load_at_send: Load = import_module


@dataclass(frozen=True, slots=True)
class Names:
    """The names that the annotations in one class can use."""

    owner: type
    """The class whose body they are written in."""

    fields: Collection[str]
    """The names of its fields: in the class they stand for defaults, not for what is annotated."""

    load: Load | None
    """How modules are found; None while unknown names may still come to be known."""

    def evaluate(self, text: str) -> Any:
        """Return what an annotation in quotes stands for.

        Raises:
            NotYet: a name in it may come to be known.
            Unresolvable: it is no expression, or a name in it is not known.
        """
        try:
            code = compile(text.strip(), "<annotation>", "eval", dont_inherit=True)
        except SyntaxError:
            raise Unresolvable("is no annotation") from None
        try:
            return self._evaluate(code, (self._in_python, self._among_models))
        except AttributeError:
            # "auth.User", where the module has imported something else that is called auth
            try:
                return self._evaluate(code, (self._among_models, self._in_python))
            except AttributeError as error:
                raise self._missing(str(error)) from None

    def _evaluate(self, code: Any, lookups: Iterable[Callable[[str], Any]]) -> Any:
        try:
            # What somebody wrote as an annotation, in the program itself.
            return eval(code, {}, _Scope(lookups))  # noqa: S307
        except NameError as error:
            raise self._missing(f"{error.name!r} is not defined", error.name or "") from None
        except (TypeError, ValueError, LookupError) as error:
            raise Unresolvable(f"cannot be evaluated ({error})") from None

    def _missing(self, what: str, name: str = "") -> Exception:
        if self.load is None:
            return NotYet(what)
        known = [*vars(self._module), *self._for_checkers, *apps.app_configs]
        return Unresolvable(
            f"does not resolve: {what} in {self.owner.__module__}.{nearest(name, known)} Import it "
            "there, under TYPE_CHECKING if that is all it is for, or write 'app_label.ModelName'"
        )

    def _in_python(self, name: str) -> Any:
        own = {each.__name__: each for each in getattr(self.owner, "__type_params__", ())}
        own |= {key: each for key, each in vars(self.owner).items() if key not in self.fields}
        for namespace in (own, vars(self._module), vars(builtins)):
            if name in namespace:
                return namespace[name]
        if self.load is not None and name in self._for_checkers:
            imported = self._for_checkers[name]
            return UNCHECKED if imported is None else imported.found(self.load)
        raise KeyError(name)

    def _among_models(self, name: str) -> Any:
        if self.load is not None and name in apps.app_configs:
            return _Models(apps.app_configs[name])
        raise KeyError(name)

    @property
    def _module(self) -> ModuleType:
        return sys.modules.get(self.owner.__module__, builtins)

    @property
    def _for_checkers(self) -> dict[str, Imported | None]:
        return names_for_checkers(self._module)


class _Scope(dict[str, Any]):
    """What Python looks names up in: several places, one after the other."""

    def __init__(self, lookups: Iterable[Callable[[str], Any]]) -> None:
        super().__init__()
        self._lookups = tuple(lookups)

    def __missing__(self, name: str) -> Any:
        for lookup in self._lookups:
            try:
                return lookup(name)
            except KeyError:
                continue
        raise KeyError(name)


class _Models:
    """The models of an app, as attributes."""

    def __init__(self, app_config: AppConfig) -> None:
        self._app_config = app_config

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return self._app_config.get_model(name)
        except LookupError:
            label = f"{self._app_config.label}.{name}"
            known = [model._meta.label for model in apps.get_models()]
            raise Unresolvable(
                f"names no model: there is no {label!r}.{nearest(label, known)}"
            ) from None
