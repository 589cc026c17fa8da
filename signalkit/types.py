"""The shapes that the rooms hand to each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

OnError: TypeAlias = Literal["raise", "isolate"]
"""What becomes of an error in a receiver: it propagates, or it stops nobody."""

Reentry: TypeAlias = Literal["skip", "allow", "raise"]
"""What happens when a receiver is reached again by what it did itself, on the same object."""

Kind: TypeAlias = Literal["class", "function"]
"""How a receiver was written."""

Payload: TypeAlias = dict[str, Any]
"""The keywords of one send, without ``signal`` and ``sender``."""

Sender: TypeAlias = Any
"""What a receiver may name as its sender, before it is resolved: a class, ``"app.Model"``, ..."""

When: TypeAlias = Callable[..., bool]
"""A condition: it takes what its receiver takes."""

OncePerTransaction: TypeAlias = bool | Callable[..., Any]
"""Whether only a transaction's last event counts, or what tells its events apart."""

Record: TypeAlias = Literal["all", "failures", "off"] | float
"""Which runs of a receiver are put on record: a number is the share of those that succeed."""
