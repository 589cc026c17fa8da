"""What Django has connected in this process, plain receivers included."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from django.apps import apps
from django.dispatch import Signal

from signalkit.declaration import Declaration
from signalkit.declare.callables import identity
from signalkit.declare.foreign import fact
from signalkit.declare.naming import attribute
from signalkit.dispatch.entrance import DECLARATION
from signalkit.dispatch.found import all_signals, with_subclasses
from signalkit.signal_names import loaded_namespaces


class Unknown(Enum):
    """What stands for a sender that is no object one can look at."""

    ANYONE = "anyone"
    """Connected without a sender."""

    GONE = "gone"
    """Collected since: nothing is ever sent by it again."""

    UNTOLD = "untold"
    """Django keeps the id of a sender, and nothing that lives and can be looked up has this one:
    a list or a string that was never stored anywhere, or an object that is gone."""

    AWAITED = "awaited"
    """A model that is named by a string and not defined yet."""


@dataclass(frozen=True, slots=True, eq=False)
class SignalConnection:
    """One receiver on one signal, as Django has it."""

    signal: Signal
    receiver: Callable[..., Any] | None
    """None when it was referred to weakly and has died."""

    sender: Any
    """The object itself, or an :class:`Unknown`."""

    weak: bool
    is_async: bool
    """Whether Django awaits it."""

    uid: Hashable | None
    """The ``dispatch_uid`` that was given."""

    awaited: str | None = None
    """The label of the model that it waits for."""

    ends_with_its_object: bool = False
    """Whether it is a method that is connected weakly: when its object is gone, so is it."""

    @property
    def declaration(self) -> Declaration | None:
        """What signalkit knows of it; None for a plain receiver."""
        # The dictionary, for an attribute would also be found on a mock or a lazy object.
        found = (attribute(self.receiver, "__dict__", dict) or {}).get(DECLARATION)
        return found if isinstance(found, Declaration) else None


@dataclass(frozen=True, slots=True)
class _Entry:
    """An item of ``Signal.receivers``, whatever the version of Django."""

    key: Hashable
    receiver: Any
    sender_id: int
    sender: Any
    weak: bool
    is_async: bool
    is_weak_method: bool


def _entries(signal: Signal) -> Iterator[_Entry]:
    """Take Django's registry apart. Only this function knows the shape of it.

    Django 5.2 keeps ``((receiver key, id of the sender), receiver, is_async)``; from 6.0 on there
    is a weak reference to the sender before ``is_async``, or None where there can be none.
    """
    for (key, sender_id), receiver, *sender_ref, is_async in list(signal.receivers):
        weak = isinstance(receiver, weakref.ReferenceType)
        sender: Any = Unknown.UNTOLD
        if sender_id == id(None):
            sender = Unknown.ANYONE
        elif sender_ref and sender_ref[0] is not None:
            sender = sender_ref[0]()
            sender = Unknown.GONE if sender is None else sender
        yield _Entry(
            key,
            receiver() if weak else receiver,
            sender_id,
            sender,
            weak,
            is_async,
            isinstance(receiver, weakref.WeakMethod),
        )


def awaited_connections() -> Iterator[SignalConnection]:
    """Yield the receivers that Django connects once a model is defined.

    Django keeps a function for each; it leads to ``Signal.connect`` and its arguments, as Django's
    own check ``signals.E001`` finds them.
    """
    for (app_label, model_name), operations in list(apps._pending_operations.items()):
        for operation in operations:
            arguments: list[Any] = []
            keywords: dict[str, Any] = {}
            while hasattr(operation, "func"):
                arguments.extend(getattr(operation, "args", ()))
                keywords.update(getattr(operation, "keywords", None) or {})
                operation = operation.func
            signal = getattr(operation, "__self__", None)
            if isinstance(signal, Signal) and arguments:
                yield SignalConnection(
                    signal,
                    arguments[0],
                    Unknown.AWAITED,
                    keywords.get("weak", True),
                    is_async=False,
                    uid=keywords.get("dispatch_uid"),
                    awaited=f"{app_label}.{model_name}",
                )


def all_connections(signals: Iterable[Signal] | None = None) -> list[SignalConnection]:
    """Return what is connected to some signals, or to all, each signal's in Django's order.

    That is the order in which they are called, except that Django calls the synchronous ones
    first.
    """
    signals = all_signals() if signals is None else list(signals)
    entries = [(signal, entry) for signal in signals for entry in _entries(signal)]
    untold = {entry.sender_id for _, entry in entries if entry.sender is Unknown.UNTOLD}
    senders = _find(untold) if untold else {}
    return [
        SignalConnection(
            signal,
            entry.receiver,
            senders.get(entry.sender_id, entry.sender),
            entry.weak,
            entry.is_async,
            _given_uid(entry),
            ends_with_its_object=entry.is_weak_method,
        )
        for signal, entry in entries
    ]


def _find(ids: set[int]) -> dict[int, Any]:
    """Find the objects that have these ids: classes, apps, and what modules hold by a name.

    No other object is believed to be the one: the id of a list that was thrown away may be
    another object's by now. Classes, which live long and are large, do not share that fate.
    """
    found: dict[int, Any] = {**with_subclasses(object)}
    found.update((id(each), each) for each in apps.get_app_configs())
    found = {key: found[key] for key in ids & found.keys()}
    if len(found) < len(ids):
        for _, names in loaded_namespaces():
            found |= {id(value): value for value in names.values() if id(value) in ids}
    return found


def _given_uid(entry: _Entry) -> Hashable | None:
    """Tell a ``dispatch_uid`` from the ids that Django takes where none is given."""
    key = entry.key
    parts = key if type(key) is tuple else (key,)
    # First of all, for nobody knows what the == of a uid does.
    if not all(type(part) is int for part in parts):
        return key
    if entry.receiver is None:
        return None
    return None if key == fact(lambda: identity(entry.receiver), otherwise=None) else key
