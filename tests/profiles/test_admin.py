"""The profile's inline on the page of its user, through the admin's own pages."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.signals import post_save
from django.test import Client
from django.urls import reverse

from signalkit.profiles.models import Profile
from signalkit.receivers import CreateProfile
from signalkit.registry import registry
from tests.profiles.site import WithProfile

pytestmark = [pytest.mark.urls("tests.profiles.site")]


@pytest.fixture
def admin(client: Client) -> Client:
    (root,) = User.objects.bulk_create([User(username="root", is_staff=True, is_superuser=True)])
    client.force_login(root)
    return client


def inline(profile: Profile | None = None, **fields: Any) -> dict[str, Any]:
    """Return what the browser posts from the inline."""
    posted = {f"profile-0-{name}": value for name, value in fields.items()}
    posted["profile-TOTAL_FORMS"] = 1
    posted["profile-INITIAL_FORMS"] = 0 if profile is None else 1
    if profile is not None:
        posted["profile-0-id"] = profile.pk
        posted["profile-0-user"] = profile.user_id
    return posted


def add(admin: Client, site: str = "with_profile", **posted: Any) -> Any:
    data = {
        "username": "ada",
        "usable_password": "true",
        "password1": "a long one 1",
        "password2": "a long one 1",
        **posted,
    }
    return admin.post(reverse(f"{site}:auth_user_add"), data)


def change(admin: Client, user: User, **posted: Any) -> Any:
    data = {
        "username": user.username,
        "date_joined_0": "2026-01-01",
        "date_joined_1": "00:00:00",
        **posted,
    }
    return admin.post(reverse("with_profile:auth_user_change", args=[user.pk]), data)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("receiver")
class TestAdd:
    def test_an_inline_that_is_filled_in(self, admin: Client) -> None:
        WithProfile.profiles_in_save_model.clear()
        created: list[bool] = []

        def hear(created: bool, **kwargs: Any) -> None:
            heard.append(created)

        heard = created
        post_save.connect(hear, sender=Profile)
        try:
            response = add(admin, **inline(display_name="Ada", about="Countess"))
        finally:
            post_save.disconnect(hear, sender=Profile)

        assert response.status_code == 302, response.content
        profile = Profile.objects.get()
        assert (profile.user.username, profile.display_name, profile.about) == (
            "ada",
            "Ada",
            "Countess",
        )
        assert WithProfile.profiles_in_save_model == ["Ada"]
        # Made once, and never overwritten.
        assert created == [True]

    def test_an_empty_inline(self, admin: Client) -> None:
        assert add(admin, **inline(display_name="", about="")).status_code == 302

        assert Profile.objects.get().user.username == "ada"

    def test_no_inline_on_the_page(self, admin: Client) -> None:
        nothing: dict[str, Any] = {"profile-TOTAL_FORMS": 0, "profile-INITIAL_FORMS": 0}
        assert add(admin, **nothing).status_code == 302

        assert Profile.objects.get().user.username == "ada"

    def test_an_inline_with_a_mistake(self, admin: Client) -> None:
        response = add(admin, **inline(display_name="x" * 200))

        assert response.status_code == 200
        assert b"at most 150 characters" in response.content
        assert not User.objects.filter(username="ada").exists()
        assert not Profile.objects.exists()

    def test_an_admin_that_saves_by_hand(self, admin: Client) -> None:
        assert add(admin, "by_hand", **inline(display_name="Ada")).status_code == 302

        assert Profile.objects.values_list("display_name", "about").get() == ("Ada", "by root")

    def test_an_inline_that_is_filled_in_and_then_dropped(self, admin: Client) -> None:
        response = add(admin, "deletable", **inline(display_name="Ada", DELETE="on"))

        assert response.status_code == 302
        assert Profile.objects.values_list("user__username", "display_name").get() == ("ada", "")

    def test_the_hooks_make_what_nobody_brings(self, admin: Client) -> None:
        registry.remove(registry.get("signalkit.CreateProfile"))

        class Named(CreateProfile[User]):
            def defaults_for(self, owner: User) -> dict[str, Any]:
                return {"display_name": owner.username.title(), "about": "new"}

        add(admin, **inline(display_name="", about=""))
        add(admin, username="bo", **inline(display_name="Bo the Great"))

        assert list(Profile.objects.order_by("pk").values_list("display_name", "about")) == [
            ("Ada", "new"),
            ("Bo the Great", ""),
        ]


@pytest.mark.django_db
@pytest.mark.usefixtures("receiver")
def test_in_a_testcase(admin: Client) -> None:
    assert add(admin, **inline(display_name="Ada")).status_code == 302

    assert Profile.objects.get().display_name == "Ada"


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("receiver")
class TestChange:
    @pytest.fixture
    def user(self) -> User:
        User.objects.bulk_create([User(username="ada")])
        return User.objects.get(username="ada")

    @pytest.fixture
    def healed(self, receiver: None) -> None:
        registry.remove(registry.get("signalkit.CreateProfile"))

        class Healed(CreateProfile[User]):
            created = None

    def test_a_user_without_a_profile_gets_that_of_the_inline(
        self, admin: Client, user: User
    ) -> None:
        assert change(admin, user, **inline(display_name="Ada")).status_code == 302

        assert Profile.objects.get().display_name == "Ada"

    @pytest.mark.usefixtures("healed")
    def test_also_where_each_save_makes_what_is_missing(self, admin: Client, user: User) -> None:
        assert change(admin, user, **inline(display_name="Ada")).status_code == 302

        assert Profile.objects.get(user=user).display_name == "Ada"

    @pytest.mark.usefixtures("healed")
    def test_and_where_the_inline_is_empty(self, admin: Client, user: User) -> None:
        # The page's own save_model() reads the profile.
        assert change(admin, user, **inline(display_name="")).status_code == 302

        assert Profile.objects.get(user=user).display_name == ""

    def test_a_profile_that_is_there(self, admin: Client) -> None:
        user = User.objects.create_user("ada")
        posted = inline(user.profile, display_name="Ada")
        assert change(admin, user, **posted).status_code == 302

        assert Profile.objects.get() == user.profile
        assert Profile.objects.get().display_name == "Ada"

    def test_a_page_that_was_fetched_before_there_was_one(self, admin: Client, user: User) -> None:
        """Somebody else made it meanwhile: Django says so, and nothing is overwritten."""
        Profile.objects.create(user=user, display_name="Meanwhile")
        response = change(admin, user, **inline(display_name="Ada"))

        assert "Profile with this User already exists." in str(response.context["errors"])
        assert Profile.objects.get().display_name == "Meanwhile"
