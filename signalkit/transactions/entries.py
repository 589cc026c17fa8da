"""What waits for a transaction to end."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from enum import Enum
from functools import partial

Work = Callable[[], object]


class Moment(Enum):
    """What an entry waits for."""

    BEFORE_COMMIT = "before_commit"
    LAST = "last"
    """Before COMMIT, once all before-commit work is done; in a ``TestCase``, where there is none,
    not at all."""

    AFTER_COMMIT = "after_commit"
    AFTER_ROLLBACK = "after_rollback"


class Entry:
    """A piece of work that waits for its transaction to end.

    It can be called without arguments, because Django keeps it among its ``on_commit`` callbacks.
    What that does is not its own affair: there is a commit that gives it its turn, or else a test
    helper has called it.
    """

    __slots__ = (
        "block",
        "called",
        "dropped",
        "func",
        "is_callback",
        "key",
        "level",
        "moment",
        "number",
        "over",
        "passive",
        "place",
        "test_blocks",
        "undone",
    )

    def __init__(
        self,
        moment: Moment,
        func: Work,
        *,
        called: Callable[[Entry], object],
        key: Hashable | None = None,
        dropped: Work | None = None,
        test_blocks: int = 0,
        block: Hashable | None = None,
    ) -> None:
        """Describe the work.

        Args:
            moment: what it waits for.
            func: the work.
            called: what to do with this entry when it is called.
            key: of the entries with one key, the last that was not undone runs, in the place of
                the first.
            dropped: called instead of ``func`` once it is certain that a rollback undid it.
            test_blocks: how many blocks that a ``TestCase`` holds around a test were open.
            block: in a test, the block that stands for the transaction; None between two of them.
        """
        self.moment = moment
        self.func = func
        self.key = key
        self.dropped = dropped
        self.test_blocks = test_blocks
        self.block = block
        self.called = called
        # Set where it is kept. Of all events on its connection, the number of the one whose work
        # it does, and of the one in whose place it does it.
        self.number = 0
        self.place = 0
        # How many of the transaction's savepoints it is undone with.
        self.level = 0
        # Whether Django has it among its callbacks.
        self.is_callback = False
        # Nobody's work but signalkit's own notes: for its sake no COMMIT is refused.
        self.passive = False
        # It ran, was undone, or a later one took its place.
        self.over = False
        # A rollback took it, while it waited.
        self.undone = False

    def __call__(self) -> None:
        """Be called by Django, or by a test helper."""
        self.called(self)

    def __repr__(self) -> str:
        return f"<{self.moment.value}: {describe(self.func)}>"

    def take_over(self, later: Entry) -> None:
        """Do the work of a later entry with the same key, in this one's place."""
        self.func = later.func
        self.dropped = later.dropped
        # What it does is that of the later event now: of several undone, that one is the last.
        self.number = later.number
        later.over = True

    @property
    def identity(self) -> Hashable:
        """What it has in common with those that it replaces, or is replaced by."""
        return id(self) if self.key is None else (self.moment, self.key)

    @property
    def when_undone(self) -> Work | None:
        """What is to be done once a rollback has undone it."""
        return self.func if self.moment is Moment.AFTER_ROLLBACK else self.dropped


def last_of_each_key(entries: Iterable[Entry]) -> list[Entry]:
    """Return the entries that are not over; of those with one key the last, where the first was."""
    # Like any dictionary: a later value takes the place of the first.
    return list({entry.identity: entry for entry in entries if not entry.over}.values())


def call(work: Work) -> None:
    """Do a piece of work where nothing has to be done around it."""
    work()


def describe(func: Work) -> str:
    """Return the name of a piece of work, without anything that it was given to work on."""
    while isinstance(func, partial):
        func = func.func
    return getattr(func, "__qualname__", None) or str(func)
