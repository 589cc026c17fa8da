"""The stage: everything the scenario needs, set up before it and cleared away after it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from inspect import getdoc
from pathlib import Path
from tempfile import TemporaryDirectory

from django.core.handlers.wsgi import WSGIHandler
from django.test.utils import (
    override_settings,
    setup_test_environment,
    teardown_test_environment,
)

from .browser import Browser
from .database import ThrowAwayDatabase
from .look import Look
from .recorder import Recorder
from .typing_in import answer_of, words_of

PASSWORD = "a wide-awake page"
"""Of the user who signs up in the demo."""


@dataclass(frozen=True)
class Stage:
    """What a step plays on."""

    recorder: Recorder
    database: ThrowAwayDatabase
    directory: Path
    """A temporary one: excerpts, the warehouse's share and the notice are in it."""

    ada: Browser
    bookseller: Browser
    look: Look

    def did(self, text: str) -> None:
        """Say what is done next, where no browser says it."""
        self.recorder.did(text)

    def ask(self, *words: str) -> str:
        """Type a command, show what it answers, and return the words of that."""
        self.recorder.did(f"manage.py {' '.join(words)}")
        answer = answer_of(words, self.look)
        self.recorder.show(answer)
        return words_of(answer)

    def expect(self, text: str, holds: bool) -> None:
        """Say what must be so now."""
        self.recorder.expect(text, holds)


@dataclass(frozen=True)
class Step:
    """A scene: what happens, and what there is to learn from it."""

    title: str
    why: str
    act: Callable[[Stage], None]


def step(act: Callable[[Stage], None]) -> Step:
    """Make a step of a function: the first line of its docstring is the title, the rest the why."""
    title, _, why = (getdoc(act) or "").partition("\n")
    return Step(title.rstrip("."), why.strip(), act)


@contextmanager
def set_up(recorder: Recorder, look: Look) -> Iterator[Stage]:
    """Set the stage, and clear it away again whatever happens on it.

    Django's test environment instruments the templates, so that `template_rendered` is sent, and
    keeps letters instead of sending them. The settings send all files into a temporary directory,
    and what is cached stays in this process.
    """
    with ExitStack() as stack:
        # Goes last: what receivers do until then is recorded there and nowhere else.
        database = ThrowAwayDatabase()
        stack.callback(database.destroy)
        directory = Path(stack.enter_context(TemporaryDirectory(prefix="signalkit-demo-")))
        (directory / "share").mkdir()
        notice = directory / "notice.txt"
        notice.write_text("Open day and night.", encoding="utf-8")
        setup_test_environment(debug=False)
        stack.callback(teardown_test_environment)
        from shop.receivers import templates  # noqa: F401  (its receivers are for this environment)

        stack.enter_context(
            override_settings(
                MEDIA_ROOT=directory / "media",
                SHOP_WAREHOUSE=directory / "share" / "orders",
                SHOP_NOTICE=notice,
                CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
                # Strong hashing is slow on purpose, and none of these passwords is secret.
                PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
            )
        )
        wsgi = WSGIHandler()
        yield Stage(
            recorder,
            database,
            directory,
            ada=Browser(recorder, wsgi, "Ada"),
            bookseller=Browser(recorder, wsgi, "the bookseller"),
            look=look,
        )
