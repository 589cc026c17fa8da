"""The signals of the process, found without importing anything."""

from __future__ import annotations

import gc
from itertools import chain, compress

from django.dispatch import Signal

from signalkit.signal_names import loaded_namespaces


def all_signals() -> list[Signal]:
    """Return every signal of the process.

    The garbage collector knows those too that no module holds by a name (made in a function, kept
    in a dictionary or on an instance), and asking it imports nothing. It passes over what
    ``gc.freeze()`` has set aside, as some servers do; of that, what modules hold is found.
    """
    kinds = with_subclasses(Signal)
    named = chain.from_iterable(names.values() for _, names in loaded_namespaces())
    # An instance refers to its class. To ask who does is one walk in C; to list all objects and
    # look at the type of each takes four times as long.
    objects = [*gc.get_referrers(*kinds.values()), *named]
    # type(), because isinstance() asks lazy objects for their class and so wakes them
    signals = compress(objects, map(kinds.__contains__, map(id, map(type, objects))))
    # One whose __init__() has raised has no receivers, and lives as long as the error does.
    made = (signal for signal in signals if hasattr(signal, "receivers"))
    return list({id(signal): signal for signal in made}.values())


def with_subclasses(cls: type) -> dict[int, type]:
    """Return a class and all that inherit from it, by id: not every class can be hashed."""
    found: dict[int, type] = {}
    ahead = [cls]
    while ahead:
        each = ahead.pop()
        if id(each) not in found:
            found[id(each)] = each
            # type's own method: that of type itself is unbound, and a metaclass may have another
            ahead.extend(type.__subclasses__(each))
    return found
