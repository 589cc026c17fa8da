"""CreateProfile: which model, which receiver, and which users."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import override_settings

from signalkit.conf import parse
from signalkit.exceptions import ConfigurationError, NameClash
from signalkit.profiles.models import Profile
from signalkit.receivers import CreateProfile
from signalkit.receivers.profile import NAME, declare_profile_receiver
from signalkit.registry import registry
from tests.wiring.project import ROOT, Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path)
    project.write({"accounts/models.py": MODELS})
    return project


AUTH = ("django.contrib.contenttypes", "django.contrib.auth")

MODELS = """
from django.conf import settings
from django.db import models

class AccountProfile(models.Model):
    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE)
    city = models.CharField(max_length=20, default="nowhere")
"""

SAY = """
from django.core.management import call_command
from django.contrib.auth import get_user_model
django.setup()
call_command("migrate", run_syncdb=True, verbosity=0)
User = get_user_model()
user = User.objects.create(**{User.USERNAME_FIELD: "ada@example.org"})
from signalkit.registry import registry
said += [sorted(each.name for each in registry)]
"""

OF_THE_ACCOUNT = (
    SAY + 'said += [getattr(user, "accountprofile", None) and user.accountprofile.city]'
)

OWN = """
from signalkit.receivers import CreateProfile

class GiveProfile(CreateProfile{options}):
    related_model = "accounts.AccountProfile"

    def defaults_for(self, owner):
        return {{"city": "Turin"}}
"""


class TestWhichModel:
    def test_that_of_the_app(self, project: Project) -> None:
        said = project.run(
            f"{SAY}\nsaid.append(user.profile._meta.label)",
            *AUTH,
            "signalkit",
            "signalkit.profiles",
        )
        assert said == [[NAME], "signalkit_profiles.Profile"]

    def test_that_of_the_settings(self, project: Project) -> None:
        said = project.run(
            OF_THE_ACCOUNT,
            *AUTH,
            "signalkit",
            "signalkit.profiles",
            "accounts",
            options={"PROFILE_MODEL": "accounts.AccountProfile"},
        )
        assert said == [[NAME], "nowhere"]

    def test_none(self, project: Project) -> None:
        said = project.run(f"{SAY}\nsaid.append(str(hasattr(user, 'profile')))", *AUTH, "signalkit")
        assert said == [[], "False"]

    def test_no_users_at_all(self, project: Project) -> None:
        said = project.run(
            "django.setup()\nfrom signalkit.registry import registry\nsaid += [*registry]",
            "signalkit",
        )
        assert said == []

    @pytest.mark.parametrize(
        ("model", "message"),
        [
            (
                "accounts.Profile",
                "SIGNALKIT['PROFILE_MODEL'] cannot be used: There is no model 'accounts.Profile'.",
            ),
            ("auth.Group", "cannot be used: auth.Group has no OneToOneField to auth.User"),
        ],
    )
    def test_one_that_cannot_be_used(self, project: Project, model: str, message: str) -> None:
        (said,) = project.run(
            "django.setup()", *AUTH, "accounts", "signalkit", options={"PROFILE_MODEL": model}
        )
        assert said.startswith("ConfigurationError: ")
        assert message in said


class TestWhichReceiver:
    def test_one_that_replaces_it(self, project: Project) -> None:
        project.write({"accounts/receivers.py": OWN.format(options=f", replaces='{NAME}'")})
        said = project.run(OF_THE_ACCOUNT, *AUTH, "signalkit", "signalkit.profiles", "accounts")

        assert said == [["accounts.GiveProfile", NAME], "Turin"]

    def test_one_that_would_replace_it_where_it_is_not(self, project: Project) -> None:
        project.write({"accounts/receivers.py": OWN.format(options=f", replaces='{NAME}'")})
        said = project.run(
            f"{OF_THE_ACCOUNT}\ncall_command('check', fail_level='INFO')",
            *AUTH,
            "signalkit",
            "accounts",
        )
        assert said == [["accounts.GiveProfile"], "Turin"]

    @pytest.mark.parametrize(
        ("options", "name"), [("", "accounts.GiveProfile"), (", abstract=True", NAME)]
    )
    def test_one_that_the_settings_name(self, project: Project, options: str, name: str) -> None:
        """A receiver is it; of an abstract class one is made."""
        project.write({"accounts/profiles.py": OWN.format(options=options)})
        said = project.run(
            OF_THE_ACCOUNT,
            *AUTH,
            "signalkit",
            "signalkit.profiles",
            "accounts",
            options={"PROFILE_RECEIVER": "accounts.profiles.GiveProfile"},
        )
        assert said == [[name], "Turin"]

    def test_nobody(self, project: Project) -> None:
        said = project.run(
            f"{SAY}\nsaid.append(str(hasattr(user, 'profile')))",
            *AUTH,
            "signalkit",
            "signalkit.profiles",
            options={"PROFILE_RECEIVER": None},
        )
        assert said == [[], "False"]

    @pytest.mark.parametrize(
        ("path", "message"),
        [
            ("accounts.profiles.GiveProfile", "which cannot be imported: No module named"),
            ("accounts.models.GiveProfile", "does not define a"),
            ("accounts.models.AccountProfile", "which is no class that inherits from signalkit."),
        ],
    )
    def test_one_that_cannot_be_used(self, project: Project, path: str, message: str) -> None:
        (said,) = project.run(
            "django.setup()", *AUTH, "accounts", "signalkit", options={"PROFILE_RECEIVER": path}
        )
        assert said.startswith(f"ConfigurationError: SIGNALKIT['PROFILE_RECEIVER'] is '{path}'")
        assert message in said


class TestWhichUsers:
    EMAIL = """
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.db import models

    class Member(AbstractBaseUser):
        email = models.EmailField(unique=True)
        USERNAME_FIELD = "email"

    class Editor(Member):
        class Meta:
            proxy = True

    class Author(Member):
        pen_name = models.CharField(max_length=20)
    """

    def test_of_a_model_of_ones_own(self, project: Project) -> None:
        """Without a user name; with a proxy and a child; in the admin too."""
        project.write({"members/models.py": self.EMAIL})
        script = f"""{SAY}
