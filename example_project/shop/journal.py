"""The latest runs of receivers in this process, request by request, for the page `/pulse/`.

In memory, bounded, and lost with the process: something to look at while one clicks through the
shop, and no record of anything.
"""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from threading import Lock

from django.utils import timezone

from signalkit import Outcome
from signalkit.dispatch.observation import Run

from .wording import HOUSEKEEPING, WHEN, call_sender, call_signal, explain

CHAPTERS = 20
ENTRIES = 100
"""How many requests are kept, and how many lines of each."""

MARKS = {
    Outcome.SCHEDULED: ("…", "waits"),
    Outcome.SUCCEEDED: ("✓", "ran"),
    Outcome.FAILED: ("✗", "failed"),
    Outcome.VETOED: ("✗", "vetoed"),
    Outcome.ROLLED_BACK: ("↩", "dropped"),
}


@dataclass
class Entry:
    """What one receiver did, as often as it did it."""

    receiver: str
    signal: str
    sender: str
    phase: str
    outcome: Outcome
    error: str = ""
    times: int = 0
    seconds: float = 0.0

    @property
    def mark(self) -> str:
        """The outcome as a sign."""
        return MARKS[self.outcome][0]

    @property
    def verb(self) -> str:
        """The outcome as a word."""
        return MARKS[self.outcome][1]

    @property
    def milliseconds(self) -> float | None:
        """How long it took in all, or None for what did not run."""
        ran = self.outcome not in {Outcome.SCHEDULED, Outcome.ROLLED_BACK}
        return self.seconds * 1000 if ran else None


class Chapter:
    """What ran during one request, or outside of any."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.began = timezone.now()
        self._entries: dict[tuple[str, ...], Entry] = {}

    @property
    def entries(self) -> list[Entry]:
        """Everything, in the order in which each happened first."""
        return list(self._entries.values())

    def add(self, run: Run) -> None:
        """Write down one run; the same again is counted where it stands."""
        entry = Entry(
            receiver=run.receiver.name,
            signal=call_signal(run.event.signal),
            sender=call_sender(run.event.sender),
            phase=WHEN[run.phase],
            outcome=run.outcome,
            error=explain(run.error),
        )
        key = (entry.receiver, entry.signal, entry.sender, entry.verb, entry.error)
        entry = self._entries.setdefault(key, entry)
        entry.times += 1
        entry.seconds += run.duration or 0.0
        if len(self._entries) > ENTRIES:
            del self._entries[next(iter(self._entries))]


class Journal:
    """The latest chapters. Housekeeping is left out, and so are requests that had nothing else."""

    def __init__(self) -> None:
        self._chapters: deque[Chapter] = deque(maxlen=CHAPTERS)
        self._outside = Chapter("outside of a request")
        self._open: ContextVar[Chapter] = ContextVar("journal_chapter", default=self._outside)
        # Threads of a server write at the same time, and read while others write.
        self._lock = Lock()

    @contextmanager
    def chapter(self, title: str) -> Iterator[None]:
        """Write down in a chapter of its own what this thread or task does inside the block."""
        token = self._open.set(Chapter(title))
        try:
            yield
        finally:
            self._open.reset(token)

    def note(self, run: Run) -> None:
        """Write down one run, in the chapter at hand."""
        if call_signal(run.event.signal) in HOUSEKEEPING:
            return
        chapter = self._open.get()
        with self._lock:
            chapter.add(run)
            if not any(each is chapter for each in self._chapters):
                self._chapters.append(chapter)

    def latest(self) -> list[Chapter]:
        """Return the chapters, the latest first."""
        with self._lock:
            return list(reversed(self._chapters))

    def clear(self) -> None:
        """Forget all of it."""
        with self._lock:
            self._chapters.clear()


journal = Journal()
