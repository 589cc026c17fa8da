"""From moments to ids: how a table without an index on its times is read from a moment on.

Rows are appended, so their ids grow with the time at which they are written. That is never before
a run began, and later by as much as its transaction took to commit: so the row of a moment is
looked for among the ids, as in a book, and :data:`SLACK` is left for what was written late.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Model

SLACK = timedelta(hours=1)
"""How much later than a run began its row may be written without being passed over."""

SMALL = 10_000
"""So few ids are read whole."""


def first_id_since(model: type[Model], using: str, moment: datetime) -> int | None:
    """Return an id below which everything began before a moment, but for :data:`SLACK`.

    It costs about two dozen look-ups by primary key, however many rows there are.

    Args:
        model: the model of the rows.
        using: the alias that holds them.
        moment: the moment.

    Returns:
        None where nothing is passed over: the table is empty, or small.
    """
    rows = model._base_manager.using(using).order_by("pk")
    low = rows.values_list("pk", flat=True).first()
    high = rows.reverse().values_list("pk", flat=True).first()
    if low is None or high is None or high - low < SMALL:
        return None
    target = moment - SLACK
    # Invariant: the row that is looked for is not below low; that at or above high is no worse.
    while low < high:
        middle = (low + high) // 2
        found = rows.filter(pk__gte=middle).values_list("pk", "started").first()
        if found is None or found[1] >= target:
            high = middle
        else:
            low = found[0] + 1
    return int(low)


def last_id_before(model: type[Model], using: str, moment: datetime) -> int | None:
    """Return an id above which everything began after a moment, but for :data:`SLACK`.

    Args:
        model: the model of the rows.
        using: the alias that holds them.
        moment: the moment.

    Returns:
        None where nothing is passed over: the table is empty, or small.
    """
    return first_id_since(model, using, moment + 2 * SLACK)
