"""E001, W001, W002, W016: the ``SIGNALKIT`` setting."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.db.models.signals import post_save
from django.test import override_settings

import signalkit
from signalkit.context.middleware import ContextMiddleware
from tests.diagnosis.checks.conftest import Ask
from tests.diagnosis.conftest import Site
from tests.testapp.models import Book


class TestE001:
    @pytest.mark.parametrize(
        ("setting", "text"),
        [
            ([], "SIGNALKIT is []; expected a dictionary."),
            ({"DISABELD": []}, "Did you mean 'DISABLED'?"),
            ({"ENABLED": 1}, "SIGNALKIT['ENABLED'] is 1; expected True or False."),
            ({"AUTODISCOVER": {"APPS": ["tesstapp"]}}, "names 'tesstapp'"),
        ],
    )
    def test_a_setting_that_is_not_usable(
        self, messages: Ask, monkeypatch: pytest.MonkeyPatch, setting: object, text: str
    ) -> None:
        # Without the signal that tells of it: the switches would refuse the setting at once.
        monkeypatch.setitem(vars(settings), "SIGNALKIT", setting)

        (message,) = messages("E001")

        assert message.is_serious()
        assert text in message.msg
        # Once is enough.
        assert messages("W001") == messages("W002") == messages("W013") == []

    def test_a_setting_that_is(self, messages: Ask) -> None:
        with override_settings(SIGNALKIT={"ENABLED": True, "AUTODISCOVER": None}):
            assert messages("E001") == []


class TestW001:
    def test_a_name_that_nobody_has(self, messages: Ask) -> None:
        @signalkit.receiver(post_save, sender=Book, name="lib.shelve")
        def shelve(**kwargs: Any) -> None: ...

        with override_settings(SIGNALKIT={"DISABLED": ["lib.shelf"]}):
            (message,) = messages("W001")

        assert "'lib.shelf'" in message.msg
        assert "Did you mean 'lib.shelve'?" in message.msg

    @pytest.mark.parametrize("name", ["lib.shelve", "lib.former"])
    def test_a_name_or_a_former_name(self, messages: Ask, name: str) -> None:
        @signalkit.receiver(post_save, sender=Book, name="lib.shelve", aliases=["lib.former"])
        def shelve(**kwargs: Any) -> None: ...

        with override_settings(SIGNALKIT={"DISABLED": [name]}):
            assert messages("W001") == []


class TestW002:
    @pytest.mark.usefixtures("site")
    def test_a_module_that_no_app_has(self, messages: Ask) -> None:
        with override_settings(SIGNALKIT={"AUTODISCOVER": {"MODULES": ["recievers"]}}):
            (message,) = messages("W002")

        assert "names 'recievers'" in message.msg

    def test_a_module_that_an_app_has(self, messages: Ask, site: Site) -> None:
        site.write("corner/listeners.py")

        with override_settings(SIGNALKIT={"AUTODISCOVER": {"MODULES": ["listeners"]}}):
            assert messages("W002") == []

    @pytest.mark.parametrize("autodiscover", [None, {}, {"APPS": "project"}])
    def test_the_default_may_be_missing(self, messages: Ask, autodiscover: object) -> None:
        with override_settings(SIGNALKIT={"AUTODISCOVER": autodiscover}):
            assert messages("W002") == []

    def test_an_app_that_is_not_installed_is_told_of_once(self, messages: Ask) -> None:
        setting = {"AUTODISCOVER": {"MODULES": ["recievers"], "APPS": ["nosuch"]}}
        with override_settings(SIGNALKIT=setting):
            assert len(messages("E001")) == 1
            assert messages("W002") == []


class Ours(ContextMiddleware):
    """A project's own."""


class TestW016:
    def test_nothing_reads_it(self, messages: Ask) -> None:
        with override_settings(SIGNALKIT={"CONTEXT": {"TRUSTED_PROXIES": ["10.0.0.1"]}}):
            (message,) = messages("W016")

        assert "SIGNALKIT['CONTEXT'] is set, and signalkit.context.middleware.Cont" in message.msg
        assert "first in MIDDLEWARE" in str(message.hint)

    @pytest.mark.parametrize("middleware", [ContextMiddleware, Ours])
    def test_somebody_does(self, messages: Ask, middleware: type) -> None:
        with override_settings(
            SIGNALKIT={"CONTEXT": {"TRUSTED_PROXIES": ["10.0.0.1"]}},
            MIDDLEWARE=["not.imported", f"{middleware.__module__}.{middleware.__qualname__}"],
        ):
            assert messages("W016") == []

    @pytest.mark.parametrize("setting", [{}, {"CONTEXT": {}}])
    def test_nothing_is_said(self, messages: Ask, setting: object) -> None:
        with override_settings(SIGNALKIT=setting):
            assert messages("W016") == []
