"""What somebody types into a search box: by index, or not at all."""

from __future__ import annotations

from typing import Any

from signalkit.runs.names import recorded_names
from signalkit.runs.querysets import RunQuerySet, all_names

MOST = 50
"""So many receivers may begin with the same text."""


def find(runs: Any, text: str) -> Any:
    """Return the runs that a text stands for.

    A correlation id, an object, or the beginning of the names of receivers, in this order: the
    first of which there is a run. Each is looked up by its own index; one condition with OR
    between them would read the whole table.

    Args:
        runs: a queryset of runs, filtered or not.
        text: what was typed.
    """
    text = text.strip()
    everything: RunQuerySet = runs.model.objects.using(runs.db)
    for column in ("correlation", "object"):
        if everything.filter(**{column: text}).order_by().exists():
            return runs.filter(**{column: text})
    names = _beginning_with(text, recorded_names(runs.model, runs.db))
    if not names:
        return runs.none()
    # For a single name, the index yields the rows in the order of their ids.
    return runs.filter(receiver=names[0]) if len(names) == 1 else runs.filter(receiver__in=names)


def _beginning_with(text: str, recorded: list[str]) -> list[str]:
    former = {*all_names(text)} & {*recorded}
    if former:
        return sorted(former)
    lower = text.lower()
    return [name for name in recorded if name.lower().startswith(lower)][:MOST]
