"""The table in monthly partitions: on PostgreSQL, for those who drop months instead of rows.

What is to be done is first written down as statements, so that it can be shown and then done.

The primary key of a partitioned table has to hold what it is partitioned by, so it becomes
(id, started). That an id is given once, the identity column sees to, as before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connections, transaction
from django.db.models import Model

LOCK_TIMEOUT = "5s"
"""How long a statement that others have to wait for waits itself: behind it, every run that is
recorded would queue up."""

_BOUNDS = re.compile(r"FROM \((MINVALUE|'[^']*')\) TO \((MAXVALUE|'[^']*')\)")


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition."""

    name: str
    start: datetime | None
    """None: from the beginning."""

    end: datetime | None
    """The first moment that is not in it. None: without end, or the one for all that has no
    other."""

    rows: int
    """About, as PostgreSQL estimates; -1 where it has not counted yet."""


@dataclass(frozen=True, slots=True)
class Step:
    """Statements that are executed together."""

    why: str
    statements: tuple[str, ...]
    is_transaction: bool = True
    """False where PostgreSQL wants them by themselves; then there is no limit for locks either."""


def is_partitioned(model: type[Model], using: str) -> bool:
    """Say whether a table has partitions.

    Args:
        model: the model of the rows.
        using: the alias that holds them, on any database.
    """
    connection = connections[using]
    if connection.vendor != "postgresql":
        return False
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relkind FROM pg_class WHERE oid = to_regclass(%s)", [_quoted(model, using)]
        )
        return cursor.fetchone() in [("p",), (b"p",)]


def partitions(model: type[Model], using: str) -> list[Partition]:
    """Return the partitions of a table, the oldest first.

    Args:
        model: the model of the rows.
        using: the alias that holds them: a PostgreSQL database.
    """
    with connections[using].cursor() as cursor:
        cursor.execute(
            """
            SELECT part.relname, pg_get_expr(part.relpartbound, part.oid), part.reltuples::bigint
            FROM pg_inherits JOIN pg_class AS part ON part.oid = pg_inherits.inhrelid
            WHERE pg_inherits.inhparent = to_regclass(%s)
            """,
            [_quoted(model, using)],
        )
        found = [_partition(*row) for row in cursor.fetchall()]
    last = datetime.max.replace(tzinfo=UTC)
    return sorted(found, key=lambda each: (each.end or last, each.name))


def plan_conversion(model: type[Model], using: str, now: datetime) -> list[Step]:
    """Return how a plain table becomes a partitioned one, however full it is.

    No row is copied. The table becomes the first partition, for all that began before the end of
    this month (from its last day on: of the next). What takes long is done while runs are being
    recorded, and begins anew if it was interrupted; the exchange itself is a matter of
    milliseconds.

    Args:
        model: the model of the rows.
        using: the alias that holds them: a PostgreSQL database.
        now: an aware datetime.
    """
    table = model._meta.db_table
    first, key, bound = f"{table}_first", f"{table}_first_key", f"{table}_first_bound"
    end = first_end(now)
    indexes = [index.name for index in model._meta.indexes]
    return [
        Step(
            f"Runs from {end:%Y-%m} on are not for the first partition.",
            (
                f'ALTER TABLE "{table}" DROP CONSTRAINT IF EXISTS "{bound}"',
                (
                    f'ALTER TABLE "{table}" ADD CONSTRAINT "{bound}" '
                    f"CHECK (started < '{end.isoformat()}') NOT VALID"
                ),
            ),
        ),
        Step(
            "Reads the table, while runs are recorded.",
            (f'ALTER TABLE "{table}" VALIDATE CONSTRAINT "{bound}"',),
            is_transaction=False,
        ),
        Step(
            "What an interrupted attempt may have left.",
            (f'DROP INDEX CONCURRENTLY IF EXISTS "{key}"',),
            is_transaction=False,
        ),
        Step(
            "Builds the new key, while runs are recorded.",
            (f'CREATE UNIQUE INDEX CONCURRENTLY "{key}" ON "{table}" (id, started)',),
            is_transaction=False,
        ),
        Step(
            "Puts a partitioned table in the place of the table, which becomes its first part.",
            (
                f'LOCK TABLE "{table}" IN ACCESS EXCLUSIVE MODE',
                f'ALTER TABLE "{table}" ALTER COLUMN id DROP IDENTITY',
                f'ALTER TABLE "{table}" DROP CONSTRAINT "{_primary_key(table, using)}"',
                f'ALTER TABLE "{table}" RENAME TO "{first}"',
                *(f'ALTER INDEX "{name}" RENAME TO "{name}_first"' for name in indexes),
                (
                    f'ALTER TABLE "{first}" ADD CONSTRAINT "{first}_pkey" PRIMARY KEY USING INDEX '
                    f'"{key}"'
                ),
                (
                    f'CREATE TABLE "{table}" (LIKE "{first}" INCLUDING DEFAULTS) '
                    "PARTITION BY RANGE (started)"
                ),
                f'ALTER TABLE "{table}" ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY',
                f'ALTER TABLE "{table}" ADD PRIMARY KEY (id, started)',
                *_checks(table, using, but=bound),
                *_creating_indexes(model, using),
                (
                    f'ALTER TABLE "{table}" ATTACH PARTITION "{first}" '
                    f"FOR VALUES FROM (MINVALUE) TO ('{end.isoformat()}')"
                ),
                f'ALTER TABLE "{first}" DROP CONSTRAINT "{bound}"',
                f'CREATE TABLE "{table}_default" PARTITION OF "{table}" DEFAULT',
                # Nothing in it comes from outside.
                (
                    f"SELECT setval(pg_get_serial_sequence('\"{table}\"', 'id'), "  # noqa: S608
                    f'(SELECT COALESCE(MAX(id), 0) + 1 FROM "{first}"), false)'
                ),
            ),
        ),
    ]


