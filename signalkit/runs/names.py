"""Which receivers are on record: read off the index, one step for each name."""

from __future__ import annotations

from typing import Any

from django.db import connections
from django.db.models import Model

# Each step looks up the next name in the index on (receiver, id). DISTINCT would read all of it.
# No aggregate stands beside the recursion, and no LIMIT: none of the three databases objects.
_NAMES = """
WITH RECURSIVE names (receiver) AS (
    SELECT MIN({receiver}) FROM {table}
    UNION ALL
    SELECT (SELECT MIN({table}.{receiver}) FROM {table} WHERE {table}.{receiver} > names.receiver)
    FROM names WHERE names.receiver IS NOT NULL
)
SELECT receiver FROM names WHERE receiver IS NOT NULL
"""


def recorded_names(model: type[Model], using: str) -> list[str]:
    """Return the names of all receivers on record, in the order of the database.

    Args:
        model: the model of the rows.
        using: the alias that holds them.
    """
    connection = connections[using]
    quote: Any = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute(_NAMES.format(table=quote(model._meta.db_table), receiver=quote("receiver")))
        return [name for (name,) in cursor.fetchall()]
