"""What a database, Django and the hooks do together, in a few lines and without any of them.

A transaction is a journal: what was written and queued, in order. A savepoint is a place in it.
Rolling back takes away the journal from that place on.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.db.transaction import TransactionManagementError

from signalkit.exceptions import TransactionAborted
from signalkit.transactions.entries import Moment
from tests.transactions.machine.work import Callback, Cancelled, Interrupt, Work, call, perform


@dataclass(eq=False)
class Row:
    text: str


@dataclass(eq=False)
class Hook:
    moment: Moment
    work: Work
    number: int
    transaction: int
    done: bool = False
    # Whether it was committed, and is owed because an Interrupt left it without a turn.
    late: bool = False
    place: int = 0

    def __post_init__(self) -> None:
        self.place = self.number

    @property
    def key(self) -> object:
        work = self.work
        return None if work.key is None or self.late else (self.moment, self.transaction, work.key)

    def has_key_of(self, other: Hook) -> bool:
        return self.key is not None and self.key == other.key


@dataclass(eq=False)
class Foreign:
    callback: Callback


@dataclass(eq=False)
class Place:
    """A savepoint: of a block, or made by hand."""

    at: int
    of_block: bool


@dataclass(eq=False)
class Level:
    """An open block; without a savepoint of its own when ``place`` is None."""

    place: Place | None


Item = Row | Hook | Foreign


@dataclass
class Model:
    """One connection."""

    log: list[str]
    rows: list[str] = field(default_factory=list)
    journal: list[Item] = field(default_factory=list)
    blocks: list[Level] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    owed: list[Hook] = field(default_factory=list)
    # Callbacks that Django has kept from transactions that were committed by hand.
    kept: list[Foreign] = field(default_factory=list)
    manual: bool = False
    # Whether Django calls its callbacks when autocommit is next turned on.
    calls_due: bool = False
    broken: bool = False
    closed: bool = False
    settling: bool = False
    # Whether an Interrupt has just ended what follows a commit.
    stopped: bool = False
    number: int = 0
    transaction: int = 0

    @property
    def hooked(self) -> bool:
        """Whether anything of ours waits; otherwise a transaction is Django's affair alone."""
        return any(isinstance(item, Hook) for item in self.journal)

    # What is done inside

    def in_transaction(self) -> bool:
        return bool(self.blocks) or self.manual

    def write(self, text: str) -> None:
        if self.broken:
            raise TransactionManagementError
        if self.in_transaction():
            self.journal.append(Row(text))
        else:
            self.rows.append(text)

    def swallow(self) -> None:
        if self.broken:
            raise TransactionManagementError
        if self.blocks:
            self.broken = True

    def queue(self, moment: Moment, work: Work) -> None:
        self.number += 1
        if self.in_transaction():
            self.journal.append(Hook(moment, work, self.number, self.transaction))
        elif moment is not Moment.AFTER_ROLLBACK:
            perform(self, work)

    def on_commit(self, callback: Callback) -> None:
        if self.blocks:
            self.journal.append(Foreign(callback))
        elif self.manual:
            raise TransactionManagementError
        else:
            call(self, callback)

    # Blocks and savepoints

    @contextmanager
    def block(self, *, durable: bool = False) -> Iterator[None]:
        self.open(savepoint=True, durable=durable)
        try:
            yield
        except BaseException as error:
            self.leave(error)
            raise
        else:
            self.leave(None)

    def open(self, *, savepoint: bool, durable: bool) -> None:
        if durable and self.blocks:
            raise RuntimeError
        if not self.blocks:
            self.broken = False
            if not self.manual:
                self.blocks.append(Level(None))
                return
        place = None
        if savepoint and not self.broken:
            place = Place(len(self.journal), of_block=True)
            self.places.append(place)
        self.blocks.append(Level(place))

    def leave(self, error: BaseException | None) -> None:
        level = self.blocks.pop()
        fine = error is None and not self.broken
        if not self.blocks and not self.manual:
            self._end(fine=fine)
        elif self.closed or (fine and level.place is None):
            pass
        elif fine:
            self._forget_from(level.place)
        else:
            self.broken = level.place is None
            if level.place is not None:
                self._roll_back_to(level.place)
                self._forget_from(level.place)

    def savepoint(self) -> Place:
        self.places.append(Place(len(self.journal), of_block=False))
        return self.places[-1]

    def usable_places(self) -> list[Place]:
        """Return the savepoints made by hand that no open block's savepoint came after."""
        usable: list[Place] = []
        for place in self.places:
            usable = [] if place.of_block else [*usable, place]
        return usable

    def savepoint_rollback(self, place: Place) -> None:
        self._roll_back_to(place)
        del self.places[self.places.index(place) + 1 :]

    def savepoint_commit(self, place: Place) -> None:
        self._forget_from(place)

    def _forget_from(self, place: Place | None) -> None:
        if place in self.places:
            del self.places[self.places.index(place) :]

    def _roll_back_to(self, place: Place) -> None:
        taken = self.journal[place.at :]
        # Django's own callbacks survive a rollback to a savepoint that was made by hand.
        spared = [item for item in taken if isinstance(item, Foreign) and not place.of_block]
        self.journal[place.at :] = spared
        self._note_undone(taken)

    # How it ends

    def _end(self, *, fine: bool) -> None:
        try:
            if fine and not self.closed:
                self._commit()
            else:
                self.closed = self.broken = self.calls_due = False
                self._lose()
        finally:
            self.settle()

    def commit(self) -> None:
        """Commit by hand."""
        try:
            self._commit()
        finally:
            self.settle()

    def rollback(self) -> None:
        """Roll back by hand."""
        self.broken = False
        self._lose()
        self.settle()

    def set_autocommit(self, autocommit: bool) -> None:
        if self.blocks:
            raise TransactionManagementError
        try:
            if autocommit and self.manual:
                self._commit(turns_autocommit_on=True)
            self.manual = not autocommit
        finally:
            if autocommit:
                self.settle()

    def close(self) -> None:
        self._lose()
        if self.blocks:
            self.closed = self.broken = True
        else:
            self.manual = self.calls_due = self.broken = False
            self.settle()

    def _commit(self, *, turns_autocommit_on: bool = False) -> None:
        if self.hooked:
            self._before_commit()
            self.calls_due = True
        journal = self._end_journal()
        self.rows += [item.text for item in journal if isinstance(item, Row)]
        hooks = last_of_key(
            [i for i in journal if isinstance(i, Hook) and i.moment is Moment.AFTER_COMMIT]
        )
        if self.manual:
            self.kept += [item for item in journal if isinstance(item, Foreign)]
            due: list[Item] = [*hooks]
            if not turns_autocommit_on:
                self.calls_due = True
                self._after_commit(due)
                return
            self.manual = False
        else:
            self.calls_due = True
            places = {hook.place: hook for hook in hooks}
            due = [
                places[item.number] if isinstance(item, Hook) else item
                for item in journal
                if isinstance(item, Foreign) or (isinstance(item, Hook) and item.number in places)
            ]
        if self.calls_due:
            kept, self.kept = self.kept, []
            due = [*kept, *due]
        self._after_commit(due)
        self.calls_due = False

    def _end_journal(self) -> list[Item]:
        journal, self.journal, self.places = self.journal, [], []
        self.transaction += 1
        return journal

    def _before_commit(self) -> None:
        try:
            if self.broken:
                raise TransactionAborted
            self.blocks.append(Level(None))
            try:
                self._rounds()
                if self.broken:
                    raise TransactionAborted
            finally:
                self.blocks.pop()
        except BaseException:
            self.broken = False
            self._lose()
            raise

    def _rounds(self) -> None:
        while True:
            while self._perform_first(Moment.BEFORE_COMMIT):
                pass
            last = self._not_done(Moment.LAST)
            if not last:
                return
            # What these queue for before the commit comes after all of them.
            while self._perform_first(Moment.LAST, up_to=last[-1].number):
                pass

    def _perform_first(self, moment: Moment, up_to: int | None = None) -> bool:
        """Do the first work that is due; one at a time, for it may replace what still waits."""
        waiting = self._not_done(moment)
        due = [h for h in last_of_key(waiting) if up_to is None or h.place <= up_to]
        if not due:
            return False
        for hook in waiting:
            hook.done = hook is due[0] or hook.has_key_of(due[0])
        perform(self, due[0].work)
        return True

    def _not_done(self, moment: Moment) -> list[Hook]:
        return [
            item
            for item in self.journal
            if isinstance(item, Hook) and item.moment is moment and not item.done
        ]

    def _after_commit(self, due: list[Item]) -> None:
        foreign: list[BaseException] = []
        errors: list[BaseException] = []
        for index, item in enumerate(due):
            try:
                if isinstance(item, Hook):
                    self._outside(item.work)
                elif isinstance(item, Foreign) and not foreign:
                    call(self, item.callback)
            except (Exception, Cancelled) as error:  # noqa: BLE001  # raised once everybody has had a turn
                (errors if isinstance(item, Hook) else foreign).append(error)
            except Interrupt:
                left = [later for later in due[index + 1 :] if isinstance(later, Hook)]
                for hook in left:
                    hook.late = True
                self.owed += left
                self.stopped = True
                raise
        cancelled = [each for each in (*foreign, *errors) if isinstance(each, Cancelled)]
        if cancelled:
            raise cancelled[0]
        if foreign:
            raise foreign[0]
        if len(errors) > 1:
            raise BaseExceptionGroup("", errors)
        if errors:
            raise errors[0]

    def _outside(self, work: Work) -> None:
        """Run what no transaction surrounds; in manual mode nobody else would commit it."""
        if not self.manual:
            perform(self, work)
            return
        try:
            with self.block():
                perform(self, work)
            self.commit()
        except Interrupt:
            self.broken = False
            self._lose()
            raise
        except BaseException:
            self.rollback()
            raise

    def _lose(self) -> None:
        self.kept = []
        self._note_undone(self._end_journal())

    def _note_undone(self, items: list[Item]) -> None:
        self.owed += [item for item in items if isinstance(item, Hook) and not item.done]

    def settle(self) -> None:
        """Run what rollbacks and interrupts have left to do, in the order of its events."""
        stopped, self.stopped = self.stopped, False
        if stopped or self.settling or self.blocks:
            return
        self.settling = True
        cancelled: list[Cancelled] = []
        try:
            while self.owed:
                owed, self.owed = sorted(self.owed, key=lambda hook: hook.number), []
                self._pay(sorted(last_of_key(owed), key=lambda hook: hook.place), cancelled)
        finally:
            self.settling = False
        if cancelled:
            raise cancelled[0]

    def _pay(self, owed: list[Hook], cancelled: list[Cancelled]) -> None:
        for index, hook in enumerate(owed):
            if hook.moment is not Moment.AFTER_ROLLBACK and not hook.late:
                self.log.append(f"{hook.work.name} was dropped")
                continue
            try:
                self._outside(hook.work)
            except Exception:  # noqa: BLE001  # it is logged; nobody is told
                pass
            except Cancelled as error:
                cancelled.append(error)
            except Interrupt:
                self.owed += owed[index + 1 :]
                raise


def last_of_key(hooks: list[Hook]) -> list[Hook]:
    """Return of the hooks with one key the last, where the first was."""
    chosen: dict[object, Hook] = {}
    for hook in hooks:
        key = id(hook) if hook.key is None else hook.key
        hook.place = min(hook.place, chosen.get(key, hook).place)
        chosen[key] = hook
    return list(chosen.values())
