"""runserver's reloader, ticking by hand."""

import os
import threading
from pathlib import Path

from django.utils.autoreload import StatReloader


class OneEdit(StatReloader):
    """Django's own reloader, for exactly one edit of one file.

    Everything it does is Django's: it starts, looks at the files, finds the one that changed and
    asks the receivers. Only its loop is other: it does not sleep between two looks, and ends.
    """

    SLEEP_TIME = 0

    def __init__(self, file: Path, text: str) -> None:
        super().__init__()
        self._file = file
        self._text = text

    def run_loop(self) -> None:
        """Look, edit, and look again."""
        ticker = self.tick()
        next(ticker)
        before = self._file.stat()
        self._file.write_text(self._text, encoding="utf-8")
        # Two edits within the clock's resolution look like none.
        os.utime(self._file, ns=(before.st_atime_ns, before.st_mtime_ns + 1_000_000_000))
        next(ticker)
        self.stop()


def edit_under_runserver(file: Path, text: str) -> None:
    """Edit a file while Django's reloader looks on.

    Raises:
        SystemExit: nobody dealt with the change, so Django wants to restart the server.
    """
    OneEdit(file, text).run(threading.current_thread())
