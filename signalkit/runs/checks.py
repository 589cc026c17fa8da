"""The system checks of the record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import apps
from django.core import checks
from django.db import connections

from signalkit import conf
from signalkit.conf import SETTING
from signalkit.runs import plain
from signalkit.runs.health import health
from signalkit.runs.rows import COLUMNS
from signalkit.runs.tables import TABLE, is_wanted_on
from signalkit.runs.writing.cursors import unlogged_cursor


def register() -> None:
    """Let Django run them."""
    checks.register(check_settings, "signalkit")
    checks.register(check_losses, "signalkit")
    checks.register(check_tables, checks.Tags.database)


def check_settings(**kwargs: Any) -> list[checks.CheckMessage]:
    """E005, E006, W020: an unknown alias; no signalkit; a name that no plain receiver has."""
    return [*_missing_app(), *_unknown_aliases(), *_unmatched_names()]


def _missing_app() -> Iterator[checks.CheckMessage]:
    if not apps.is_installed("signalkit"):
        yield checks.Error(
            'INSTALLED_APPS has "signalkit.runs" and not "signalkit": no receiver is found or '
            "connected, so there is nothing to record.",
            hint='Add "signalkit" to INSTALLED_APPS.',
            id="signalkit.E006",
        )


def _unknown_aliases() -> Iterator[checks.CheckMessage]:
    runs = conf.config().RUNS
    for key in ("DATABASE", "FALLBACK_DATABASE"):
        alias = getattr(runs, key)
        if alias is not None and alias not in connections:
            yield checks.Error(
                f"{SETTING}['RUNS']['{key}'] is {alias!r}, which is no database alias: the runs "
                "that belong there are not recorded.",
                hint=f"Use one of {', '.join(connections)}.",
                id="signalkit.E005",
            )


def _unmatched_names() -> Iterator[checks.CheckMessage]:
    for pattern in plain.unmatched():
        yield checks.Warning(
            f"{SETTING}['RUNS']['PLAIN'] has {pattern!r}, and no plain receiver that is connected "
            "by now is called so.",
            hint="`manage.py signalkit list` shows what they are called.",
            id="signalkit.W020",
        )


def check_losses(**kwargs: Any) -> list[checks.CheckMessage]:
    """W021: runs of this very process are not on record."""
    return [
        checks.Warning(
            f"{number} runs of this process were not recorded so far: {reason}.",
            hint="The logger signalkit.runs has more, where a database has said anything. Those "
            "runs stay lost; it is counted anew when the process is started again.",
            id="signalkit.W021",
        )
        for reason, number in health.lost.items()
        if number
    ]


def check_tables(
    databases: Sequence[str] | None = None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """W022: a database on which runs are to be recorded cannot take them."""
    return [
        checks.Warning(
            f"Runs cannot be recorded on {alias!r}: {why}.",
            hint=f"Run manage.py migrate --database {alias}.",
            id="signalkit.W022",
        )
        for alias in databases or ()
        if is_wanted_on(alias) and (why := _why_not(alias))
    ]


def _why_not(alias: str) -> str:
    """Say what keeps a database from taking runs; nothing where it can."""
    connection = connections[alias]
    with unlogged_cursor(connection) as cursor:
        if TABLE not in connection.introspection.table_names(cursor):
            return f"it has no table {TABLE}"
        found = {
            column.name for column in connection.introspection.get_table_description(cursor, TABLE)
        }
    missing = [column for column in COLUMNS if column not in found]
    return f"its table {TABLE} lacks {', '.join(missing)}" if missing else ""
