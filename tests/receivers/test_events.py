"""A class of event for each of Django's signals."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.signals import setting_changed
from django.db.models.signals import post_delete, post_save
from django.dispatch import Signal
from django.test import override_settings

# The signal of templates is known once this is loaded.
from django.test.signals import template_rendered

from signalkit import Event, ModelReceiver, Phase, Receiver
from signalkit.builtin_events import PostDelete, PostSave, SettingChanged, class_for
from signalkit.catalogue import builtin_signals
from tests.dispatch.recording import real_commits
from tests.testapp.models import Book

ROOT = Path(__file__).resolve().parents[2]


def known(cls: type) -> set[str]:
    """Return what a class of events declares, in annotations and as properties."""
    return {
        name
        for each in cls.__mro__
        if each is not object
        for name in (*vars(each), *getattr(each, "__annotations__", ()))
    }


@pytest.mark.parametrize("builtin", builtin_signals(), ids=lambda builtin: builtin.name)
def test_each_signal_has_one_with_every_keyword(builtin: Any) -> None:
    cls = class_for(builtin.signal)
    assert cls is not Event
    assert cls.__name__ == "".join(word.title() for word in builtin.name.split("_"))
    assert builtin.keywords <= known(cls)
    assert not hasattr(cls(builtin.signal, None, {}), "__dict__")


def test_they_tell_one_from_another() -> None:
    classes = [class_for(builtin.signal) for builtin in builtin_signals()]
    assert len({*classes}) == len(classes)
    assert class_for(template_rendered).__name__ == "TemplateRendered"


def test_a_signal_of_ones_own_has_none() -> None:
    assert class_for(Signal()) is Event


@real_commits
class TestInAReceiver:
    def test_the_event_is_of_its_class_in_every_phase(self) -> None:
        seen: list[Any] = []

        class Books(ModelReceiver):
            signal = (post_save, post_delete)
            sender = Book

            def handle(self, event: PostSave[Book] | PostDelete[Book]) -> None:
                seen.append((type(event), event.instance.title, event.using, event.sender is Book))

        class Later(Books):
            phase = Phase.AFTER_COMMIT

        Book.objects.create(title="a").delete()
        saved, deleted = ((cls, "a", "default", True) for cls in (PostSave, PostDelete))
        assert seen == [saved, saved, deleted, deleted]

    def test_a_copy_is_of_it_too(self) -> None:
        event: PostSave[Book] = PostSave(post_save, Book, {"created": True})
        assert type(event.replace(created=False)) is PostSave
        assert repr(event) == "<PostSave sender=Book payload=['created']>"

    def test_others(self) -> None:
        seen: list[Any] = []

        class Settings(Receiver):
            signal = setting_changed

            def handle(self, event: SettingChanged) -> None:
                seen.append((event.setting, event.value, event.enter))

        with override_settings(SITE_ID=7):
            pass
        assert seen == [("SITE_ID", 7, True), ("SITE_ID", None, False)]


class TestAtSend:
    def test_what_it_returns_is_what_the_others_get(self) -> None:
        signal_, seen = Signal(), []

        class Base(Receiver, abstract=True):
            def at_send(self, event: Event) -> Event | None:
                return event.replace(double=event.number * 2) if event.number else None

        class Numbers(Base):
            signal = signal_
            record_skips = True

            def when(self, event: Event) -> bool:
                return bool(event.double < 10)

            def handle(self, event: Event) -> None:
                seen.append(event.double)

        for number in (0, 3, 7):
            signal_.send(None, number=number)
        assert seen == [6]

    def test_what_it_passes_over_is_told_as_a_condition(self) -> None:
        from signalkit.dispatch.observation import run_skipped

        signal_, told = Signal(), []

        class Never(Receiver):
            signal = signal_
            record_skips = True

            def at_send(self, event: Event) -> None:
                return None

            def handle(self, event: Event) -> None: ...

        def note(run: Any, **kwargs: Any) -> None:
            told.append(run.why)

        run_skipped.connect(note)
        try:
            signal_.send(None)
        finally:
            run_skipped.disconnect(note)
        assert told == ["condition"]


def test_importing_the_receivers_loads_no_model() -> None:
    code = (
        "from django.conf import settings; settings.configure(); "
        "import signalkit.receivers; from django.apps import apps; "
        "assert not apps.apps_ready and not apps.all_models"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=ROOT, check=True)


TYPED = """
from typing import Any
from django.db.models.signals import post_save
from signalkit import ModelReceiver
from signalkit.builtin_events import PostSave, RequestStarted, UserLoginFailed
from signalkit.receivers import (
    AuthReceiver, InvalidateCache, Links, M2MReceiver, NotifyOnCommit, StatusChanged, Transition
)
from tests.testapp.models import Book, Tag

class Saved(ModelReceiver):
    signal = post_save
    sender = "testapp.Book"
    def handle(self, event: PostSave[Book]) -> None:
        reveal_type(event.created)
        reveal_type(event.instance)
        reveal_type(event.using)

class Told(NotifyOnCommit[PostSave[Book]]):
    def recipients(self, event: PostSave[Book]) -> list[str]:
        return [event.instance.title]

class Tags(M2MReceiver[Book, Tag]):
    model = Book
    field = "tags"
    def on_added(self, links: Links[Book, Tag]) -> None:
        reveal_type(links.owners)
        reveal_type(links.related)

class Sold(StatusChanged[Book]):
    model = Book
    field = "status"
    def on_transition(self, event: Transition[Book]) -> None:
        reveal_type(event.instance)

class Logins(AuthReceiver):
    def on_login_failed(self, event: UserLoginFailed) -> None:
        reveal_type(event.credentials)
        reveal_type(event.request)
"""

REVEALED = [
    "bool",
    "tests.testapp.models.Book",
    "str",
    "list[tests.testapp.models.Book]",
    "list[tests.testapp.models.Tag]",
    "tests.testapp.models.Book",
    "dict[str, Any]",
    "django.http.request.HttpRequest | None",
]


def test_a_type_checker_knows(tmp_path: Path) -> None:
    api = pytest.importorskip("mypy.api")
    file = tmp_path / "typed.py"
    file.write_text(TYPED)
    config = ["--config-file", str(ROOT / "pyproject.toml"), "--strict"]
    said, _, status = api.run([*config, "--cache-dir", str(tmp_path / "cache"), str(file)])
    revealed = [
        line.partition('is "')[2].rstrip('"').replace("builtins.", "")
        for line in said.splitlines()
        if "Revealed type" in line
    ]
    assert revealed == REVEALED
    assert status == 0, said
