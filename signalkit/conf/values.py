"""Reading values of the setting: what is wrong with one is said with what was expected."""

from __future__ import annotations

from collections.abc import Mapping

from signalkit.exceptions import ConfigurationError, nearest

SETTING = "SIGNALKIT"


def wrong(key: str, value: object, wanted: str) -> ConfigurationError:
    """Return the error for a value that cannot be used.

    Args:
        key: its path in the dictionary, such as ``"['RUNS']['RECORD']"``.
        value: what was found.
        wanted: what was expected, in words.
    """
    return ConfigurationError(f"{SETTING}{key} is {value!r}; expected {wanted}.")


def refuse_unknown(where: str, given: Mapping[str, object], known: list[str]) -> None:
    """Raise for a key that nobody reads.

    Args:
        where: the dictionary, as the message is to call it.
        given: the dictionary.
        known: the keys that it may have.

    Raises:
        ConfigurationError: it has another one; the nearest right one is named.
    """
    for key in given:
        if key not in known:
            raise ConfigurationError(
                f"{where} has no key {key!r}.{nearest(str(key), known)} "
                f"It takes: {', '.join(known)}."
            )


def names(key: str, value: object, wanted: str) -> tuple[str, ...]:
    """Read a list of strings.

    Raises:
        ConfigurationError: it is something else.
    """
    if not isinstance(value, (list, tuple, set, frozenset)) or not all(
        isinstance(name, str) for name in value
    ):
        raise wrong(key, value, wanted)
    return tuple(value)


def flag(key: str, value: object) -> bool:
    """Read a bool.

    Raises:
        ConfigurationError: it is something else.
    """
    if not isinstance(value, bool):
        raise wrong(key, value, "True or False")
    return value
