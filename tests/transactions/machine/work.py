"""What a hook does when it is run: a small script, played on the model and on the database."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from signalkit.transactions.entries import Moment


class Boom(Exception):
    """What hooks, callbacks and blocks raise."""


class Interrupt(KeyboardInterrupt):
    """What is heeded at once."""


class Cancelled(BaseException):
    """What no ``except Exception`` stops, and is to stop nobody else all the same."""


@dataclass(frozen=True)
class Write:
    """Write a row, in a block of its own."""

    text: str


@dataclass(frozen=True)
class Block:
    """Do something in a nested block, which fails or not; the error is caught outside it."""

    actions: tuple[Action, ...]
    fails: bool


@dataclass(frozen=True)
class Queue:
    """Queue more work."""

    moment: Moment
    work: Work


@dataclass(frozen=True)
class OnCommit:
    """Queue a plain ``on_commit`` callback."""

    callback: Callback


@dataclass(frozen=True)
class Fail:
    """Raise."""

    error: type[BaseException]


@dataclass(frozen=True)
class Swallow:
    """Catch a database error without a savepoint around the statement."""


@dataclass(frozen=True)
class Durable:
    """Open a durable block, and tell whether that was allowed."""


Action = Write | Block | Queue | OnCommit | Fail | Swallow | Durable


@dataclass(frozen=True)
class Work:
    """What a hook does; it leaves its name in the log first."""

    name: str
    actions: tuple[Action, ...] = ()
    key: str | None = None


@dataclass(frozen=True)
class Callback:
    """A plain ``on_commit`` callback of somebody else."""

    name: str
    error: type[BaseException] | None = None


class Connection(Protocol):
    """What scripts need of a connection: the model has it, and the database."""

    log: list[str]

    def block(self, *, durable: bool = False) -> AbstractContextManager[object]: ...
    def write(self, text: str) -> None: ...
    def swallow(self) -> None: ...
    def queue(self, moment: Moment, work: Work) -> None: ...
    def on_commit(self, callback: Callback) -> None: ...


def perform(connection: Connection, work: Work) -> None:
    """Play the script of a hook."""
    connection.log.append(work.name)
    for action in work.actions:
        _act(connection, action)


def call(connection: Connection, callback: Callback) -> None:
    """Play a plain callback."""
    connection.log.append(callback.name)
    if callback.error is not None:
        raise callback.error(callback.name)


def _act(connection: Connection, action: Action) -> None:
    if isinstance(action, Write):
        with connection.block():
            connection.write(action.text)
    elif isinstance(action, Block):
        _act_in_block(connection, action)
    elif isinstance(action, Queue):
        connection.queue(action.moment, action.work)
    elif isinstance(action, OnCommit):
        connection.on_commit(action.callback)
    elif isinstance(action, Fail):
        raise action.error("a hook fails")
    elif isinstance(action, Swallow):
        connection.swallow()
    else:
        _open_durable(connection)


def _act_in_block(connection: Connection, action: Block) -> None:
    error = Boom("a block fails")
    try:
        with connection.block():
            for inner in action.actions:
                _act(connection, inner)
            if action.fails:
                raise error
    except Boom as caught:
        if caught is not error:
            raise


def _open_durable(connection: Connection) -> None:
    try:
        with connection.block(durable=True):
            connection.log.append("durable")
    except RuntimeError:
        connection.log.append("not durable")
