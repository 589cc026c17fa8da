"""In which order receivers of one signal are connected, and therefore run."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping

from signalkit.declaration import Declaration
from signalkit.exceptions import OrderError


def in_order(
    declarations: Iterable[Declaration],
    replaced_by: Mapping[Declaration, Declaration] | None = None,
) -> list[Declaration]:
    """Sort by ``after``, then ``order``, then as declared.

    Names in ``after`` that nobody has do not matter here; a system check reports them.

    Args:
        declarations: what is to be sorted.
        replaced_by: what stands in for declarations that are not among them.

    Raises:
        OrderError: some receivers are each to run after the other.
    """
    given = list(declarations)
    waits_for = _waits_for(given, replaced_by or {})
    waiting = {declaration: len(others) for declaration, others in waits_for.items()}
    followers = defaultdict(list)
    for declaration, others in waits_for.items():
        for other in others:
            followers[other].append(declaration)
    position = {declaration: index for index, declaration in enumerate(given)}
    ready = [
        (declaration.order, position[declaration])
        for declaration in given
        if not waiting[declaration]
    ]
    heapq.heapify(ready)
    done: list[Declaration] = []
    while ready:
        declaration = given[heapq.heappop(ready)[1]]
        done.append(declaration)
        for follower in followers[declaration]:
            waiting[follower] -= 1
            if not waiting[follower]:
                heapq.heappush(ready, (follower.order, position[follower]))
    if len(done) < len(given):
        left = set(given).difference(done)
        raise OrderError(_describe_cycle({each: waits_for[each] & left for each in left}))
    return done


def _waits_for(
    given: list[Declaration], replaced_by: Mapping[Declaration, Declaration]
) -> dict[Declaration, set[Declaration]]:
    """Return who runs before each declaration: those that it names, or what stands in for them."""
    by_name: dict[str, Declaration] = {}
    for declaration in (*replaced_by, *given):
        present = declaration
        while present in replaced_by:
            present = replaced_by[present]
        by_name.update(dict.fromkeys((declaration.name, *declaration.aliases), present))
    waits_for = {}
    for declaration in given:
        before = {by_name[name] for name in declaration.after if name in by_name}
        if not {declaration.name, *declaration.aliases}.intersection(declaration.after):
            # It took the place of one that it is to follow.
            before.discard(declaration)
        waits_for[declaration] = before
    return waits_for


def _describe_cycle(waits_for: dict[Declaration, set[Declaration]]) -> str:
    """Follow the receivers that wait for each other until one comes back."""
    path = [min(waits_for, key=lambda declaration: declaration.name)]
    while path.count(path[-1]) == 1:
        path.append(min(waits_for[path[-1]], key=lambda declaration: declaration.name))
    cycle = path[path.index(path[-1]) :]
    return (
        f"These receivers are each to run after the next: "
        f"{' after '.join(declaration.name for declaration in cycle)}. Drop one of the after=."
    )
