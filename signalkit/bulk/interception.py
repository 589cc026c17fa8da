"""The one place in which signalkit stands before Django's bulk writes.

Managers are never replaced, for a migration would be written of it. Four methods of two classes
are, and only while a model is watched: whatever makes a queryset, be it a manager, a related
manager, a base manager or a deletion, ends up in them. A queryset class that overrides one and does
not call ``super()`` is not seen.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db.models import QuerySet
from django.db.models.sql import UpdateQuery

from signalkit.bulk import sending
from signalkit.bulk.state import state

_Method = Callable[..., Any]


class Interception:
    """Stands before the methods, and leaves them as they were found."""

    def __init__(self) -> None:
        """Begin with nothing in place."""
        self._placed: dict[str, tuple[_Method, _Method]] = {}

    def place(self) -> None:
        """Stand before the methods. Where that is so already, nothing happens."""
        for name, (owner, wrap) in _METHODS.items():
            # What others have put before ours since still leads to it.
            if name not in self._placed:
                original = vars(owner)[name]
                ours = wrap(original)
                self._placed[name] = (original, ours)
                setattr(owner, name, ours)

    def remove(self) -> None:
        """Leave the methods as Django has them.

        Where others have put something before ours since, ours cannot be taken from under it. It
        stays and does nothing, for no model is watched any more.
        """
        for name, (original, ours) in [*self._placed.items()]:
            owner, _ = _METHODS[name]
            if vars(owner)[name] is ours:
                setattr(owner, name, original)
                del self._placed[name]


def _bulk_create(original: _Method) -> _Method:
    asked = state

    @wraps(original)
    def bulk_create(self: QuerySet[Any], objs: Any, *args: Any, **kwargs: Any) -> Any:
        if id(self.model) not in asked.ids:
            return original(self, objs, *args, **kwargs)
        return sending.bulk_create(original, self, objs, *args, **kwargs)

    return bulk_create


def _bulk_update(original: _Method) -> _Method:
    asked = state

    @wraps(original)
    def bulk_update(self: QuerySet[Any], objs: Any, *args: Any, **kwargs: Any) -> Any:
        if id(self.model) not in asked.ids:
            return original(self, objs, *args, **kwargs)
        return sending.bulk_update(original, self, objs, *args, **kwargs)

    return bulk_update


def _update(original: _Method) -> _Method:
    asked = state

    # A model may have a field of any name but self, which Django's own method has taken.
    @wraps(original)
    def update(self: QuerySet[Any], **kwargs: Any) -> Any:
        if id(self.model) not in asked.ids:
            return original(self, **kwargs)
        return sending.update(original, self, kwargs)

    return update


def _update_batch(original: _Method) -> _Method:
    asked = state

    @wraps(original)
    def update_batch(self: UpdateQuery, pk_list: Any, values: Any, using: str) -> Any:
        if id(self.model) not in asked.ids:
            return original(self, pk_list, values, using)
        return sending.update_batch(original, self, pk_list, values, using)

    return update_batch


_METHODS: dict[str, tuple[type, Callable[[_Method], _Method]]] = {
    "bulk_create": (QuerySet, _bulk_create),
    "bulk_update": (QuerySet, _bulk_update),
    "update": (QuerySet, _update),
    # What a deletion writes to rows that it has fetched: SET_DEFAULT, and SET() with a callable.
    "update_batch": (UpdateQuery, _update_batch),
}
