"""Moments as text that databases read: the way through a datetime takes several times as long."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from functools import lru_cache

from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper


def zone_of(connection: BaseDatabaseWrapper) -> tzinfo | None:
    """Return the time zone that a database keeps moments in; None for the local one."""
    if not settings.USE_TZ:
        return None
    return UTC if connection.features.supports_timezones else connection.timezone


def text_of_moments(connection: BaseDatabaseWrapper) -> Callable[[float], str]:
    """Return what makes text of seconds since 1970, as Django's backends do of a datetime."""
    zone = zone_of(connection)
    offset = "+00:00" if zone is not None and connection.features.supports_timezones else ""

    def text_of(seconds: float) -> str:
        whole, rest = divmod(round(seconds * 1_000_000), 1_000_000)
        second = _text_of_second(whole, zone)
        return f"{second}.{rest:06d}{offset}" if rest else second + offset

    return text_of


# Runs come many to a second.
@lru_cache(maxsize=64)
def _text_of_second(second: int, zone: tzinfo | None) -> str:
    return str(datetime.fromtimestamp(second, zone).replace(tzinfo=None))
