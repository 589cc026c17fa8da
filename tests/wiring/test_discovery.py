"""Which modules are imported at start-up: in projects of their own, with real packages."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps

from signalkit.conf import Autodiscover
from signalkit.discovery import autodiscover, chosen_apps, is_project_app
from signalkit.exceptions import ConfigurationError
from tests.wiring.project import Project

# Which receivers are there after the start.
NAMES = """
    django.setup()
    from signalkit.registry import registry
    said += [each.name for each in registry]
"""


def receiver(name: str = "f") -> str:
    return f"""
        import signalkit
        from django.core.signals import request_started

        @signalkit.receiver(request_started, order=1)
        def {name}(**kwargs):
            pass
    """


@pytest.fixture
def house(project: Project) -> Project:
    """Return a project with two apps of its own and two that are installed."""
    project.write(
        {
            "shop/receivers.py": receiver(),
            "shop/handlers.py": receiver("g"),
            "blog/receivers.py": receiver(),
            "blog/apps.py": """
            from django.apps import AppConfig

            class BlogConfig(AppConfig):
                name, label = "blog", "journal"
        """,
            "plain/models.py": "",
            "site:theirs/receivers.py": receiver(),
            "site:others/receivers.py": receiver(),
        }
    )
    return project


APPS = ("signalkit", "shop", "blog", "plain", "theirs", "others")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (None, ["shop.f", "journal.f"]),
        ({}, ["shop.f", "journal.f"]),
        ({"AUTODISCOVER": {}}, ["shop.f", "journal.f"]),
        ({"AUTODISCOVER": {"APPS": "project"}}, ["shop.f", "journal.f"]),
        ({"AUTODISCOVER": {"APPS": ["project"]}}, ["shop.f", "journal.f"]),
        ({"AUTODISCOVER": {"APPS": "theirs"}}, ["theirs.f"]),
        ({"AUTODISCOVER": {"APPS": ["theirs", "blog"]}}, ["journal.f", "theirs.f"]),
        ({"AUTODISCOVER": {"APPS": ["journal"]}}, ["journal.f"]),
        ({"AUTODISCOVER": {"APPS": ["project", "others"]}}, ["shop.f", "journal.f", "others.f"]),
        ({"AUTODISCOVER": {"APPS": []}}, []),
        ({"AUTODISCOVER": {"MODULES": []}}, []),
        (
            {"AUTODISCOVER": {"MODULES": ["handlers", "receivers"]}},
            ["shop.g", "shop.f", "journal.f"],
        ),
        ({"AUTODISCOVER": None}, []),
    ],
)
def test_every_form(house: Project, options: Any, expected: list[str]) -> None:
    """In the order of INSTALLED_APPS; a module that is not there is none."""
    assert house.run(NAMES, *APPS, options=options) == expected


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("shp", "Did you mean 'shop'?"),
        ("blog.apps.BlogConfig", "which is not in INSTALLED_APPS."),
        ("projct", "Did you mean 'project'?"),
    ],
)
def test_an_app_that_is_not_installed(house: Project, name: str, hint: str) -> None:
    said = house.run(NAMES, *APPS, options={"AUTODISCOVER": {"APPS": [name]}})
    assert said[0].startswith(
        f"ConfigurationError: SIGNALKIT['AUTODISCOVER']['APPS'] names '{name}'"
    )
    assert hint in said[0]


def test_what_a_module_raises_is_not_hidden(project: Project) -> None:
    project.write({"shop/receivers.py": "import missing_dependency"})
    assert project.run(NAMES, "signalkit", "shop") == [
        "ModuleNotFoundError: No module named 'missing_dependency'"
    ]
    project.write({"shop/receivers.py": "raise LookupError('at import')"})
    assert project.run(NAMES, "signalkit", "shop") == ["LookupError: at import"]


def test_modules_inside_packages_of_an_app(project: Project) -> None:
    options = {"AUTODISCOVER": {"MODULES": ["signals.receivers"]}}
    project.write({"shop/signals/receivers.py": receiver(), "blog/models.py": ""})
    assert project.run(NAMES, "signalkit", "shop", "blog", options=options) == ["shop.f"]
    project.write({"shop/signals/__init__.py": "import missing_dependency"})
    assert project.run(NAMES, "signalkit", "shop", options=options) == [
        "ModuleNotFoundError: No module named 'missing_dependency'"
    ]


def test_an_app_that_is_a_single_module(project: Project) -> None:
    project.write(
        {
            "single.py": """
            from django.apps import AppConfig

            class SingleConfig(AppConfig):
                name, path = "single", "."
        """
        }
    )
    assert project.run(NAMES, "signalkit", "single.SingleConfig") == []


def test_an_app_labelled_like_the_keyword(project: Project) -> None:
    project.write(
        {
            "site:theirs/receivers.py": receiver(),
            "site:theirs/apps.py": """
            from django.apps import AppConfig

            class TheirConfig(AppConfig):
                name, label = "theirs", "project"
        """,
            "shop/receivers.py": receiver(),
        }
    )
    assert project.run(NAMES, "signalkit", "theirs", "shop") == ["shop.f"]


class TestHere:
    """The same functions in this process."""

    def test_project_apps(self) -> None:
        assert is_project_app(apps.get_app_config("testapp"))
        assert not is_project_app(apps.get_app_config("auth"))
        assert not is_project_app(apps.get_app_config("signalkit"))

    def test_only_what_is_installed_without_a_directory_of_that_name(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        config = apps.get_app_config("testapp")
        monkeypatch.setattr("sysconfig.get_path", lambda key: str(config.path))
        assert not is_project_app(config)

    def test_none(self) -> None:
        assert autodiscover(None) == []
        assert [*chosen_apps(None)] == []

    def test_what_was_found_is_returned(self) -> None:
        found = autodiscover(
            Autodiscover(modules=("models", "views", "admin.x"), apps=("testapp",))
        )
        assert found == ["tests.testapp.models"]

    def test_an_unknown_app(self) -> None:
        with pytest.raises(ConfigurationError, match="Did you mean 'testapp'"):
            autodiscover(Autodiscover(apps=("project", "testap")))
