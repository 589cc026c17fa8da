"""Slows down whoever guesses passwords."""

from django.core.cache import cache

ATTEMPTS = 5
"""Failed attempts after which a name has to wait."""
PAUSE = 300
"""Seconds that it has to wait."""


def _key(username: str) -> str:
    # Hex, because not every cache takes every character in a key.
    return f"failed-logins:{username.casefold().encode().hex()[:200]}"


def count_failure(username: str) -> int:
    """Note a failed attempt, and return how many there were in the last minutes."""
    cache.add(_key(username), 0, PAUSE)
    return cache.incr(_key(username))


def forget_failures(username: str) -> None:
    """Start over, after a success."""
    cache.delete(_key(username))


def must_wait(username: str) -> bool:
    """Whether a name has failed too often to be heard now."""
    return bool(cache.get(_key(username), 0) >= ATTEMPTS)
