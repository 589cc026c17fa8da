"""Asks objects of other people's code about themselves, whatever they do when they are asked.

The listing and the checks come upon everything that is connected in the process: mocks, proxies,
and objects whose ``==`` or ``repr()`` raises. One of them must not hide all others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def fact(read: Callable[[], T], otherwise: T) -> T:
    """Return what an object says, or something else when it raises.

    Args:
        read: asks one object for one thing.
        otherwise: the answer when that raises.
    """
    try:
        return read()
    except Exception:  # noqa: BLE001  (what it may raise is known to nobody)
        return otherwise


def described(read: Callable[[], str]) -> str:
    """Return what an object says of itself in words, or that it cannot."""
    try:
        return read()
    except Exception as error:  # noqa: BLE001  (what it may raise is known to nobody)
        return f"cannot be described ({type(error).__name__})"
