"""What a signal is called: a name that is known, or where a loaded module holds it."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator
from typing import Any
from weakref import WeakKeyDictionary

from django.dispatch import Signal

from signalkit.catalogue import find, known_signals


def signal_name(signal: Signal) -> str:
    """Return a signal's name for people.

    Returns:
        The short name for Django's own and signalkit's, such as ``post_save``; for others see
        :func:`signal_path`.
    """
    builtin = find(signal)
    return builtin.name if builtin is not None else signal_path(signal)


# What was found once, because to look through every loaded module takes milliseconds, and a
# failing receiver is logged with the name of its signal. A signal without a name may get one yet.
_found: WeakKeyDictionary[Signal, str] = WeakKeyDictionary()


def signal_path(signal: Signal) -> str:
    """Return the dotted path of the attribute that holds a signal.

    Returns:
        The path as :func:`signal_paths` finds it, looked for once; for a signal that nothing
        holds by a name, its ``repr()``.
    """
    path = _found.get(signal)
    if path is None:
        path = signal_paths([signal])[id(signal)]
        if path != repr(signal):
            _found[signal] = path
    return path


def signal_paths(signals: Iterable[Signal]) -> dict[int, str]:
    """Return for each signal the dotted path of the attribute that holds it.

    A signal does not know its name, and every module that imports it holds it too: one that is
    called ``signals`` is taken before others, and then the shortest path. Nothing is imported.

    Args:
        signals: those to look for, all in one walk.

    Returns:
        The path by the ``id()`` of each, for not every signal is hashable; the ``repr()`` of one
        that no loaded module or class of a module holds.
    """
    wanted = {id(signal): signal for signal in signals}
    builtins = {id(each.signal): f"{each.module}.{each.name}" for each in known_signals()}
    found = {key: [path] for key, path in builtins.items() if key in wanted}
    for holders in (_held_by_modules, _held_by_classes):
        missing = wanted.keys() - found.keys()
        for path, key in holders(missing) if missing else ():
            found.setdefault(key, []).append(path)
    return {
        key: min(found[key], key=_unlikeliness) if key in found else repr(signal)
        for key, signal in wanted.items()
    }


def _held_by_modules(ids: Collection[int]) -> Iterator[tuple[str, int]]:
    for module, names in loaded_namespaces():
        yield from _held_by(module, names, ids)


def _held_by_classes(ids: Collection[int]) -> Iterator[tuple[str, int]]:
    for module, names in loaded_namespaces():
        for value in names.values():
            # type(), because isinstance() asks lazy objects for their class and so wakes them
            if issubclass(type(value), type):
                # type's own, for a metaclass may have others that raise
                own, name = vars(value), type.__dict__["__qualname__"].__get__(value)
                if own.get("__module__") == module:
                    yield from _held_by(f"{module}.{name}", dict(own), ids)


def _held_by(path: str, names: dict[str, Any], ids: Collection[int]) -> Iterator[tuple[str, int]]:
    # Almost nobody holds any of them, so this is asked first, and quickly.
    if not {*map(id, names.values())}.isdisjoint(ids):
        held = ((f"{path}.{name}", id(value)) for name, value in names.items())
        yield from (each for each in held if each[1] in ids)


def loaded_namespaces() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each loaded module's dotted name and a copy of its namespace, importing nothing."""
    for name, module in list(sys.modules.items()):
        yield name, dict(getattr(module, "__dict__", {}))


def _unlikeliness(path: str) -> tuple[bool, int, str]:
    return "signals" not in path.split("."), len(path), path
