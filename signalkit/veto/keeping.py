"""What a save does to an instance in memory, undone when the save was refused."""

from __future__ import annotations

import copy
from collections.abc import Callable

from django.db.models import Model


def keep(instance: Model) -> Callable[[], None]:
    """Remember an instance as it is now.

    A rollback takes back the row, not what Django and the receivers did to the object: an
    instance that keeps the key of a row that never was would be updated, not inserted, by the
    next save, and shown as an existing one.

    Args:
        instance: saved or not.

    Returns:
        a function that makes the instance what it was. It goes no deeper than the attributes.
    """
    attributes = dict(vars(instance))
    state = copy.copy(instance._state)
    state.fields_cache = dict(state.fields_cache)

    def restore() -> None:
        vars(instance).clear()
        vars(instance).update(attributes)
        instance._state = state

    return restore
