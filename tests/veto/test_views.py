"""Generic views that show a veto, through real requests."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib import messages
from django.contrib.messages import get_messages
from django.contrib.messages.storage.cookie import CookieStorage
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_delete, pre_save
from django.test import AsyncClient, Client, RequestFactory

from signalkit import Veto
from signalkit.veto.notices import hold_notices
from tests.veto.conftest import Refuse, posted, written
from tests.veto.vetoapp.models import Book, Copy, Genre

pytestmark = [pytest.mark.urls("tests.veto.vetoapp.urls"), pytest.mark.django_db]

DATA = {"title": "Persuasion", "price": "7.00"}

INLINE_AND_AT_COMMIT = [
    pytest.param(False, id="inline"),
    pytest.param(True, id="at-commit"),
]


@pytest.fixture
def atomic_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)


def notices(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


class TestCreate:
    @pytest.mark.parametrize("address", ["/add/", "/ask/"])
    @pytest.mark.parametrize("signal", [pre_save, post_save], ids=["pre_save", "post_save"])
    def test_shows_the_form_again(
        self, client: Client, refuse: Refuse, address: str, signal: Any, committed: list[str]
    ) -> None:
        genre = Genre.objects.create(name="novel")
        refuse(signal, Book, {"price": "Too cheap.", "internal": "Hidden."})
        before = written()
        response = client.post(address, {**DATA, "genres": [genre.pk]})
        assert response.status_code == 200
        assert response.context["form"].errors == {
            "price": ["Too cheap."],
            "__all__": ["Hidden."],
        }
        assert b'value="Persuasion"' in response.content
        assert f'<option value="{genre.pk}" selected>' in response.text
        assert b"<h1>New</h1>" in response.content
        assert notices(response) == []
        assert written() == before

    def test_saves_when_nobody_refuses(self, client: Client) -> None:
        response = client.post("/add/", DATA)
        assert response.status_code == 302
        assert notices(response) == ["Persuasion is saved."]
        assert Book.objects.count() == 1

    def test_shows_an_empty_form(self, client: Client) -> None:
        assert b"<h1>New</h1>" in client.get("/add/").content

    def test_shows_ordinary_errors(self, client: Client, refuse: Refuse) -> None:
        refuse(pre_save, Book)
        response = client.post("/add/", {**DATA, "title": ""})
        assert response.context["form"].errors == {"title": ["This field is required."]}

    def test_many_to_many_rows_are_part_of_it(self, client: Client, refuse: Refuse) -> None:
        genre = Genre.objects.create(name="novel")
        refuse(m2m_changed, Book.genres.through)
        before = written()
        response = client.post("/add/", {**DATA, "genres": [genre.pk]})
        assert response.context["form"].non_field_errors() == ["Not today."]
        assert written() == before

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize("at_commit", INLINE_AND_AT_COMMIT)
    @pytest.mark.parametrize("address", ["/add/", "/ask/"])
    def test_in_autocommit(
        self, client: Client, refuse: Refuse, committed: list[str], at_commit: bool, address: str
    ) -> None:
        refuse(post_save, Book, at_commit=at_commit)
        before = written()
        response = client.post(address, DATA)
        assert response.context["form"].non_field_errors() == ["Not today."]
        assert b"<h1>New</h1>" in response.content
        assert notices(response) == []
        assert written() == before
        assert committed == []

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.usefixtures("atomic_requests")
    def test_with_atomic_requests(self, client: Client, refuse: Refuse) -> None:
        refuse(post_save, Book)
        before = written()
        response = client.post("/add/", DATA)
        assert response.context["form"].non_field_errors() == ["Not today."]
        assert written() == before

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.usefixtures("atomic_requests")
    def test_with_atomic_requests_a_veto_at_commit_propagates(
        self, client: Client, refuse: Refuse
    ) -> None:
        refuse(post_save, Book, at_commit=True)
        before = written()
        with pytest.raises(Veto):
            client.post("/add/", DATA)
        assert written() == before

    def test_leaves_the_open_transaction_usable(self, client: Client, refuse: Refuse) -> None:
        refuse(post_save, Book)
        with transaction.atomic():
            client.post("/add/", DATA)
            Genre.objects.create(name="afterwards")
        assert Genre.objects.count() == 1


class TestUpdate:
    @pytest.mark.parametrize("signal", [pre_save, post_save], ids=["pre_save", "post_save"])
    def test_shows_the_form_again(
        self, client: Client, refuse: Refuse, book: Book, signal: Any
    ) -> None:
        refuse(signal, Book, {"title": "Taken."})
        before = written()
        response = client.post(f"/change/{book.pk}/", DATA)
        assert response.status_code == 200
        assert response.context["form"].errors == {"title": ["Taken."]}
        assert response.context["object"].title == "Emma"
        assert f"<h1>Change {book.pk}</h1>" in response.text
        assert b'value="Persuasion"' in response.content
        assert notices(response) == []
        assert written() == before

    @pytest.mark.django_db(transaction=True)
    def test_refused_at_commit(self, client: Client, refuse: Refuse, book: Book) -> None:
        refuse(post_save, Book, at_commit=True)
        before = written()
        response = client.post(f"/change/{book.pk}/", DATA)
        assert response.context["form"].non_field_errors() == ["Not today."]
        assert written() == before


class TestDelete:
    @pytest.mark.parametrize("signal", [pre_delete, post_delete], ids=["pre", "post"])
    def test_asks_again_with_the_message(
        self, client: Client, refuse: Refuse, book: Book, signal: Any
    ) -> None:
        Copy.objects.create(book=book, shelf="A1")
        refuse(signal, Copy, "Lent out.")
        before = written()
        response = client.post(f"/delete/{book.pk}/")
        assert response.status_code == 200
        assert f"<h1>Delete {book.pk}</h1>" in response.text
        assert b"Lent out." in response.content
        assert written() == before

    @pytest.mark.django_db(transaction=True)
    def test_refused_at_commit(self, client: Client, refuse: Refuse, book: Book) -> None:
        refuse(post_delete, Book, at_commit=True)
        before = written()
        response = client.post(f"/delete/{book.pk}/")
        assert f"<h1>Delete {book.pk}</h1>" in response.text
        assert b"Not today." in response.content
        assert written() == before

    def test_deletes_when_nobody_refuses(self, client: Client, book: Book) -> None:
        assert client.post(f"/delete/{book.pk}/").status_code == 302
        assert not Book.objects.exists()

    def test_a_delete_request_has_no_form_to_show(
        self, client: Client, refuse: Refuse, book: Book
    ) -> None:
        refuse(pre_delete, Book)
        with pytest.raises(Veto):
            client.delete(f"/delete/{book.pk}/")


def test_a_veto_before_there_is_a_form_propagates(client: Client, refuse: Refuse) -> None:
    refuse(pre_save, Book)
    with pytest.raises(Veto):
        client.post("/never/", DATA)


def test_earlier_messages_stay() -> None:
    request = RequestFactory().get("/")
    request._messages = storage = CookieStorage(request)  # type: ignore[attr-defined]  # middleware
    messages.info(request, "before")
    take_back = hold_notices(request)
    messages.success(request, "saved")
    take_back()
    assert [str(message) for message in storage] == ["before"]


def test_without_the_messages_middleware() -> None:
    hold_notices(RequestFactory().get("/"))()


def test_async_handlers_are_refused(client: Client) -> None:
    with pytest.raises(ImproperlyConfigured, match="AsyncBook has async handlers"):
        client.post("/async-view/", DATA)


def test_a_function_view_with_a_form_and_a_formset(client: Client, refuse: Refuse) -> None:
    refuse(post_save, Copy, "Full.")
    before = written()
    response = client.post("/with-copies/", posted(copies=[{"shelf": "A1", "quantity": 1}]))
    assert response.context["copies"].non_form_errors() == ["Full."]
    assert b"<h1>New</h1>" in response.content
    assert written() == before


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("at_commit", INLINE_AND_AT_COMMIT)
def test_an_async_function_view(refuse: Refuse, at_commit: bool) -> None:
    refuse(post_save, Book, at_commit=at_commit)
    before = written()
    response = async_to_sync(AsyncClient().post)("/asynchronously/", DATA)
    assert response.context["form"].non_field_errors() == ["Not today."]
    assert written() == before
