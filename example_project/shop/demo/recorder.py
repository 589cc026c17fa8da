"""Watches signalkit run the receivers, and keeps what it saw in the order in which it happened."""

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.core import mail
from django.dispatch import Signal

from signalkit import Outcome
from signalkit.dispatch.observation import Run, run_finished, run_rolled_back, run_scheduled

OBSERVATIONS = (run_scheduled, run_finished, run_rolled_back)


@dataclass
class Deed:
    """Something that the scenario did; what came of it may be known only afterwards."""

    text: str
    result: str = ""
    status: int = 0
    """Of the answer, where it was a request."""


@dataclass(frozen=True)
class Expectation:
    """Something that must be so, and whether it is."""

    text: str
    holds: bool


@dataclass(frozen=True)
class Note:
    """Something that was seen beside the signals: a letter, a line of the log."""

    kind: str
    text: str


@dataclass(frozen=True)
class Answer:
    """What a command wrote, as it is."""

    text: str


Entry = Deed | Run | Expectation | Note | Answer


@dataclass
class Recorder:
    """Everything that happened in one step, and which signals were observed in all."""

    entries: list[Entry] = field(default_factory=list)
    observed: Counter[Signal] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    """Expectations that did not hold."""

    def did(self, text: str) -> Deed:
        """Note what is being done."""
        self._note_letters()
        deed = Deed(text)
        self.entries.append(deed)
        return deed

    def expect(self, text: str, holds: bool) -> None:
        """Note something that must be so."""
        self._note_letters()
        self.entries.append(Expectation(text, bool(holds)))
        if not holds:
            self.failed.append(text)

    def show(self, answer: str) -> None:
        """Note what a command answered."""
        self.entries.append(Answer(answer))

    def take(self) -> list[Entry]:
        """Return what was noted since the last time."""
        self._note_letters()
        entries, self.entries = self.entries, []
        return entries

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch receivers, letters and the log inside the block."""
        handler = _NoteHandler(self.entries_append)
        loggers = [logging.getLogger(name) for name in ("signalkit", "shop")]
        for signal in OBSERVATIONS:
            signal.connect(self._see_run)
        for logger in loggers:
            logger.addHandler(handler)
        try:
            yield
        finally:
            for logger in loggers:
                logger.removeHandler(handler)
            for signal in OBSERVATIONS:
                signal.disconnect(self._see_run)

    def entries_append(self, entry: Entry) -> None:
        """Keep one entry. The list is looked up each time: `take` replaces it."""
        self.entries.append(entry)

    def _see_run(self, run: Run, **kwargs: Any) -> None:
        self.entries.append(run)
        self._note_letters()
        if run.outcome not in {Outcome.SCHEDULED, Outcome.ROLLED_BACK}:
            self.observed[run.event.signal] += 1

    def _note_letters(self) -> None:
        """Note the letters that were sent since the last time: asked after whatever may send."""
        for letter in mail.outbox:
            self.entries.append(Note("letter", f"to {', '.join(letter.to)}: {letter.subject}"))
        mail.outbox.clear()


class _NoteHandler(logging.Handler):
    """Turns warnings and errors of the log into notes."""

    def __init__(self, keep: Any) -> None:
        super().__init__(logging.WARNING)
        self._keep = keep

    def emit(self, record: logging.LogRecord) -> None:
        self._keep(Note("log", f"{record.levelname.lower()}: {record.getMessage()}"))