def plan_months(
    model: type[Model], using: str, now: datetime, ahead: int, *, converted: bool = True
) -> list[Step]:
    """Return how the partitions of this month and some more are made, where they are missing.

    Rows that found no partition and were put into the default one are moved.

    Args:
        model: the model of the rows.
        using: the alias that holds them: a PostgreSQL database.
        now: an aware datetime.
        ahead: how many months after this one.
        converted: False where :func:`plan_conversion` is still to be carried out.
    """
    taken: list[tuple[datetime | None, datetime | None]] = [(None, first_end(now))]
    if converted:
        taken = [(each.start, each.end) for each in partitions(model, using)]
    start = month_of(now)
    steps = []
    for _ in range(ahead + 1):
        end = next_month(start)
        if not any((low is None or low < end) and start < high for low, high in taken if high):
            steps.append(_month(model._meta.db_table, start, end))
        start = end
    return steps


def plan_dropping(model: type[Model], using: str, cutoff: datetime) -> list[Step]:
    """Return how the partitions go in which everything began before a moment.

    Args:
        model: the model of the rows.
        using: the alias that holds them: a PostgreSQL database.
        cutoff: an aware datetime.
    """
    return [
        Step(f"Everything in it began before {each.end:%Y-%m-%d}.", (f'DROP TABLE "{each.name}"',))
        for each in partitions(model, using)
        if each.end is not None and each.end <= cutoff
    ]


def execute(steps: Iterable[Step], using: str) -> Iterator[Step]:
    """Do what was planned; yield each step once it is done.

    Args:
        steps: what to do.
        using: the alias of the database.

    Raises:
        OperationalError: others held a lock for longer than :data:`LOCK_TIMEOUT`. That step has
            changed nothing.
    """
    for step in steps:
        with _together(using) if step.is_transaction else connections[using].cursor() as cursor:
            for statement in step.statements:
                cursor.execute(statement)
        yield step


def first_end(now: datetime) -> datetime:
    """Return where the first partition of a converted table ends.

    Not within a day: until the exchange, a run that begins after it could not be recorded.
    """
    return next_month(now + timedelta(days=1))


def month_of(moment: datetime) -> datetime:
    """Return the beginning of a moment's month, in UTC."""
    return moment.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def next_month(moment: datetime) -> datetime:
    """Return the beginning of the month after a moment's, in UTC."""
    return month_of(month_of(moment) + timedelta(days=32))


@contextmanager
def _together(using: str) -> Iterator[Any]:
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        yield cursor


def _month(table: str, start: datetime, end: datetime) -> Step:
    name = f"{table}_{start:%Y_%m}"
    low, high = start.isoformat(), end.isoformat()
    return Step(
        f"The partition of {start:%Y-%m}.",
        (
            f'LOCK TABLE "{table}_default" IN ACCESS EXCLUSIVE MODE',
            f'CREATE TABLE "{name}" (LIKE "{table}" INCLUDING DEFAULTS INCLUDING CONSTRAINTS)',
            (
                f'WITH moved AS (DELETE FROM "{table}_default" '  # noqa: S608
                f"WHERE started >= '{low}' AND started < '{high}' RETURNING *) "
                f'INSERT INTO "{name}" SELECT * FROM moved'
            ),
            (
                f'ALTER TABLE "{table}" ATTACH PARTITION "{name}" '
                f"FOR VALUES FROM ('{low}') TO ('{high}')"
            ),
        ),
    )


def _partition(name: str, bounds: str, rows: int) -> Partition:
    match = _BOUNDS.search(bounds)
    low, high = match.groups() if match else ("MINVALUE", "MAXVALUE")
    return Partition(name, _bound(low), _bound(high), rows)


def _bound(text: str) -> datetime | None:
    return datetime.fromisoformat(text.strip("'")) if text.startswith("'") else None


def _primary_key(table: str, using: str) -> str:
    return next(name for name, _ in _constraints(table, using, "p"))


def _checks(table: str, using: str, *, but: str) -> Iterator[str]:
    for name, definition in _constraints(table, using, "c"):
        if name != but:
            yield f'ALTER TABLE "{table}" ADD CONSTRAINT "{name}" {definition}'


def _constraints(table: str, using: str, kind: str) -> list[tuple[str, str]]:
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE conrelid = to_regclass(%s) AND contype = %s ORDER BY conname",
            [f'"{table}"', kind],
        )
        found: list[tuple[str, str]] = cursor.fetchall()
        return found


def _creating_indexes(model: type[Model], using: str) -> Iterator[str]:
    editor = connections[using].schema_editor(collect_sql=True, atomic=False)
    for index in model._meta.indexes:
        yield str(index.create_sql(model, editor))


def _quoted(model: type[Model], using: str) -> str:
    return str(connections[using].ops.quote_name(model._meta.db_table))
