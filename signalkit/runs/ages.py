"""Ages and moments as one types them: ``15m``, ``7d``, ``2026-03-01T12:00``."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone
from django.utils.dateparse import parse_datetime

EXPECTED = "an age such as 90s, 15m, 2h, 7d or 4w"
EXPECTED_MOMENT = f"{EXPECTED}, or a date and time such as 2026-03-01T12:00"

_AGE = re.compile(r"(\d{1,6})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_age(text: str) -> timedelta:
    """Read an age.

    Raises:
        ValueError: it is none, or so long that it leads out of the calendar.
    """
    match = _AGE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no age; expected {EXPECTED}.")
    age = timedelta(**{_UNITS[match[2]]: int(match[1])})
    before(age)
    return age


def as_text(age: timedelta) -> str:
    """Return an age as one types it, in the largest unit that it is a multiple of.

    Args:
        age: fractions of a second are left out.
    """
    seconds = age // timedelta(seconds=1)
    for unit, name in reversed(_UNITS.items()):
        one = timedelta(**{name: 1}) // timedelta(seconds=1)
        if seconds and seconds % one == 0:
            return f"{seconds // one}{unit}"
    return "0s"


def parse_moment(text: str) -> datetime:
    """Read a moment: an age counts back from now; a date means its midnight.

    Returns:
        An aware datetime, in the current time zone if the text names none; a naive one where
        USE_TZ is False.

    Raises:
        ValueError: it is neither.
    """
    try:
        if _AGE.fullmatch(text.strip()):
            return before(parse_age(text))
        moment = parse_datetime(text.strip())
    except ValueError as error:
        raise ValueError(f"{text!r} is no moment: {error}.") from error
    if moment is None:
        raise ValueError(f"{text!r} is no moment; expected {EXPECTED_MOMENT}.")
    return as_stored(moment)


def as_stored(moment: datetime) -> datetime:
    """Return a moment as the table's datetimes are: aware, or naive where USE_TZ is False."""
    if settings.USE_TZ and timezone.is_naive(moment):
        return timezone.make_aware(moment)
    if not settings.USE_TZ and timezone.is_aware(moment):
        return timezone.make_naive(moment)
    return moment


def before(age: timedelta) -> datetime:
    """Return the moment that lies an age before now.

    Raises:
        ValueError: the calendar does not reach back that far.
    """
    try:
        return timezone.now() - age
    except OverflowError as error:
        raise ValueError(f"{age.days} days ago is before the calendar begins.") from error
