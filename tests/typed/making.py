"""Typed signals for single tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import make_dataclass
from typing import Any

from asgiref.sync import async_to_sync

from signalkit import TypedSignal


def payload_of(*fields: Any, **annotations: Any) -> Any:
    """Make a payload of fields, each ``(name, annotation, field)``, and of bare annotations."""
    return make_dataclass(
        "Made",
        [*fields, *annotations.items()],
        frozen=True,
        kw_only=True,
        namespace={"__module__": __name__},
    )


def typed(*fields: Any, use_caching: bool = False, **annotations: Any) -> Any:
    """Declare a signal with such a payload. Of type Any: it is for sends that are wrong."""
    return TypedSignal(payload_of(*fields, **annotations), use_caching)


def listen(signal: Any, **connect: Any) -> list[dict[str, Any]]:
    """Connect a plain receiver; return the list to which it adds what it is called with."""
    seen: list[dict[str, Any]] = []

    def receive(**named: Any) -> int:
        seen.append(named)
        return len(seen)

    signal.connect(receive, weak=False, **connect)
    return seen


class Nameless:
    """A receiver without a ``__qualname__``."""

    def __init__(self, func: Callable[..., Any]) -> None:
        self.func = func

    def __call__(self, **named: Any) -> Any:
        return self.func(**named)


ENTRANCES = ("send", "send_robust", "asend", "asend_robust")


def send_by(entrance: str, signal: Any, *args: Any, **named: Any) -> Any:
    """Send a signal by one of :data:`ENTRANCES`, from synchronous code."""
    method = getattr(signal, entrance)
    return (async_to_sync(method) if entrance.startswith("a") else method)(*args, **named)
