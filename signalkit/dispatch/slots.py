"""Receivers in the list that Django keeps for each signal.

Django runs receivers in the order of that list and has no way to change it but to disconnect and
connect again, during which a send in another thread would miss them. So the entries are moved
where they stand, under the lock under which Django reads them. They are Django's own, made by
``connect()``; all that is known of their shape is that the first item is the key of the
connection, which ends in what tells the sender, and the second the receiver, which holds in every
supported version.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any
from weakref import ReferenceType

from django.dispatch import Signal

from signalkit.declare.callables import identity


def arrange(signal: Signal, receivers: Sequence[Callable[..., Any]]) -> None:
    """Put some receivers of a signal in this order, in the places that they have among all."""
    position = {id(receiver): index for index, receiver in enumerate(receivers)}
    with signal.lock:
        entries: list[tuple[Any, ...]] = signal.receivers
        places = [index for index, entry in enumerate(entries) if id(entry[1]) in position]
        ordered = sorted((entries[place] for place in places), key=lambda e: position[id(e[1])])
        for place, entry in zip(places, ordered, strict=True):
            entries[place] = entry
        # As connect() and disconnect() do: the cache holds receivers in their former order.
        signal.sender_receivers_cache.clear()


def substitute(signal: Signal, choose: Callable[[Any], Any | None]) -> None:
    """Put other callables in the places of some receivers; each keeps the key of its connection.

    Args:
        signal: the signal.
        choose: takes what Django has, perhaps a weak reference; returns what is to stand there
            instead, or None for what it leaves alone. It must not connect or disconnect anything.
    """
    with signal.lock:
        entries: list[tuple[Any, ...]] = signal.receivers
        for place, entry in enumerate(entries):
            chosen = choose(entry[1])
            if chosen is not None:
                entries[place] = (entry[0], chosen, *entry[2:])
        signal.sender_receivers_cache.clear()


def sender_ids(signal: Signal) -> set[Hashable]:
    """Return what Django tells the senders by of which somebody hears, those of all aside."""
    with signal.lock:
        entries = list(signal.receivers)
    found = {
        entry[0][1]
        for entry in entries
        if not isinstance(entry[1], ReferenceType) or entry[1]() is not None
    }
    return found - {identity(None)}


def holder(signal: Signal, uid: Hashable, sender: Any) -> Any:
    """Return the receiver that is connected under a uid and sender, or None."""
    key = (uid, identity(sender))
    with signal.lock:
        entries = list(signal.receivers)
    found = next((entry[1] for entry in entries if entry[0] == key), None)
    return found() if isinstance(found, ReferenceType) else found
