"""The ``SIGNALKIT`` setting: each key, each mistake, and that it is followed live."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from signalkit import conf
from signalkit.conf import Autodiscover, Config, config, parse
from signalkit.exceptions import ConfigurationError


class TestParsing:
    def test_nothing_is_the_defaults(self) -> None:
        assert parse({}) == Config(
            ENABLED=True,
            DISABLED=(),
            AUTODISCOVER=Autodiscover(modules=("receivers",), apps=("project",)),
        )

    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ({"ENABLED": False}, Config(ENABLED=False)),
            ({"DISABLED": ["shop.a", "shop.b"]}, Config(DISABLED=("shop.a", "shop.b"))),
            ({"DISABLED": ("shop.a",)}, Config(DISABLED=("shop.a",))),
            ({"DISABLED": {"shop.a"}}, Config(DISABLED=("shop.a",))),
            ({"DISABLED": frozenset()}, Config()),
            ({"AUTODISCOVER": None}, Config(AUTODISCOVER=None)),
            ({"AUTODISCOVER": {}}, Config()),
            (
                {"AUTODISCOVER": {"MODULES": ["a", "b.c"]}},
                Config(AUTODISCOVER=Autodiscover(modules=("a", "b.c"))),
            ),
            (
                {"AUTODISCOVER": {"APPS": "shop"}},
                Config(AUTODISCOVER=Autodiscover(apps=("shop",))),
            ),
            (
                {"AUTODISCOVER": {"APPS": ["shop", "project"]}},
                Config(AUTODISCOVER=Autodiscover(apps=("shop", "project"))),
            ),
        ],
    )
    def test_what_is_right(self, given: Any, expected: Config) -> None:
        assert parse(given) == expected

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            (None, "SIGNALKIT is None; expected a dictionary."),
            ([("ENABLED", True)], "expected a dictionary."),
            (
                {"ENABLD": True},
                "SIGNALKIT has no key 'ENABLD'. Did you mean 'ENABLED'? It takes: EN",
            ),
            ({"enabled": True}, "SIGNALKIT has no key 'enabled'."),
            ({3: True}, "SIGNALKIT has no key 3."),
            ({"ENABLED": "False"}, "SIGNALKIT['ENABLED'] is 'False'; expected True or False."),
            ({"ENABLED": 1}, "expected True or False"),
            ({"DISABLED": "shop.a"}, "SIGNALKIT['DISABLED'] is 'shop.a'; expected a list of names"),
            ({"DISABLED": [1]}, "expected a list of names of receivers."),
            ({"DISABLED": None}, "expected a list of names of receivers."),
            ({"AUTODISCOVER": True}, "expected a dictionary such as {'MODULES': ['receivers'], 'A"),
            ({"AUTODISCOVER": ["shop"]}, "or None."),
            (
                {"AUTODISCOVER": {"MODULE": []}},
                "SIGNALKIT['AUTODISCOVER'] has no key 'MODULE'. Did you mean 'MODULES'? It",
            ),
            (
                {"AUTODISCOVER": {"MODULES": "receivers"}},
                "SIGNALKIT['AUTODISCOVER']['MODULES'] is 'receivers'; expected a list of mod",
            ),
            ({"AUTODISCOVER": {"MODULES": [None]}}, "expected a list of module names such as ["),
            (
                {"AUTODISCOVER": {"MODULES": ["receivers.py"]}},
                "expected module names: 'receivers', not 'receivers.py'.",
            ),
            ({"AUTODISCOVER": {"MODULES": [""]}}, "relative to each app, which '' is not"),
            ({"AUTODISCOVER": {"MODULES": ["a/b"]}}, "relative to each app, which 'a/b' is not"),
            ({"AUTODISCOVER": {"MODULES": [".a"]}}, "relative to each app, which '.a' is not"),
            (
                {"AUTODISCOVER": {"APPS": None}},
                "['APPS'] is None; expected 'project', the name or label of an app, or a list of",
            ),
            ({"AUTODISCOVER": {"APPS": [1]}}, "or a list of these."),
        ],
    )
    def test_what_is_wrong(self, given: Any, message: str) -> None:
        with pytest.raises(ConfigurationError) as error:
            parse(given)
        assert message in str(error.value)

    def test_is_an_error_of_djangos(self) -> None:
        with pytest.raises(ImproperlyConfigured):
            parse({"X": 1})


class TestReading:
    @pytest.fixture(autouse=True)
    def absent(self) -> Iterator[None]:
        """Begin without the setting, which the tests' own settings have."""
        with override_settings():
            del settings.SIGNALKIT
            conf._forget(setting="SIGNALKIT")
            yield
        conf._forget(setting="SIGNALKIT")

    def test_the_setting_may_be_absent(self) -> None:
        assert not hasattr(settings, "SIGNALKIT")
        assert config() == Config()

    def test_it_is_parsed_once(self) -> None:
        assert config() is config()

    def test_overrides_are_followed_and_undone(self) -> None:
        with override_settings(SIGNALKIT={"ENABLED": False}):
            assert not config().ENABLED
            with override_settings(SIGNALKIT={"DISABLED": ["a"]}):
                assert config() == Config(DISABLED=("a",))
            with override_settings(DEBUG=True):
                assert not config().ENABLED
            assert not config().ENABLED
        assert config() == Config()

    def test_a_wrong_override_is_refused_at_once(self) -> None:
        with (
            pytest.raises(ConfigurationError, match="Did you mean 'ENABLED'"),
            override_settings(SIGNALKIT={"ENABLD": False}),
        ):
            pass
        assert config() == Config()

    def test_forgotten_between_two_looks(self) -> None:
        """Another thread's override, before any line of it, never makes a reader see nothing."""

        def forget(frame: FrameType, event: str, arg: object) -> Any:
            if frame.f_code is config.__code__:
                conf._forget(setting="SIGNALKIT")
            return forget

        tracing = sys.gettrace()
        sys.settrace(forget)
        try:
            found = config()
        finally:
            sys.settrace(tracing)
        assert found == Config()
