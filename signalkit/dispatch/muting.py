"""The ``muted()`` blocks that a context is in: a thread's, or a task's."""

from __future__ import annotations

from contextvars import ContextVar

_EVERYONE = "*"


class Block:
    """A block that was entered once. A context that outlives it, as a task may, sees it ended."""

    __slots__ = ("ended", "names", "owner")

    def __init__(self, owner: object, names: frozenset[str]) -> None:
        """Describe the block.

        Args:
            owner: what was entered.
            names: the receivers that are not to run inside of it; none means all.
        """
        self.owner = owner
        self.names = names or frozenset({_EVERYONE})
        self.ended = False

    def silences(self, name: str) -> bool:
        """Say whether a receiver is not to run inside of it."""
        return not self.ended and (_EVERYONE in self.names or name in self.names)


_BLOCKS: ContextVar[tuple[Block, ...]] = ContextVar("signalkit_muted", default=())


def is_muted(name: str) -> bool:
    """Say whether this context is in a block in which a receiver is not to run."""
    return any(block.silences(name) for block in _BLOCKS.get())


def enter(block: Block) -> None:
    """Take note that this context is in a block."""
    _BLOCKS.set((*_BLOCKS.get(), block))


def leave(owner: object, entered: list[Block]) -> None:
    """End the block of an owner that was entered last, here if it was entered here.

    A generator may be entered in one context and left in another: then the latest is meant. And it
    may be left by the garbage collector, in the middle of this: so there is no lock, and whoever
    takes a block out of the list is the one who ends it.

    Args:
        owner: what was entered.
        entered: its blocks that have not ended, in whatever context. One of them is taken out.
    """
    ending: Block | None = None
    while ending is None:
        here = [block for block in _BLOCKS.get() if block.owner is owner and not block.ended]
        candidate = (here or entered)[-1]
        try:
            entered.remove(candidate)
        except ValueError:
            continue
        ending = candidate
    ending.ended = True
    _BLOCKS.set(tuple(block for block in _BLOCKS.get() if not block.ended))