from members.models import Author, Editor
from signalkit.profiles.models import Profile
said += [str(user.profile), str(Editor.objects.create(email="e").profile)]
said += [str(Author.objects.create(email="a", pen_name="A").profile), Profile.objects.count()]
from django.contrib import admin
said += [admin.site.get_model_admin(Profile).search_fields[1]]
call_command("check", fail_level="INFO")
call_command("makemigrations", "signalkit_profiles", check=True, dry_run=True, verbosity=0)
"""
        said = project.run(
            script,
            "django.contrib.admin",
            *AUTH,
            "django.contrib.messages",
            "django.contrib.sessions",
            "signalkit",
            "signalkit.profiles",
            "members",
            AUTH_USER_MODEL="members.Member",
            MIDDLEWARE=[
                "django.contrib.sessions.middleware.SessionMiddleware",
                "django.contrib.auth.middleware.AuthenticationMiddleware",
                "django.contrib.messages.middleware.MessageMiddleware",
            ],
            TEMPLATES=[
                {
                    "BACKEND": "django.template.backends.django.DjangoTemplates",
                    "OPTIONS": {
                        "context_processors": [
                            "django.template.context_processors.request",
                            "django.contrib.auth.context_processors.auth",
                            "django.contrib.messages.context_processors.messages",
                        ]
                    },
                }
            ],
        )
        assert said == [[NAME], "ada@example.org", "e", "a", 3, "user__email"]


@pytest.mark.django_db
class TestInOneProcess:
    def test_it_is_declared_once(self) -> None:
        """INSTALLED_APPS is overridden in tests, and signalkit is wired each time."""
        with override_settings(SIGNALKIT={}):
            declare_profile_receiver()
            declare_profile_receiver()

        assert NAME in registry

    def test_nothing_is_declared_without_a_model(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("signalkit.receivers.profile.APP", "not.installed")
        with override_settings(SIGNALKIT={}):
            declare_profile_receiver()

        assert NAME not in registry

    def test_the_model_follows_the_settings(self) -> None:
        with override_settings(SIGNALKIT={}):
            declare_profile_receiver()
            user = User.objects.create(username="ada")
        assert user.profile == Profile.objects.get()

    def test_the_class_stands_for_the_receiver(self) -> None:
        with override_settings(SIGNALKIT={}):
            declare_profile_receiver()

            class Mine(CreateProfile[User], replaces=CreateProfile):
                def defaults_for(self, owner: User) -> dict[str, Any]:
                    return {"display_name": "mine"}

            User.objects.create(username="ada")

        assert registry.replaced_by()[registry.get(NAME)].name.endswith(".Mine")
        assert Profile.objects.get().display_name == "mine"

    def test_two_that_replace_it(self) -> None:
        class Mine(CreateProfile[User], replaces=NAME): ...

        with pytest.raises(NameClash, match=rf"both replace '{NAME}'"):

            class Theirs(CreateProfile[User], replaces=NAME): ...

    def test_a_receiver_that_is_no_profile(self) -> None:
        with (
            override_settings(SIGNALKIT={"PROFILE_RECEIVER": "signalkit.ModelReceiver"}),
            pytest.raises(ConfigurationError, match="which is no class that inherits"),
        ):
            declare_profile_receiver()

    def test_the_profile_is_called_as_its_user_or_as_it_says(self) -> None:
        user = User(username="ada")

        assert str(Profile(user=user)) == "ada"
        assert str(Profile(user=user, display_name="Ada L.")) == "Ada L."


def test_importing_needs_neither_settings_nor_models() -> None:
    code = (
        "import signalkit.receivers; from django.apps import apps; "
        "from django.conf import settings; "
        "assert not settings.configured and not apps.apps_ready and not apps.all_models"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=ROOT, check=True)


def conf_error(given: dict[str, Any]) -> str:
    with pytest.raises(ConfigurationError) as error:
        parse(given)
    return str(error.value)


@pytest.mark.parametrize("value", ["Profile", 3, "a.b.c", "", "accounts.", Profile])
def test_a_model_that_is_no_label(value: Any) -> None:
    message = conf_error({"PROFILE_MODEL": value})
    assert "expected 'app_label.ModelName', or None." in message


@pytest.mark.parametrize("value", ["GiveProfile", 3, False, "accounts receivers", CreateProfile])
def test_a_receiver_that_is_no_path(value: Any) -> None:
    message = conf_error({"PROFILE_RECEIVER": value})
    assert "expected the dotted path of a class, such as 'accounts.receivers.Give" in message
