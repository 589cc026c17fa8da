"""E010, W030, W031, I030: receivers that make rows for others, profiles above all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db.models.signals import post_save
from django.test import override_settings

import signalkit
from signalkit.profiles.models import Profile
from signalkit.receivers import CreateProfile, EnsureRelated
from signalkit.receivers.profile import NAME, declare_profile_receiver
from tests.diagnosis.checks.conftest import Ask
from tests.receivers.related_models import Card, Customer, Firm, MemberProfile, Regular, Visit
from tests.wiring.project import Project


def declare(name: str, **body: Any) -> type[EnsureRelated[Any]]:
    body = {"__module__": __name__, "name": name, "sender": Customer, "related_model": Card, **body}
    made: type[EnsureRelated[Any]] = type("Declared", (EnsureRelated,), body)
    return made


class TestE010:
    @pytest.mark.parametrize(
        ("model", "message"),
        [
            ("testapp.Crad", "There is no model 'testapp.Crad'. Did you mean 'testapp.Card'?"),
            (Visit, "testapp.Visit has no OneToOneField to testapp.Customer"),
        ],
    )
    def test_one_that_was_declared_while_models_were_loaded(
        self, messages: Ask, monkeypatch: pytest.MonkeyPatch, model: Any, message: str
    ) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(apps, "models_ready", False)
            declare("lib.Wrong", related_model=model)
        declare("lib.Right")

        (found,) = messages("E010")

        assert str(found.obj) == "lib.Wrong"
        assert message in found.msg

    def test_of_other_apps(self, messages: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(apps, "models_ready", False)
            declare("lib.Wrong", related_model=Visit)

        assert messages("E010", "auth") == []


class TestW030:
    def test_two_for_one(self, messages: Ask) -> None:
        declare("lib.First")
        declare("lib.Second", sender=Regular)

        (found,) = messages("W030")

        assert str(found.obj) == "lib.Second"
        assert "as lib.First: whichever" in found.msg
        assert "let it replace the other" in str(found.hint)
        assert messages("W030", "auth") == []

    def test_the_one_of_signalkit(self, messages: Ask) -> None:
        with override_settings(SIGNALKIT={}):
            declare_profile_receiver()

            class Mine(CreateProfile[User]): ...

            (found,) = messages("W030")

        assert "Mine(..., replaces='signalkit.CreateProfile')" in str(found.hint)

    def test_different_ones(self, messages: Ask) -> None:
        one = declare("lib.First")
        declare("lib.Second", related_model=Firm)
        type(
            "Third",
            (one,),
            {"__module__": __name__, "name": "lib.Third"},
            replaces="lib.First",
        )
        declare("lib.Chosen", related_model=None, model_for=lambda self, owner: Card)

        assert messages("W030") == []

    def test_one_that_is_impossible(self, messages: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
        declare("lib.First")
        with monkeypatch.context() as patch:
            patch.setattr(apps, "models_ready", False)
            declare("lib.Wrong", related_model="testapp.Crad")

        assert messages("W030") == []


class TestW031:
    @pytest.fixture
    def no_app(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("signalkit.receivers.profile.APP", "not.installed")

    @pytest.mark.usefixtures("no_app")
    def test_a_receiver_without_a_model(self, messages: Ask) -> None:
        setting = {"PROFILE_RECEIVER": "signalkit.receivers.CreateProfile"}
        with override_settings(SIGNALKIT=setting):
            (found,) = messages("W031")

        assert "there is no model of profiles" in found.msg

    @pytest.mark.usefixtures("no_app")
    @pytest.mark.parametrize(
        "setting",
        [
            {},
            {"PROFILE_RECEIVER": None},
            {"PROFILE_RECEIVER": f"{__name__}.GivesACard"},
            {
                "PROFILE_RECEIVER": "signalkit.receivers.CreateProfile",
                "PROFILE_MODEL": Profile._meta.label,
            },
            {"PROFILE_RECEIVER": "there.is.None"},
        ],
    )
    def test_nothing_to_say(self, messages: Ask, setting: Any) -> None:
        with override_settings(SIGNALKIT=setting):
            assert messages("W031") == []

    def test_the_app_is_there(self, messages: Ask) -> None:
        setting = {"PROFILE_RECEIVER": "signalkit.receivers.CreateProfile"}
        with override_settings(SIGNALKIT=setting):
            assert messages("W031") == []


class GivesACard(EnsureRelated[Customer], abstract=True):
    sender = Customer
    related_model = Card


class TestE001:
    @pytest.mark.parametrize(
        ("setting", "message"),
        [
            ({"PROFILE_MODEL": "auth.Usr"}, "There is no model 'auth.Usr'. Did you mean 'auth.Us"),
            ({"PROFILE_RECEIVER": "there.is.None"}, "which cannot be imported"),
        ],
    )
    def test_settings_that_cannot_be_used(self, messages: Ask, setting: Any, message: str) -> None:
        with override_settings(SIGNALKIT=setting):
            (found,) = messages("E001")

        assert message in found.msg


class TestE003:
    def test_the_receiver_of_signalkit_need_not_be_there(self, messages: Ask) -> None:
        class Mine(CreateProfile[User], replaces=NAME): ...

        assert messages("E003") == []


def hears(**kwargs: Any) -> None: ...


MODELS = """
from django.conf import settings
from django.db import models

class AccountProfile(models.Model):
    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE)

class ProfileOfNobody(models.Model):
    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE)

class GroupProfile(models.Model):
    group = models.OneToOneField("auth.Group", models.CASCADE)
"""

PLAIN = """
from django.conf import settings
from django.db.models.signals import post_save
from django.dispatch import receiver

@receiver(post_save, sender=settings.AUTH_USER_MODEL)
def give_profile(**kwargs): ...
"""

SAY = """
django.setup()
from django.core import checks
said += [f"{each.obj._meta.label} {each.id} {each.hint}" for each in checks.run_checks()]
"""


class TestI030:
    """In a project of its own: what is not installed here has to be installed there."""

    AUTH = ("django.contrib.contenttypes", "django.contrib.auth", "signalkit")

    @pytest.fixture
    def project(self, tmp_path: Path) -> Project:
        project = Project(tmp_path)
        project.write({"accounts/models.py": MODELS})
        return project

    def test_here(self, messages: Ask) -> None:
        with override_settings(SIGNALKIT={}):
            (found,) = messages("I030")
            assert messages("I030", "auth") == []
            with override_settings(AUTH_USER_MODEL="nobody.User"):
                assert messages("I030") == []
            signalkit.receiver(post_save, sender=User, name="lib.hears", order=1)(hears)
            assert messages("I030") == []

        assert found.obj is MemberProfile

    def test_a_profile_that_nobody_makes(self, project: Project) -> None:
        (said,) = project.run(SAY, *self.AUTH, "accounts")

        assert said.startswith("accounts.AccountProfile signalkit.I030 To make one with each")
        assert "{'PROFILE_MODEL': 'accounts.AccountProfile'}" in said

    @pytest.mark.parametrize(
        "options", [{"PROFILE_RECEIVER": None}, {"PROFILE_MODEL": "accounts.AccountProfile"}]
    )
    def test_one_of_which_something_is_said(self, project: Project, options: Any) -> None:
        assert project.run(SAY, *self.AUTH, "accounts", options=options) == []

    def test_one_that_somebody_may_well_make(self, project: Project) -> None:
        project.write({"accounts/receivers.py": PLAIN})

        assert project.run(SAY, *self.AUTH, "accounts") == []

    def test_no_users(self, project: Project) -> None:
        assert project.run(SAY, "signalkit") == []
