"""Around migrations, and after a flush."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command

from signalkit.builtin_events import PostMigrate, PreMigrate
from signalkit.exceptions import SenderError
from signalkit.receivers import MigrateReceiver
from tests.dispatch.recording import both_aliases
from tests.testapp.models import Tag

pytestmark = both_aliases


@pytest.fixture
def seen() -> list[Any]:
    found: list[Any] = []

    class Tags(MigrateReceiver):
        sender = "testapp"

        def on_pre_migrate(self, event: PreMigrate) -> None:
            found.append(("pre", event.using, event.is_flush, event.plan, event.stdout is None))

        def on_post_migrate(self, event: PostMigrate) -> None:
            found.append(("post", event.app_config.label, event.using, event.is_flush, event.plan))
            if event.is_flush:
                assert (event.apps, event.stdout) == (None, None)
            Tag.objects.using(event.using).get_or_create(name="made")

    return found


@pytest.mark.parametrize("using", ["default", "other"])
def test_migrate(seen: list[Any], using: str) -> None:
    call_command("migrate", database=using, verbosity=0)
    assert seen == [
        ("pre", using, False, [], False),
        ("post", "testapp", using, False, []),
    ]
    assert Tag.objects.using(using).get().name == "made"


def test_flush(seen: list[Any]) -> None:
    call_command("flush", database="other", interactive=False, verbosity=0)
    assert seen == [("post", "testapp", "other", True, None)]
    assert Tag.objects.using("other").get().name == "made"


def test_all_apps() -> None:
    found: list[str] = []

    class Every(MigrateReceiver):
        def on_post_migrate(self, event: PostMigrate) -> None:
            found.append(event.app_config.label)
            assert event.verbosity == 0
            assert event.interactive
            assert event.apps is not None

    call_command("migrate", database="default", verbosity=0)
    assert {*found} == {each.label for each in apps.get_app_configs() if each.models_module}


def test_an_unknown_app() -> None:
    with pytest.raises(SenderError, match="Did you mean 'testapp'"):

        class Tags(MigrateReceiver):
            sender = "testap"

            def on_post_migrate(self, event: PostMigrate) -> None: ...
