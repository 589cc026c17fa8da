"""What the subcommands that read the record have in common."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from django.apps import apps
from django.core.management.base import CommandError
from django.db import DEFAULT_DB_ALIAS, connections

from signalkit.exceptions import nearest

if TYPE_CHECKING:
    from signalkit.runs.models import ReceiverRun

T = TypeVar("T")

UNKNOWN_NAME = 2
"""The exit status when something is named that is not there."""


def run_model(using: str) -> type[ReceiverRun]:
    """Return the model of the runs.

    Args:
        using: the alias that is to have its table.

    Raises:
        CommandError: ``signalkit.runs`` is not installed, there is no such alias, or the alias
            has no such table.
    """
    if not apps.is_installed("signalkit.runs"):
        raise CommandError(
            'Nothing is on record, for "signalkit.runs" is not installed. Add the line\n'
            '    "signalkit.runs",\n'
            'to INSTALLED_APPS, behind "signalkit", and run manage.py migrate.'
        )
    from signalkit.runs.models import ReceiverRun

    if using not in connections:
        raise CommandError(
            f"There is no database alias {using!r}.{nearest(using, connections)}",
            returncode=UNKNOWN_NAME,
        )
    with connections[using].cursor() as cursor:
        tables = connections[using].introspection.table_names(cursor)
    if ReceiverRun._meta.db_table not in tables:
        raise CommandError(
            f"The database {using!r} has no table {ReceiverRun._meta.db_table}. Run "
            f"manage.py migrate signalkit_runs --database {using}, or name another --database."
        )
    return ReceiverRun


def add_database(parser: argparse.ArgumentParser) -> None:
    """Add ``--database``."""
    parser.add_argument(
        "--database",
        default=DEFAULT_DB_ALIAS,
        metavar="ALIAS",
        help=f"The database that the runs are recorded in ({DEFAULT_DB_ALIAS}).",
    )


def age(given: Any) -> timedelta:
    """Read an age of the command line, or one that ``call_command()`` was given.

    Raises:
        ArgumentTypeError: it is none.
    """
    from signalkit.runs.ages import parse_age

    return given if isinstance(given, timedelta) else _or_refuse(parse_age, given)


def moment(given: Any) -> datetime:
    """Read a moment of the command line, or one that ``call_command()`` was given.

    Raises:
        ArgumentTypeError: it is none.
    """
    from signalkit.runs.ages import as_stored, before, parse_moment

    if isinstance(given, timedelta):
        return before(given)
    return as_stored(given) if isinstance(given, datetime) else _or_refuse(parse_moment, given)


def positive(given: Any) -> int:
    """Read a number above 0.

    Raises:
        ArgumentTypeError: it is none.
    """
    try:
        number = int(given)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{given!r} is not a number above 0")
    return number


def several(given: Any) -> list[str]:
    """Read a filter: a list from the command line, a string perhaps from ``call_command()``."""
    return [given] if isinstance(given, str) else list(given or ())


def given(parse: Callable[[Any], T], value: Any) -> T | None:
    """Read an option that ``call_command()`` may have handed on as it was given.

    Args:
        parse: one of the functions above.
        value: the option; None where it was not given.

    Raises:
        CommandError: it is not what was expected.
    """
    try:
        return None if value is None else parse(value)
    except argparse.ArgumentTypeError as error:
        raise CommandError(f"{error}", returncode=UNKNOWN_NAME) from error


def _or_refuse(parse: Callable[[str], T], given: Any) -> T:
    try:
        return parse(str(given))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
