"""The one description that function receivers and class-based receivers boil down to."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from os.path import realpath
from types import CodeType
from typing import Any

from django.dispatch import Signal

from signalkit.events import Event
from signalkit.states import Phase
from signalkit.types import Kind, OncePerTransaction, OnError, Record, Reentry, Sender, When


@dataclass(frozen=True, slots=True)
class Origin:
    """Where in the source a receiver was declared."""

    module: str
    """Dotted."""

    qualname: str
    """Of the function or the class, within the module."""

    file: str
    line: int
    """Of the function's first decorator, or of the ``class`` statement; from 1 on."""

    code: CodeType
    """The code that ran: the same one twice means a loop or a factory, not a second import."""

    load: object = None
    """What tells one execution of the module from the next: its ``__spec__``. None where a module
    has none, as in a shell."""

    def same_place(self, other: Origin) -> bool:
        """Say whether both are one place in the source, perhaps imported twice."""
        return (
            self.line == other.line
            and self.qualname == other.qualname
            and realpath(self.file) == realpath(other.file)
        )

    def outdated_by(self, other: Origin) -> bool:
        """Say whether the module of this one was executed anew when the other was declared."""
        return (
            self.module == other.module
            and self.load is not other.load
            and None not in (self.load, other.load)
        )

    def redefined_by(self, other: Origin) -> bool:
        """Say whether the other is the same receiver, typed again where modules have no load."""
        return (
            self.load is other.load is None
            and self.module == other.module
            and self.code is not other.code
            and (self.file != other.file or self.line == other.line)
        )

    def __str__(self) -> str:
        return f"{self.module}.{self.qualname} ({self.file}:{self.line})"


@dataclass(frozen=True, slots=True, eq=False)
class Declaration:
    """A receiver as it was declared: what, for whom, when and how.

    Compared by identity. Its values are checked; ``str()`` gives its name.
    """

    name: str
    """Its stable identity, ``app_label.Name``, or given."""

    call: Callable[..., Any]
    """The function, or the bound ``handle``."""

    kind: Kind
    """Whether it is called with one event (``"class"``) or as Django calls it (``"function"``)."""

    origin: Origin
    signals: tuple[Signal, ...]
    """At least one, each once."""

    senders: tuple[Sender, ...] = ()
    """As declared, not yet resolved; empty for whoever sends."""

    phase: Phase = Phase.INLINE
    aliases: tuple[str, ...] = ()
    """Names that it had before."""

    order: int = 0
    """Lower runs earlier among signalkit's receivers of one signal."""

    after: tuple[str, ...] = ()
    """Names of receivers that run before it."""

    created: bool | None = None
    """Only creations (True), only updates (False), or both."""

    raw: bool = True
    """Whether it runs for fixtures too."""

    changed: tuple[str, ...] = ()
    """Names of fields of which one must have changed."""

    changed_by_creation: bool = False
    """Whether a new row has changed them, too."""

    at_send: Callable[[Event], Event | None] | None = None
    """Asked at the send, before :attr:`when`: what :attr:`call` and the other conditions are to
    take, or None, which skips the event."""

    when: When | None = None
    """Asked at the send with what :attr:`call` takes; a false answer skips the event."""

    on_error: OnError = "raise"
    reentry: Reentry = "allow"
    once_per_transaction: OncePerTransaction = False
    """Whether only a transaction's last event counts, or what tells its events apart."""

    include_subclasses: bool = False
    """Whether proxies and children of the senders count too."""

    using: str | None = None
    """The alias whose transaction counts for a signal that carries none."""

    record: Record | None = None
    """Which of its runs are put on record; None leaves that to the settings."""

    record_skips: bool = False
    """Whether what kept it from running is told, too."""

    announce: bool = False
    """Whether it is on record with the send that it is going to run."""

    is_async: bool = False
    """Whether :attr:`call` makes a coroutine."""

    replaces: str | None = None
    """The name of the receiver in whose place it stands."""

    dispatch_uid: Hashable | None = None
    """Given by the user; otherwise made from the receiver."""

    extends: tuple[str, ...] = ()
    """The names of the registered receivers that its class inherits from."""

    def __str__(self) -> str:
        return self.name
