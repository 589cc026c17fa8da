"""What source files say, without importing them."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from pathlib import Path

from django.apps import AppConfig

# Not imported by a project that runs, and not missed by it.
_PASSED_OVER = {"migrations", "management", "tests", "test", "__pycache__"}
_BASES = {"Receiver", "ModelReceiver"}


def modules_of(app_config: AppConfig) -> Iterator[tuple[str, Path]]:
    """Yield dotted name and file of the modules below an app, tests and migrations excepted.

    Only packages are looked into: what else lies in the folder of an app, such as a virtual
    environment beside an app in the project's root, is not the app's.
    """
    root = Path(app_config.path)
    for folder, folders, files in os.walk(root):
        here = Path(folder)
        folders[:] = sorted(
            each
            for each in folders
            if each not in _PASSED_OVER and (here / each / "__init__.py").is_file()
        )
        package = ".".join((app_config.name, *here.relative_to(root).parts))
        for file in sorted(map(here.joinpath, files)):
            if file.suffix == ".py" and file.stem != "conftest" and file.stem[:4] != "test":
                yield package if file.stem == "__init__" else f"{package}.{file.stem}", file


def parse(file: Path, *mentioning: bytes) -> ast.Module | None:
    """Return the syntax tree of a file.

    Args:
        file: what to read.
        mentioning: bytes of which one at least is in the file, or it is not worth parsing.

    Returns:
        None when none of them is, or when the file cannot be read.
    """
    try:
        text = file.read_bytes()
        return ast.parse(text, str(file)) if any(each in text for each in mentioning) else None
    except (OSError, SyntaxError, ValueError):
        return None


def imports(tree: ast.Module, name: str, file: Path) -> set[str]:
    """Return the dotted names that a module imports anywhere, or may: by strings that name them.

    Args:
        tree: the source of the module.
        name: its dotted name.
        file: its file.
    """
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = name.split(".") if file.stem == "__init__" else name.split(".")[:-1]
            base = [*parts[: len(parts) - node.level + 1]] if node.level else []
            base += [node.module] if node.module else []
            found.update(".".join([*base, *tail]) for tail in ([], *([a.name] for a in node.names)))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
    return found


def imports_signalkit(tree: ast.Module) -> bool:
    """Say whether a module imports signalkit or something of it."""
    return bool(_signalkit_names(tree))


def declarations(tree: ast.Module) -> list[int]:
    """Return the lines where a module declares receivers with signalkit."""
    names = _signalkit_names(tree)
    return [
        node.lineno
        for node in ast.walk(tree)
        if (
            isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
            and any(
                isinstance(each, ast.Call) and _origin(each.func, names) == "receiver"
                for each in node.decorator_list
            )
        )
        or (
            isinstance(node, ast.ClassDef)
            and any(_origin(base, names) in _BASES for base in node.bases)
            and _assigns(node, "signal")
        )
    ]


def _signalkit_names(tree: ast.Module) -> dict[str, str]:
    """Return the names by which a module knows things of signalkit: what each one is there.

    An empty string stands for a module.
    """
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.partition(".")[0] == "signalkit":
                    names[alias.asname or "signalkit"] = ""
        elif isinstance(node, ast.ImportFrom) and _package(node) == "signalkit":
            names.update((alias.asname or alias.name, alias.name) for alias in node.names)
    return names


def _package(node: ast.ImportFrom) -> str:
    """Return the top-level package that is imported from; empty for a relative import."""
    return "" if node.level else (node.module or "").partition(".")[0]


def _origin(node: ast.expr, names: dict[str, str]) -> str | None:
    """Return what an expression is called in signalkit; None when it is not from there."""
    if isinstance(node, ast.Name):
        return names.get(node.id)
    inner = node
    while isinstance(inner, ast.Attribute):
        inner = inner.value
    if isinstance(node, ast.Attribute) and isinstance(inner, ast.Name) and inner.id in names:
        return node.attr
    return None


def _assigns(node: ast.ClassDef, name: str) -> bool:
    for statement in node.body:
        targets: list[ast.expr] = []
        if isinstance(statement, ast.Assign):
            targets = statement.targets
        elif isinstance(statement, ast.AnnAssign):
            targets = [statement.target]
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            return True
    return False
