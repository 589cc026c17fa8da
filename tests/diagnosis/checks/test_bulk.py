"""E007 and W023: bulk signals that nobody ever sends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.apps import apps
from django.core.checks import ERROR, WARNING

import signalkit
from signalkit import bulk
from tests.diagnosis.checks.conftest import Ask
from tests.diagnosis.conftest import Site
from tests.testapp.models import Tag


@contextmanager
def early() -> Iterator[None]:
    """A block in which models are still being loaded."""
    apps.models_ready = False
    try:
        yield
    finally:
        apps.models_ready = True


class TestE007:
    @pytest.fixture(autouse=True)
    def forget(self) -> Iterator[None]:
        yield
        with early():
            bulk.unwatch("testapp.Tga", "lib.Tag")

    def test_a_model_that_there_is_not(self, messages: Ask) -> None:
        with early():
            bulk.watch("testapp.Tga", "lib.Tag", "testapp.Tag")

        no_app, no_model = messages("E007")
        bulk.unwatch(Tag)

        assert no_app.level == no_model.level == ERROR
        assert (no_app.obj, no_model.obj) == ("lib.tag", "testapp.tga")
        assert "There is no model 'testapp.tga'. Did you mean 'testapp.Tag'?" in no_model.msg
        assert f"{__file__}:" in no_model.msg

    def test_only_when_everything_is_asked_about(self, messages: Ask) -> None:
        with early():
            bulk.watch("testapp.Tga")

        assert messages("E007", "testapp") == []

    def test_what_is_there_is_fine(self, messages: Ask) -> None:
        with bulk.watched("testapp.Tag"):
            assert messages("E007") == []


class TestW023:
    def test_a_receiver_of_all_while_nothing_is_watched(self, messages: Ask) -> None:
        @signalkit.receiver(bulk.post_update, name="lib.hears_all", order=1)
        def hears_all(**kwargs: Any) -> None: ...

        (message,) = messages("W023")

        assert message.level == WARNING
        assert message.obj == "lib.hears_all"

    def test_a_plain_one(self, messages: Ask, site: Site) -> None:
        module = site.load(
            "corner.listeners",
            "from signalkit.bulk import post_update\n"
            "def hear(**kwargs): ...\n"
            "post_update.connect(hear)\n",
        )
        try:
            (message,) = messages("W023")
        finally:
            bulk.post_update.disconnect(module.hear)

        assert message.obj == "corner.listeners.hear"

    def test_something_is_watched(self, messages: Ask) -> None:
        @signalkit.receiver(bulk.post_update, name="lib.hears_all", order=1)
        def hears_all(**kwargs: Any) -> None: ...

        with bulk.watched(Tag):
            assert messages("W023") == []

    def test_one_that_names_its_sender(self, messages: Ask) -> None:
        @signalkit.receiver(bulk.post_update, sender=Tag, order=1)
        def hears_one(**kwargs: Any) -> None: ...

        assert messages("W023") == []
