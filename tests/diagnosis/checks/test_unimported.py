"""W012 to W014: what only the source can tell."""

from __future__ import annotations

import pytest
from django.test import override_settings

from tests.diagnosis.checks.conftest import Ask
from tests.diagnosis.conftest import Site

RECEIVER = """\
import signalkit
from django.db.models.signals import post_save

@signalkit.receiver(post_save, sender="testapp.Book", order=1)
def hear(**kwargs): ...
"""


class TestW012:
    def test_a_lambda_in_ready(self, messages: Ask, site: Site) -> None:
        module = site.load(
            "corner.wiring",
            "from django.db.models.signals import post_save\n"
            "def ready():\n    post_save.connect(lambda **kwargs: 0)\n",
        )

        (message,) = messages("W012")

        assert f"{module.__file__}:3 connects a lambda weakly" in message.msg
        assert message.obj == "corner.wiring"
        assert messages("W012", "auth") == []

    def test_a_module_that_connects_nothing(self, messages: Ask, site: Site) -> None:
        site.load("corner.wiring", "x = 1\n")

        assert messages("W012") == []


class TestW013:
    def test_an_app_outside_of_autodiscovery(self, messages: Ask, packages: Site) -> None:
        packages.install("lib")
        packages.write("lib/receivers.py", RECEIVER)

        (message,) = messages("W013")

        assert message.obj == "lib"
        assert "lib.receivers uses signalkit and was not imported" in message.msg
        assert message.hint is not None
        assert "'lib' to SIGNALKIT['AUTODISCOVER']['APPS']" in message.hint
        assert messages("W013", "auth") == []

    def test_a_package_of_receivers(self, messages: Ask, packages: Site) -> None:
        packages.install("lib")
        packages.write("lib/receivers/__init__.py", RECEIVER)

        assert len(messages("W013")) == 1

    def test_one_that_was_imported(self, messages: Ask, packages: Site) -> None:
        packages.install("lib")
        packages.load("lib.receivers", RECEIVER)

        assert messages("W013") == []

    def test_one_that_was_imported_by_a_path_with_dots(self, messages: Ask, packages: Site) -> None:
        packages.install("lib")
        module = packages.load("lib.receivers", RECEIVER)

        module.__file__ = f"{packages.folder}/lib/./../lib/receivers.py"

        assert messages("W013") == []

    def test_one_that_knows_nothing_of_signalkit(self, messages: Ask, packages: Site) -> None:
        packages.install("lib")
        packages.write("lib/receivers.py", "# not signalkit's\n")

        assert messages("W013") == []

    @pytest.mark.parametrize(
        "autodiscover", [{"APPS": ["testapp"]}, None], ids=["other apps", "off"]
    )
    def test_an_app_of_the_project_that_is_left_out(
        self, messages: Ask, site: Site, autodiscover: object
    ) -> None:
        site.write("corner/receivers.py", RECEIVER)

        with override_settings(SIGNALKIT={"AUTODISCOVER": autodiscover}):
            assert len(messages("W013")) == 1
            # Once is enough.
            assert messages("W014") == []

    def test_a_setting_that_is_not_usable_is_told_of_elsewhere(
        self, messages: Ask, site: Site
    ) -> None:
        site.write("corner/receivers.py", RECEIVER)

        with override_settings(SIGNALKIT={"AUTODISCOVER": {"APPS": ["nosuch"]}}):
            assert messages("W013") == []
            assert len(messages("E001")) == 1


class TestW014:
    def test_a_module_that_nothing_imports(self, messages: Ask, site: Site) -> None:
        file = site.write("corner/handlers.py", RECEIVER)

        (message,) = messages("W014")

        assert message.obj == "corner.handlers"
        assert f"{file}:5 declares a receiver, and nothing imports corner.handlers" in message.msg
        assert messages("W014", "auth") == []

    def test_one_that_was_imported(self, messages: Ask, site: Site) -> None:
        site.load("corner.handlers", RECEIVER)

        assert messages("W014") == []

    def test_one_that_is_imported_under_a_condition(self, messages: Ask, site: Site) -> None:
        site.write("corner/handlers.py", RECEIVER)
        site.write("corner/apps.py", "# handlers\nif 0:\n    from . import handlers\n")

        assert messages("W014") == []

    def test_one_that_is_only_spoken_of(self, messages: Ask, site: Site) -> None:
        site.write("corner/handlers.py", RECEIVER)
        site.write("corner/apps.py", "# see handlers\n")

        assert len(messages("W014")) == 1

    def test_one_that_declares_nothing(self, messages: Ask, site: Site) -> None:
        site.write("corner/handlers.py", "import signalkit\n")

        assert messages("W014") == []

    def test_an_app_inside_another(self, messages: Ask, site: Site) -> None:
        site.write("corner/inner/handlers.py", RECEIVER)
        site.install("corner.inner")

        (message,) = messages("W014")

        assert message.obj == "corner.inner.handlers"
