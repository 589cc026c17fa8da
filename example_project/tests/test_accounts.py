"""Signing up, in and out."""

import pytest
from django.contrib.auth import get_user_model
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.test import Client
from django.urls import reverse

from accounts.guard import ATTEMPTS, must_wait
from accounts.models import Profile
from accounts.services import profile_of
from shop.factories import BookFactory, UserFactory
from signalkit.testing import run_on_commit

PASSWORD = "a quiet page"


@pytest.mark.django_db
class TestSigningUp:
    def test_makes_a_reader_who_is_welcomed_and_signed_in(self, client: Client) -> None:
        answer = client.post(
            reverse("sign-up"),
            {
                "username": "ada",
                "email": "ada@example.org",
                "password1": "wide awake 1815",
                "password2": "wide awake 1815",
                "newsletter": "on",
            },
        )
        run_on_commit()
        assert answer.headers["Location"] == reverse("shop:book-list")
        profile = Profile.objects.get(user__username="ada")
        assert (profile.kind, profile.newsletter) == (Profile.Kind.READER, True)
        assert [letter.to for letter in mail.outbox] == [["ada@example.org"]]
        assert "Welcome, ada." in client.get(reverse("shop:book-list")).text

    def test_is_welcomed_in_text_and_html(self) -> None:
        reader = UserFactory(username="ada")
        run_on_commit()
        (letter,) = mail.outbox
        assert isinstance(letter, EmailMultiAlternatives)
        assert (letter.to, letter.subject) == ([reader.email], "Welcome to The Quiet Page")
        assert letter.body.startswith("Dear ada,\n\nthe door is open.")
        ((html, kind),) = letter.alternatives
        assert (kind, "<em>Come in" in str(html)) == ("text/html", True)

    def test_without_an_address_is_not_welcomed_by_letter(self) -> None:
        UserFactory(email="")
        run_on_commit()
        assert mail.outbox == []

    def test_of_staff_makes_a_bookseller_who_gets_the_news(self) -> None:
        staff = get_user_model().objects.create_superuser("boss")
        assert staff.profile.kind == Profile.Kind.BOOKSELLER
        assert staff.profile.newsletter

    @pytest.mark.parametrize("kind", Profile.Kind)
    def test_in_the_admin_makes_one_profile(self, client: Client, kind: str) -> None:
        client.force_login(get_user_model().objects.create_superuser("boss"))
        form = {
            "username": "ada",
            "usable_password": "true",
            "password1": "wide awake 1815",
            "password2": "wide awake 1815",
            "profile-TOTAL_FORMS": 1,
            "profile-INITIAL_FORMS": 0,
            # As the form has it, which makes none; or chosen.
            "profile-0-kind": kind,
        }
        answer = client.post(reverse("admin:auth_user_add"), form)
        assert answer.status_code == 302
        assert Profile.objects.get(user__username="ada").kind == kind


@pytest.mark.django_db
class TestSigningIn:
    def test_brings_the_basket_back(self, client: Client) -> None:
        reader, book = UserFactory(), BookFactory()
        client.force_login(reader)
        client.post(reverse("shop:add-to-basket", args=[book.slug]))
        client.post(reverse("logout"))
        assert "It is empty" in client.get(reverse("shop:basket")).text
        client.post(reverse("login"), {"username": reader.username, "password": PASSWORD})
        page = client.get(reverse("shop:basket")).text
        assert book.get_absolute_url() in page

    def test_has_to_wait_after_too_many_attempts(self, client: Client) -> None:
        reader = UserFactory()
        for _ in range(ATTEMPTS):
            client.post(reverse("login"), {"username": reader.username, "password": "wrong"})
        right = {"username": reader.username, "password": PASSWORD}
        assert "Too many attempts" in client.post(reverse("login"), right).text

    def test_starts_the_count_anew(self, client: Client) -> None:
        reader = UserFactory()
        for _ in range(ATTEMPTS - 1):
            client.post(reverse("login"), {"username": reader.username, "password": "wrong"})
        client.post(reverse("login"), {"username": reader.username, "password": PASSWORD})
        client.post(reverse("login"), {"username": reader.username, "password": "wrong"})
        assert not must_wait(reader.username)

    def test_works_for_a_user_without_a_profile(self, client: Client) -> None:
        reader = UserFactory()
        Profile.objects.all().delete()
        client.force_login(reader)
        assert profile_of(reader).visits == 1


@pytest.mark.django_db
def test_a_wish_is_put_on_the_list_and_off_again(client: Client) -> None:
    reader, book = UserFactory(), BookFactory()
    client.force_login(reader)
    for wished in (True, False):
        client.post(reverse("wish", args=[book.slug]))
        assert profile_of(reader).wishlist.contains(book) is wished
