"""In which order receivers of one signal are connected, and therefore run."""

from __future__ import annotations

import heapq
from collections.abc import Iterable

from signalkit.declaration import Declaration
from signalkit.exceptions import OrderError


def in_order(declarations: Iterable[Declaration]) -> list[Declaration]:
    """Sort by ``after``, then ``order``, then as declared.

    Names in ``after`` that nobody has do not matter here; a system check reports them.

    Raises:
        OrderError: some receivers are each to run after the other.
    """
    given = list(declarations)
    position = {declaration: index for index, declaration in enumerate(given)}
    by_name = {
        name: declaration
        for declaration in given
        for name in (declaration.name, *declaration.aliases)
    }
    waits_for = {
        declaration: {by_name[name] for name in declaration.after if name in by_name}
        for declaration in given
    }
    ready = [
        (declaration.order, position[declaration])
        for declaration in given
        if not waits_for[declaration]
    ]
    heapq.heapify(ready)
    done: list[Declaration] = []
    while ready:
        declaration = given[heapq.heappop(ready)[1]]
        done.append(declaration)
        for other, waiting in waits_for.items():
            if declaration in waiting:
                waiting.remove(declaration)
                if not waiting:
                    heapq.heappush(ready, (other.order, position[other]))
    if len(done) < len(given):
        raise OrderError(_describe_cycle(waits_for))
    return done


def _describe_cycle(waits_for: dict[Declaration, set[Declaration]]) -> str:
    """Follow the receivers that wait for each other until one comes back."""
    path = [next(declaration for declaration, waiting in waits_for.items() if waiting)]
    while path.count(path[-1]) == 1:
        path.append(min(waits_for[path[-1]], key=lambda declaration: declaration.name))
    cycle = path[path.index(path[-1]) :]
    return (
        f"These receivers are each to run after the next: "
        f"{' after '.join(declaration.name for declaration in cycle)}. Drop one of the after=."
    )
