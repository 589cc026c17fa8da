"""What waits for a transaction to end, and which of it still counts."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from enum import Enum


class Moment(Enum):
    """What an entry waits for."""

    BEFORE_COMMIT = "before_commit"
    AFTER_COMMIT = "after_commit"
    AFTER_ROLLBACK = "after_rollback"


class Entry:
    """A piece of work that waits for its transaction to end.

    ``savepoints`` are those that were open when it was queued: the entry is undone with any of
    them, exactly as Django does with its own ``on_commit`` callbacks.
    """

    __slots__ = (
        "block",
        "done",
        "dropped",
        "func",
        "in_test",
        "key",
        "moment",
        "runner",
        "savepoints",
    )

    def __init__(
        self,
        moment: Moment,
        func: Callable[[], object],
        runner: Callable[[Entry], object],
        *,
        savepoints: tuple[str, ...] = (),
        in_test: bool = False,
        block: str | None = None,
        key: Hashable | None = None,
        dropped: Callable[[], object] | None = None,
    ) -> None:
        """Describe the work.

        Args:
            moment: what it waits for.
            func: the work.
            runner: what is called with this entry when Django calls it as a commit callback.
            savepoints: the savepoints that it is undone with, outermost first.
            in_test: whether the transaction is one that a ``TestCase`` holds around a test.
            block: in a test, the savepoint of the outermost block that the test itself opened.
            key: of the entries with one key, only the last that was not undone runs.
            dropped: called instead of ``func`` once it is certain that it will not run.
        """
        self.moment = moment
        self.func = func
        self.runner = runner
        self.savepoints = savepoints
        self.in_test = in_test
        self.block = block
        self.key = key
        self.dropped = dropped
        self.done = False

    def __call__(self) -> None:
        self.runner(self)

    def absorb(self, other: Entry) -> bool:
        """Take the place of a later entry with the same key; say whether that is safe.

        It is when nothing could undo ``other`` and leave this one: then this one is never needed
        again, and a million events with one key take the room of one.
        """
        if self.done or not set(other.savepoints) <= set(self.savepoints):
            return False
        self.func = other.func
        self.dropped = other.dropped
        self.savepoints = other.savepoints
        return True

    def undone_by_test(self, sid: str) -> bool:
        """Say whether rolling back ``sid`` is a ``TestCase`` cleaning up, not the code under test."""
        if not self.in_test:
            return False
        if self.block is None:
            return True
        return self.savepoints.index(sid) < self.savepoints.index(self.block)


def last_of_each_key(entries: Iterable[Entry]) -> list[Entry]:
    """Return the entries in order, without those that a later one with their key replaces."""
    seen: set[Hashable] = set()
    kept: list[Entry] = []
    for entry in reversed(list(entries)):
        if entry.key is not None:
            if entry.key in seen:
                continue
            seen.add(entry.key)
        kept.append(entry)
    kept.reverse()
    return kept
