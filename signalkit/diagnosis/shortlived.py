"""Finds weak connections to what nothing else holds, in the source.

Django forgets such a receiver, and soon every trace of it, so that the process itself cannot tell
who is missing.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Mapping
from functools import partial
from types import ModuleType
from typing import Any

from django.dispatch import Signal
from django.dispatch import receiver as django_receiver

from signalkit.declare import receiver

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_DJANGO_OPTIONS = {"sender", "weak", "dispatch_uid"}


def find(tree: ast.Module, namespace: Mapping[str, Any]) -> list[tuple[int, str]]:
    """Return the lines that connect something short-lived, and what it is.

    Args:
        tree: the source of a module.
        namespace: the names of the same module, imported.
    """
    visitor = _Visitor(namespace)
    visitor.visit(tree)
    return visitor.found


class _Visitor(ast.NodeVisitor):
    """Walks through a module, aware of the function it is in."""

    def __init__(self, namespace: Mapping[str, Any]) -> None:
        self.found: list[tuple[int, str]] = []
        self._namespace = namespace
        self._functions: list[_Function] = []

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._visit_function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._visit_function(node)

    def _visit_function(self, node: _Function) -> None:
        if self._functions:
            self._visit_inner(node, self._functions[-1])
        self._functions.append(node)
        self.generic_visit(node)
        self._functions.pop()

    def _visit_inner(self, node: _Function, outer: _Function) -> None:
        weakly = any(self._connects_weakly(each) for each in node.decorator_list)
        if weakly and not _uses(outer, node.name):
            self.found.append((node.lineno, f"{node.name}, a function inside a function,"))

    def visit_Call(self, node: ast.Call) -> None:
        self.generic_visit(node)
        target = _receiver_of(node)
        if target is None or not isinstance(node.func, ast.Attribute) or not _is_weak(node):
            return
        if isinstance(self._value(node.func.value), Signal):
            what = self._short_lived(target)
            if what is not None:
                self.found.append((node.lineno, what))

    def _connects_weakly(self, decorator: ast.expr) -> bool:
        """Say whether a decorator is ``receiver(...)`` as Django means it."""
        if not isinstance(decorator, ast.Call) or not _is_weak(decorator):
            return False
        value = self._value(decorator.func)
        if value is receiver:
            # With options of its own, or several senders, signalkit holds the function.
            senders = [each.value for each in decorator.keywords if each.arg == "sender"]
            several = any(isinstance(each, (ast.List, ast.Tuple, ast.Set)) for each in senders)
            return not several and {each.arg for each in decorator.keywords} <= _DJANGO_OPTIONS
        return value is django_receiver

    def _short_lived(self, target: ast.expr) -> str | None:
        """Say what an expression makes that nothing else holds."""
        if isinstance(target, ast.Lambda):
            return "a lambda"
        if isinstance(target, ast.Call) and self._value(target.func) is partial:
            return "a partial"
        if (
            isinstance(target, ast.Attribute)
            and isinstance(target.value, ast.Call)
            and isinstance(self._value(target.value.func), type)
        ):
            return "a method of a temporary object"
        if isinstance(target, ast.Name) and self._functions:
            return self._short_lived_local(target.id, self._functions[-1])
        return None

    def _short_lived_local(self, name: str, function: _Function) -> str | None:
        # One use is the connect() itself.
        if _uses(function, name) > 1:
            return None
        for node in ast.walk(function):
            if isinstance(node, _Function) and node.name == name:
                return f"{name}, a function inside a function,"
            if isinstance(node, ast.Assign) and any(
                isinstance(each, ast.Name) and each.id == name for each in node.targets
            ):
                return self._short_lived(node.value)
        return None

    def _value(self, node: ast.expr) -> Any:
        """Return what a dotted name stands for; None when that cannot be told without running."""
        if isinstance(node, ast.Name):
            return self._imported(node.id) or self._namespace.get(node.id)
        if isinstance(node, ast.Attribute):
            holder = self._value(node.value)
            if isinstance(holder, (ModuleType, type)):
                return vars(holder).get(node.attr)
        return None

    def _imported(self, name: str) -> Any:
        """Return what an import inside the function that is being visited brings."""
        for function in reversed(self._functions):
            for node in ast.walk(function):
                if isinstance(node, ast.ImportFrom) and not node.level:
                    module = sys.modules.get(node.module or "")
                    for alias in node.names:
                        if name == (alias.asname or alias.name):
                            return getattr(module, "__dict__", {}).get(alias.name)
        return None


def _receiver_of(node: ast.Call) -> ast.expr | None:
    """Return the first argument of a call of ``connect()``."""
    if not isinstance(node.func, ast.Attribute) or node.func.attr != "connect":
        return None
    named = [each.value for each in node.keywords if each.arg == "receiver"]
    return next(iter([*node.args, *named]), None)


def _is_weak(node: ast.Call) -> bool:
    """Say whether nothing asks for a strong reference, or could."""
    return not any(
        each.arg is None or (each.arg == "weak" and not _is_true(each.value))
        for each in node.keywords
    )


def _is_true(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _uses(function: _Function, name: str) -> int:
    """Count where a function reads a name."""
    return sum(
        isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
        for node in ast.walk(function)
    )
