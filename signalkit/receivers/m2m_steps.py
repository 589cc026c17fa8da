"""What happens in several steps of ``m2m_changed``, kept from the first to the last.

Django says before a removal what it was asked to remove, or nothing; what was there is read then.
And ``set()`` is a removal and an addition. That the one is followed by the other says only the call
stack: the frame of ``set()`` knows by then what it is going to add. Nothing of Django is patched.
"""

from __future__ import annotations

from collections.abc import Iterator
from threading import get_ident
from types import CodeType, FrameType
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

from django.db.models import Model
from django.db.models.base import ModelState
from django.db.models.fields.related_descriptors import create_forward_many_to_many_manager
from django.dispatch import Signal

from signalkit.dispatch import callstack

Keys: TypeAlias = frozenset[Any]

# By the state, not the object: that one may be unhashable. It lives as long as the object does.
_kept: WeakKeyDictionary[ModelState, dict[Any, list[Keys]]] = WeakKeyDictionary()


def keep(instance: Model, key: object, keys: Keys) -> None:
    """Keep keys until a later step of the same change asks for them.

    Args:
        instance: the object that the change is made on.
        key: tells what is kept apart from what else is kept with the object in this thread.
        keys: what is kept.
    """
    _kept.setdefault(instance._state, {}).setdefault((get_ident(), key), []).append(keys)


def take(instance: Model, key: object) -> Keys:
    """Return what was kept last, and keep it no longer; nothing if nothing was."""
    kept = _kept.get(instance._state, {})
    stack = kept.get((get_ident(), key))
    if not stack:
        return frozenset()
    found = stack.pop()
    if not stack:
        del kept[get_ident(), key]
    return found


class SetCall:
    """A ``set()`` at work, in the middle of which a signal was sent."""

    def __init__(self, frame: FrameType) -> None:
        """Look at its frame."""
        self._locals = frame.f_locals
        self._id = id(frame)

    @property
    def key(self) -> object:
        """What tells it from others, as long as it runs; a later one may have it again."""
        return ("set", self._id)

    @property
    def removes(self) -> bool:
        """Whether it has removed something, or tried to, by the time that it adds."""
        return bool(self._locals["clear"] or self._locals["old_ids"])

    @property
    def adds(self) -> bool:
        """Whether it is going to add something."""
        return bool(self._locals["objs"] if self._locals["clear"] else self._locals["new_objs"])

    @classmethod
    def current(cls) -> SetCall | None:
        """Return the one that has sent the signal that is being received; None if none has."""
        sending = callstack.nearest(*_SENDING)
        if sending is None:
            return None
        # Behind another send it would be the set() that led to whatever this change is made by.
        frame = callstack.nearest(*_SET, *_SENDING, after=sending)
        return cls(frame) if frame is not None and frame.f_code in _SET else None


def _nested(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _nested(constant)


_SENDING = (Signal.send.__code__, Signal.send_robust.__code__)

# The function is made anew for every manager, its code only once. Which of them does the work
# shows in what it keeps in its frame.
_SET = tuple(
    code
    for code in _nested(create_forward_many_to_many_manager.__code__)
    if {"clear", "objs", "old_ids", "new_objs"} <= {*code.co_varnames}
)
