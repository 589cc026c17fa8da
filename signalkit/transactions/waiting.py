"""The entries of one open transaction, and which of them a savepoint takes with it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable, Iterable
from operator import attrgetter

from signalkit.transactions.entries import Entry, Moment, last_of_each_key

_level = attrgetter("level")
_place = attrgetter("place")
_INSIDE = (Moment.BEFORE_COMMIT, Moment.LAST)


class Waiting:
    """Entries in the order they were queued, and the transaction's live savepoints.

    Rolling back to a savepoint undoes everything since it was made, whatever savepoints came and
    went in between; releasing it puts that under the savepoint before it. So an entry need only
    know its level: how many savepoints were live when it was queued.

    What holds between two calls:

    * Levels never fall along the entries, so what a savepoint undoes is the end of the list; and
      places rise.
    * Of the entries with one key that are not over, each has a level of its own: a million
      events with one key take the room of one.

    A savepoint that is not known was made before the first entry was queued.
    """

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        """Read-only for others."""

        self._savepoints: list[str] = []
        self._keyed: dict[Hashable, list[Entry]] = {}
        # In a test, the before-commit entries by the block that they belong to: asked once for each
        # of a thousand blocks, nothing is looked through a thousand times.
        self._of_block: dict[Hashable, list[Entry]] = {}

    def __bool__(self) -> bool:
        return bool(self.entries)

    def add(self, entry: Entry) -> bool:
        """Take in an entry.

        Returns:
            Whether it has a place of its own: False when an earlier entry with its key does its
            work from now on.
        """
        entry.level = len(self._savepoints)
        if entry.key is not None:
            same = self._keyed.setdefault(entry.identity, [])
            if same and _can_take_over(same[-1], entry):
                same[-1].take_over(entry)
                return False
            same.append(entry)
        self.entries.append(entry)
        if entry.block is not None and entry.moment is Moment.BEFORE_COMMIT:
            self._of_block.setdefault(entry.block, []).append(entry)
        return True

    @property
    def innermost_savepoint(self) -> str | None:
        """The savepoint that takes the next entry with it; None where none is known."""
        return self._savepoints[-1] if self._savepoints else None

    @property
    def last_place(self) -> int:
        """The place of the latest entry."""
        return self.entries[-1].place if self.entries else 0

    @property
    def is_passive(self) -> bool:
        """Whether nothing waits but what must not change how the transaction ends."""
        return all(entry.passive for entry in self.entries)

    def has_before_commit(self) -> bool:
        """Say whether there is work to do before COMMIT, be it the last."""
        return any(entry.moment in _INSIDE and not entry.over for entry in self.entries)

    def due_before_commit(self) -> list[Entry]:
        """Return the before-commit entries that count; without any, what comes last."""
        return self.before_commit() or _choose(
            [entry for entry in self.entries if entry.moment is Moment.LAST]
        )

    def before_commit(self, after: int = 0) -> list[Entry]:
        """Return the before-commit entries that count; those they replace are over.

        Args:
            after: a place; what was queued up to it is left out.
        """
        start = bisect_right(self.entries, after, key=_place)
        entries = self.entries[start:]
        return _choose([each for each in entries if each.moment is Moment.BEFORE_COMMIT])

    def before_commit_of(self, block: Hashable) -> list[Entry]:
        """Return the before-commit entries of a test's block that count, as above."""
        return _choose(self._of_block.get(block, ()))

    def is_replaced(self, entry: Entry) -> bool:
        """Say whether a later entry with the same key waits as well."""
        return bool(self._later(entry))

    def catch_up(self, entry: Entry) -> None:
        """Have an entry that is about to run do the work of the last one with its key."""
        for later in self._later(entry):
            entry.take_over(later)

    def savepoint_made(self, sid: str) -> None:
        """Take note of a new savepoint."""
        self._savepoints.append(sid)

    def rolled_back_to(self, sid: str) -> list[Entry]:
        """Give up what was queued since a savepoint was made; return it."""
        index = self._index(sid)
        # The savepoint itself stays; those made after it are gone.
        del self._savepoints[index + 1 :]
        return self._cut(index)

    def released(self, sid: str) -> list[Entry]:
        """Put what was queued since a savepoint was made under the one before it.

        Returns:
            The entries whose work an earlier one with their key does from now on.
        """
        level = max(self._index(sid), 0)
        del self._savepoints[level:]
        start = bisect_right(self.entries, level, key=_level)
        raised = self.entries[start:]
        for entry in raised:
            entry.level = level
        replaced = [entry for entry in raised if self._replaced_by_an_earlier_one(entry)]
        if replaced:
            gone = set(map(id, replaced))
            self.entries[start:] = [entry for entry in raised if id(entry) not in gone]
        return replaced

    def clear(self) -> list[Entry]:
        """Give up everything; return it."""
        entries, self.entries = self.entries, []
        self._savepoints.clear()
        self._keyed.clear()
        self._of_block.clear()
        return entries

    def committed(self) -> list[Entry]:
        """Return the after-commit entries, which nothing can undo any more; give up everything."""
        committed = [
            entry
            for entry in self.entries
            if entry.moment is Moment.AFTER_COMMIT and not entry.over
        ]
        for same in self._keyed.values():
            for entry in same[1:]:
                same[0].take_over(entry)
        self.clear()
        return [entry for entry in committed if not entry.over]

    def discard(self, entries: list[Entry]) -> None:
        """Give up some entries."""
        gone = set(map(id, entries))
        for entry in self.entries:
            if id(entry) in gone:
                self._forget(entry)
        self.entries = [entry for entry in self.entries if id(entry) not in gone]

    def _index(self, sid: str) -> int:
        # The latest of a name: it shadows those before it, for the database too.
        for index in reversed(range(len(self._savepoints))):
            if self._savepoints[index] == sid:
                return index
        return -1

    def _cut(self, level: int) -> list[Entry]:
        start = bisect_right(self.entries, level, key=_level)
        cut = self.entries[start:]
        del self.entries[start:]
        for entry in reversed(cut):
            self._forget(entry)
        return cut

    def _replaced_by_an_earlier_one(self, entry: Entry) -> bool:
        same = self._keyed.get(entry.identity, [])
        index = same.index(entry) if entry in same else 0
        if index == 0 or not _can_take_over(same[index - 1], entry):
            return False
        same[index - 1].take_over(entry)
        self._forget(entry)
        return True

    def _later(self, entry: Entry) -> list[Entry]:
        same = self._keyed.get(entry.identity, [])
        return [other for other in same if other.number > entry.number and not other.over]

    def _forget(self, entry: Entry) -> None:
        if entry.key is not None:
            _remove(self._keyed, entry.identity, entry)
        if entry.block is not None and entry.moment is Moment.BEFORE_COMMIT:
            _remove(self._of_block, entry.block, entry)


def _remove(lists: dict[Hashable, list[Entry]], key: Hashable, entry: Entry) -> None:
    entries = lists[key]
    entries.remove(entry)
    if not entries:
        del lists[key]


def _choose(entries: Iterable[Entry]) -> list[Entry]:
    """Return the entries that count; those that they replace are over."""
    entries = list(entries)
    counting = last_of_each_key(entries)
    kept = set(map(id, counting))
    for entry in entries:
        entry.over = entry.over or id(entry) not in kept
    return counting


def _can_take_over(earlier: Entry, later: Entry) -> bool:
    # On one level, nothing can undo the later one and leave the earlier one.
    return earlier.level == later.level and not earlier.over and not later.over
