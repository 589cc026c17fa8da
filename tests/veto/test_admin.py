"""Vetoes in the admin, through real requests, with the mixin and with the installer."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import django
import pytest
from asgiref.sync import async_to_sync
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.db.models.signals import (
    m2m_changed,
    post_delete,
    post_save,
    pre_delete,
    pre_save,
)
from django.test import AsyncClient, Client, RequestFactory

from signalkit import Veto
from tests.veto.conftest import Refuse, posted, written
from tests.veto.vetoapp.admin import (
    BookAdmin,
    VetoBookAdmin,
    VetoGenreAdmin,
    VetoNoteAdmin,
    guarded,
)
from tests.veto.vetoapp.models import Book, Copy, Genre, Note, Review

pytestmark = [pytest.mark.urls("tests.veto.vetoapp.urls"), pytest.mark.django_db]

Page = Callable[..., str]

INLINE_AND_AT_COMMIT = [
    pytest.param(False, id="inline"),
    pytest.param(True, id="at-commit"),
]


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path


def messages_of(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def context_of(response: Any) -> Any:
    assert response.status_code == 200
    return response.context


def row_form(response: Any, formset: int, index: int) -> Any:
    """Return one row of one inline of the page."""
    return context_of(response)["inline_admin_formsets"][formset].formset.forms[index]


class TestAdd:
    @pytest.mark.parametrize("signal", [pre_save, post_save], ids=["pre_save", "post_save"])
    def test_shows_the_form_again_with_the_message_and_what_was_typed(
        self, client: Client, page: Page, refuse: Refuse, signal: Any, committed: list[str]
    ) -> None:
        genre = Genre.objects.create(name="novel")
        refuse(signal, Book)
        before = written()
        response = client.post(
            page("add"),
            posted(genres=[genre.pk], copies=[{"shelf": "A1", "quantity": "3"}]),
        )
        form = context_of(response)["adminform"].form
        assert form.non_field_errors() == ["Not today."]
        assert b"Not today." in response.content
        assert b"Please correct the error below." in response.content
        assert b'value="Persuasion"' in response.content
        assert f'<option value="{genre.pk}" selected>' in response.text
        assert b'name="copies-0-shelf" value="A1"' in response.content
        assert b"As printed on the cover." in response.content
        assert written() == before
        assert committed == []
        assert messages_of(response) == []

    def test_leaves_the_open_transaction_usable(
        self, client: Client, page: Page, refuse: Refuse, settings: Any
    ) -> None:
        refuse(post_save, Book)
        with transaction.atomic():
            client.post(page("add"), posted())
            Genre.objects.create(name="afterwards")
        assert Genre.objects.filter(name="afterwards").exists()

    def test_shows_a_message_on_the_field_it_names(
        self, client: Client, page: Page, refuse: Refuse
    ) -> None:
        refuse(pre_save, Book, {"price": "Too cheap.", "internal": "Hidden.", "no_such": "Odd."})
        form = context_of(client.post(page("add"), posted()))["adminform"].form
        assert form.errors == {"price": ["Too cheap."], "__all__": ["Hidden.", "Odd."]}

    def test_saves_when_nobody_refuses(self, client: Client, page: Page) -> None:
        response = client.post(page("add"), posted(copies=[{"shelf": "A1", "quantity": "3"}]))
        assert response.status_code == 302
        assert Copy.objects.get().book == Book.objects.get()
        assert LogEntry.objects.count() == 1
        assert messages_of(response) != []

    def test_still_shows_ordinary_errors(self, client: Client, page: Page, refuse: Refuse) -> None:
        refuse(pre_save, Book)
        form = context_of(client.post(page("add"), posted(title="")))["adminform"].form
        assert form.errors == {"title": ["This field is required."]}

    def test_in_a_popup_stays_a_popup(self, client: Client, page: Page, refuse: Refuse) -> None:
        refuse(post_save, Book)
        before = written()
        response = client.post(page("add") + "?_popup=1", posted(_popup="1"))
        assert context_of(response)["is_popup"]
        assert b"Not today." in response.content
        assert b'name="_popup" value="1"' in response.content
        assert written() == before

    def test_of_a_copy_made_with_save_as_new(
        self, client: Client, page: Page, refuse: Refuse, book: Book
    ) -> None:
        refuse(post_save, Book)
        before = written()
        response = client.post(page("change", book.pk), posted(_saveasnew="1"))
        assert context_of(response)["show_save"] is False
        assert b"Not today." in response.content
        assert written() == before

    @pytest.mark.parametrize("handler", ["MemoryFileUploadHandler", "TemporaryFileUploadHandler"])
    def test_does_not_blame_the_uploaded_file(
        self, client: Client, page: Page, refuse: Refuse, settings: Any, handler: str
    ) -> None:
        settings.FILE_UPLOAD_HANDLERS = [f"django.core.files.uploadhandler.{handler}"]
        refuse(post_save, Book)
        cover = SimpleUploadedFile("cover.png", b"painted")
        form = context_of(client.post(page("add"), posted(cover=cover)))["adminform"].form
        assert form.errors == {"__all__": ["Not today."]}

    def test_reads_an_uploaded_file_from_its_beginning_both_times(
        self, client: Client, page: Page, refuse: Refuse, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[bytes] = []
        validators = [lambda file: seen.append(file.read())]
        monkeypatch.setattr(Book._meta.get_field("cover"), "validators", validators)
        refuse(post_save, Book)
        client.post(page("add"), posted(cover=SimpleUploadedFile("cover.png", b"painted")))
        assert seen == [b"painted", b"painted"]

    def test_does_not_ask_again_for_a_file_that_was_closed(
        self, client: Client, page: Page, refuse: Refuse, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Book._meta.get_field("cover"), "blank", False)

        def close(keywords: dict[str, Any]) -> bool:
            keywords["instance"].cover.file.close()
            return True

        refuse(pre_save, Book, when=close)
        cover = SimpleUploadedFile("cover.png", b"painted")
        form = context_of(client.post(page("add"), posted(cover=cover)))["adminform"].form
        assert form.errors == {"__all__": ["Not today."]}

    def test_with_an_admin_whose_response_changes_what_was_posted(
        self, client: Client, page: Page, refuse: Refuse
    ) -> None:
        refuse(post_save, User, {"username": "Reserved."})
        before = written()
        data = {
            "username": "anne",
            "usable_password": "true",
            "password1": "wentworth-8",
            "password2": "wentworth-8",
        }
        response = client.post(page("add", model="auth_user"), data)
        assert context_of(response)["adminform"].form.errors == {"username": ["Reserved."]}
        assert written() == before


@pytest.mark.django_db(databases=["default", "other"])
def test_an_admin_of_another_database(client: Client, page: Page, refuse: Refuse) -> None:
    refuse(post_save, Note, when=lambda keywords: keywords["instance"].text != "side effect")
    response = client.post(page("add", model="vetoapp_note"), {"text": "hello"})
    assert context_of(response)["adminform"].form.non_field_errors() == ["Not today."]
    assert Note.objects.using("other").count() == 0
    assert LogEntry.objects.count() == 0


class TestChange:
    @pytest.mark.parametrize("signal", [pre_save, post_save], ids=["pre_save", "post_save"])
    def test_shows_the_form_again(
        self, client: Client, page: Page, refuse: Refuse, book: Book, signal: Any
    ) -> None:
        refuse(signal, Book, {"title": "Taken."})
        before = written()
        response = client.post(page("change", book.pk), posted())
        assert context_of(response)["adminform"].form.errors == {"title": ["Taken."]}
        assert context_of(response)["original"] == book
        assert b'value="Persuasion"' in response.content
        assert written() == before

    def test_refused_by_what_save_related_writes(
        self, client: Client, page: Page, refuse: Refuse, book: Book
    ) -> None:
        novel, tale = (Genre.objects.create(name=name) for name in ("novel", "tale"))
        book.genres.add(novel)
        refuse(
            m2m_changed,
            Book.genres.through,
            {"genres": "Not that one."},
            when=lambda keywords: keywords["action"] == "post_add",
        )
        before = written()
        response = client.post(page("change", book.pk), posted(genres=[novel.pk, tale.pk]))
        assert context_of(response)["adminform"].form.errors == {"genres": ["Not that one."]}
        assert f'<option value="{tale.pk}" selected>' in response.text
        assert written() == before

    def test_refused_by_a_receiver_of_the_log(
        self, client: Client, page: Page, refuse: Refuse, book: Book
    ) -> None:
        refuse(post_save, LogEntry)
        before = written()
        response = client.post(
            page("change", book.pk), posted(copies=[{"shelf": "A1", "quantity": "1"}])
        )
        assert context_of(response)["adminform"].form.non_field_errors() == ["Not today."]
        assert written() == before

    def test_says_nothing_in_the_history(
        self, client: Client, page: Page, refuse: Refuse, book: Book
    ) -> None:
        refuse(post_save, Book)
        client.post(page("change", book.pk), posted())
        response = client.get(page("history", book.pk))
        assert list(context_of(response)["action_list"]) == []


class TestInlines:
    @pytest.fixture
    def copies(self, book: Book) -> list[Copy]:
        return [Copy.objects.create(book=book, shelf=shelf) for shelf in ("A1", "B2")]

    @pytest.fixture
    def rows(self, book: Book, copies: list[Copy]) -> list[dict[str, Any]]:
        return [
            {"id": copy.pk, "book": book.pk, "shelf": copy.shelf, "quantity": "1"}
            for copy in copies
        ]

    def test_an_added_row(
        self,
        client: Client,
        page: Page,
        refuse: Refuse,
        book: Book,
        rows: list[dict[str, Any]],
    ) -> None:
        refuse(post_save, Copy, {"shelf": "Full."}, when=lambda keywords: bool(keywords["created"]))
        before = written()
        rows[0]["quantity"] = "9"
        response = client.post(
            page("change", book.pk), posted(copies=[*rows, {"shelf": "C3", "quantity": "2"}])
        )
        assert row_form(response, 0, 2).errors == {"shelf": ["Full."]}
        assert row_form(response, 0, 0).errors == {}
        assert context_of(response)["adminform"].form.errors == {}
        assert len(context_of(response)["errors"]) == 1
        assert b"Please correct the error below." in response.content
        assert b'name="copies-2-shelf" value="C3"' in response.content
        assert b'name="copies-0-quantity" value="9"' in response.content
        assert written() == before

    def test_an_added_row_of_a_new_object(self, client: Client, page: Page, refuse: Refuse) -> None:
        refuse(pre_save, Copy, "No such shelf.")
        before = written()
        response = client.post(page("add"), posted(copies=[{"shelf": "Z9", "quantity": "2"}]))
        assert row_form(response, 0, 0).non_field_errors() == ["No such shelf."]
        assert written() == before

    def test_a_changed_row(
        self,
        client: Client,
        page: Page,
        refuse: Refuse,
        book: Book,
        rows: list[dict[str, Any]],
    ) -> None:
        refuse(pre_save, Copy, {"quantity": "Too many."})
        before = written()
        rows[1]["quantity"] = "9"
        response = client.post(page("change", book.pk), posted(copies=rows))
        assert row_form(response, 0, 1).errors == {"quantity": ["Too many."]}
        assert written() == before

    @pytest.mark.parametrize("signal", [pre_delete, post_delete], ids=["pre", "post"])
    def test_a_deleted_row(
        self,
        client: Client,
        page: Page,
        refuse: Refuse,
        book: Book,
        rows: list[dict[str, Any]],
        copies: list[Copy],
        signal: Any,
    ) -> None:
        refuse(signal, Copy, "Lent out.", when=lambda keys: keys["instance"].shelf == "B2")
        before = written()
        for row in rows:
            row["DELETE"] = "on"
        response = client.post(page("change", book.pk), posted(copies=rows))
        assert row_form(response, 0, 1).non_field_errors() == ["Lent out."]
        assert row_form(response, 0, 0).errors == {}
        assert len(context_of(response)["errors"]) == 1
        assert b"Lent out." in response.content
        assert response.text.count("checked") >= 2
        assert written() == before

    def test_a_row_of_the_second_inline(
        self, client: Client, page: Page, refuse: Refuse, book: Book
    ) -> None:
        refuse(post_save, Review, {"text": "Rude."})
        before = written()
        response = client.post(
            page("change", book.pk),
            posted(copies=[{"shelf": "A1", "quantity": "1"}], reviews=[{"text": "Tosh"}]),
        )
        assert row_form(response, 0, 0).errors == {}
        assert row_form(response, 1, 0).errors == {"text": ["Rude."]}
        assert written() == before

    def test_a_row_that_the_admin_saves_by_hand_is_shown_on_its_inline(
        self,
        client: Client,
        page: Page,
        refuse: Refuse,
        book: Book,
        monkeypatch: pytest.MonkeyPatch,
        site: str,
    ) -> None:
        def save_formset(self: Any, request: Any, form: Any, formset: Any, change: bool) -> None:
            for instance in formset.save(commit=False):
                instance.save()

        monkeypatch.setattr(BookAdmin, "save_formset", save_formset, raising=False)
        refuse(post_save, Review, {"text": "Rude."})
        response = client.post(page("change", book.pk), posted(reviews=[{"text": "Tosh"}]))
        formset = context_of(response)["inline_admin_formsets"][1].formset
        assert formset.non_form_errors() == ["Rude."]
        assert b"Rude." in response.content


class TestDelete:
    @pytest.mark.parametrize("signal", [pre_delete, post_delete], ids=["pre", "post"])
    def test_asks_again_with_the_message(
        self, client: Client, page: Page, refuse: Refuse, book: Book, signal: Any
    ) -> None:
        Copy.objects.create(book=book, shelf="A1")
        refuse(signal, Book, "Still on the shelf.")
        before = written()
        response = client.post(page("delete", book.pk), {"post": "yes"})
        assert context_of(response)["object"] == book
        assert response.context["title"] == "Delete" or "sure" in response.context["title"]
        assert b"Still on the shelf." in response.content
        assert b'<input type="hidden" name="post" value="yes">' in response.content
        assert written() == before

    def test_asks_again_when_a_related_row_is_refused(
        self, client: Client, page: Page, refuse: Refuse, book: Book
    ) -> None:
        Copy.objects.create(book=book, shelf="A1")
        refuse(post_delete, Copy, ["Lent out.", "Twice."])
        before = written()
        response = client.post(page("delete", book.pk), {"post": "yes"})
        assert response.status_code == 200
        assert b"Lent out." in response.content
        assert b"Twice." in response.content
        assert written() == before

    def test_leaves_the_open_transaction_usable(
        self, client: Client, page: Page, refuse: Refuse, book: Book
    ) -> None:
        Copy.objects.create(book=book, shelf="A1")
        refuse(pre_delete, Book)
        with transaction.atomic():
            client.post(page("delete", book.pk), {"post": "yes"})
            Genre.objects.create(name="afterwards")
        assert Genre.objects.count() == 1

    def test_in_a_popup_stays_a_popup(
        self, client: Client, page: Page, refuse: Refuse, book: Book
    ) -> None:
        refuse(pre_delete, Book)
        response = client.post(
            page("delete", book.pk), {"post": "yes", "_popup": "1", "_to_field": "id"}
        )
        assert context_of(response)["is_popup"]
        assert b"Not today." in response.content
        assert b'name="_popup" value="1"' in response.content
        assert b'name="_to_field" value="id"' in response.content

    def test_deletes_when_nobody_refuses(self, client: Client, page: Page, book: Book) -> None:
        assert client.get(page("delete", book.pk)).status_code == 200
        assert client.post(page("delete", book.pk), {"post": "yes"}).status_code == 302
        assert not Book.objects.exists()
        assert LogEntry.objects.count() == 1


class TestActions:
    @pytest.fixture
    def books(self, book: Book) -> list[Book]:
        return [book, Book.objects.create(title="Sanditon", price=5)]

    def act(self, client: Client, page: Page, books: list[Book], action: str, **more: Any) -> Any:
        data = {"action": action, ACTION_CHECKBOX_NAME: [book.pk for book in books], **more}
        return client.post(page("changelist"), data, follow=True)

    @pytest.mark.parametrize("signal", [pre_delete, post_delete], ids=["pre", "post"])
    def test_delete_selected(
        self, client: Client, page: Page, refuse: Refuse, books: list[Book], signal: Any
    ) -> None:
        refuse(signal, Book, "Unfinished.", when=lambda keys: keys["instance"] == books[1])
        before = written()
        response = self.act(client, page, books, "delete_selected", post="yes")
        assert response.status_code == 200
        assert response.redirect_chain == [(page("changelist"), 302)]
        assert b'<li class="error">Unfinished.</li>' in response.content
        assert b"Successfully" not in response.content
        assert written() == before

    def test_a_custom_action_leaves_nothing_half_done(
        self,
        client: Client,
        page: Page,
        refuse: Refuse,
        books: list[Book],
        committed: list[str],
    ) -> None:
        refuse(post_save, Book, "Unfinished.", when=lambda keys: keys["instance"] == books[1])
        before = written()
        response = self.act(client, page, books, "raise_prices", index="0")
        assert response.status_code == 200
        assert b'<li class="error">Unfinished.</li>' in response.content
        assert b"Emma costs" not in response.content
        assert written() == before
        assert committed == []

    def test_an_action_nobody_refuses(self, client: Client, page: Page, books: list[Book]) -> None:
        response = self.act(client, page, books, "raise_prices", index="0")
        assert b"Emma costs 6.00" in response.content
        assert [book.price for book in Book.objects.all()] == [6, 6]

    def test_an_unguarded_action_is_left_to_django(
        self, client: Client, page: Page, refuse: Refuse, books: list[Book]
    ) -> None:
        refuse(post_save, Book, "Unfinished.", when=lambda keys: keys["instance"] == books[1])
        with pytest.raises(Veto, match="Unfinished"):
            self.act(client, page, books, "raise_each_price", index="0")
        assert Book.objects.get(pk=books[0].pk).price == 6

    def test_an_action_that_swallows_an_error_does_not_lose_its_work_silently(
        self, client: Client, page: Page, refuse: Refuse, books: list[Book]
    ) -> None:
        from signalkit.exceptions import TransactionAborted

        refuse(pre_delete, Book, "Unfinished.", when=lambda keys: keys["instance"] == books[1])
        before = written()
        with pytest.raises(TransactionAborted, match="atomic"):
            self.act(client, page, books, "delete_what_can_be", index="0")
        assert written() == before

    def test_of_two_action_forms_the_one_whose_button_was_pushed_counts(
        self, client: Client, page: Page, refuse: Refuse, books: list[Book]
    ) -> None:
        refuse(post_save, Book)
        data = {
            "action": ["raise_each_price", "raise_prices"],
            ACTION_CHECKBOX_NAME: [book.pk for book in books],
        }
        for index in ("1", "-1", "9"):
            response = client.post(page("changelist"), {**data, "index": index}, follow=True)
            assert b"Not today." in response.content
        for index in ("0", "x"):
            with pytest.raises(Veto):
                client.post(page("changelist"), {**data, "index": index})

    def test_no_action_is_chosen(self, client: Client, page: Page, books: list[Book]) -> None:
        data = {"index": "0", ACTION_CHECKBOX_NAME: [book.pk for book in books]}
        for chosen in ({}, {"index": "x"}):
            response = client.post(page("changelist"), {**data, **chosen}, follow=True)
            assert b"No action selected." in response.content

    @pytest.mark.skipif(django.VERSION < (6, 1), reason="since Django 6.1")
    def test_an_action_of_the_change_form(
        self,
        client: Client,
        page: Page,
        refuse: Refuse,
        book: Book,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        self.offer_on_the_change_form(monkeypatch)
        refuse(post_save, Book)
        before = written()
        response = self.act_on_the_change_form(client, page, book)
        assert response.redirect_chain == [(page("change", book.pk), 302)]
        assert b'<li class="error">Not today.</li>' in response.content
        assert written() == before

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.skipif(django.VERSION < (6, 1), reason="since Django 6.1")
    def test_an_action_of_the_change_form_at_commit(
        self,
        client: Client,
        page: Page,
        refuse: Refuse,
        book: Book,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        self.offer_on_the_change_form(monkeypatch)
        refuse(post_save, Book, at_commit=True)
        before = written()
        response = self.act_on_the_change_form(client, page, book)
        assert response.redirect_chain == [(page("change", book.pk), 302)]
        assert b'<li class="error">Not today.</li>' in response.content
        assert b"Emma costs" not in response.content
        assert written() == before

    def offer_on_the_change_form(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from django.contrib.admin import options

        from tests.veto.vetoapp.admin import raise_prices

        locations = options.ActionLocation
        monkeypatch.setattr(raise_prices, "locations", list(locations), raising=False)

    def act_on_the_change_form(self, client: Client, page: Page, book: Book) -> Any:
        data = {"CHANGE_FORM-action": "raise_prices", ACTION_CHECKBOX_NAME: [book.pk]}
        return client.post(page("change", book.pk), data, follow=True)


class TestListEditable:
    @pytest.fixture
    def books(self, book: Book) -> list[Book]:
        return [book, Book.objects.create(title="Sanditon", price=5)]

    def edit(self, client: Client, page: Page, books: list[Book]) -> Any:
        data: dict[str, Any] = {"form-TOTAL_FORMS": 2, "form-INITIAL_FORMS": 2, "_save": "Save"}
        # The list is ordered by descending key.
        for index, book in enumerate(reversed(books)):
            data |= {f"form-{index}-id": book.pk, f"form-{index}-price": f"{book.pk + 100}.00"}
        return client.post(page("changelist"), data)

    @pytest.mark.parametrize("refused", [0, 1])
    def test_shows_the_list_again_with_the_message_at_its_row(
        self, client: Client, page: Page, refuse: Refuse, books: list[Book], refused: int
    ) -> None:
        refuse(
            post_save,
            Book,
            {"price": "Fixed."},
            when=lambda keys: keys["instance"] == books[refused],
        )
        before = written()
        response = self.edit(client, page, books)
        forms = context_of(response)["cl"].formset.forms
        assert {form.instance: dict(form.errors) for form in forms} == {
            books[refused]: {"price": ["Fixed."]},
            books[1 - refused]: {},
        }
        assert b"Fixed." in response.content
        assert b"Please correct the error below." in response.content
        for book in books:
            assert f'value="{book.pk + 100}.00"' in response.text
        assert written() == before

    def test_saves_when_nobody_refuses(self, client: Client, page: Page, books: list[Book]) -> None:
        assert self.edit(client, page, books).status_code == 302
        assert [book.price for book in Book.objects.order_by("pk")] == [
            Decimal(book.pk + 100) for book in books
        ]

    @pytest.mark.django_db(transaction=True)
    def test_refused_at_commit_shows_the_message_above_the_list(
        self, client: Client, page: Page, refuse: Refuse, books: list[Book]
    ) -> None:
        refuse(post_save, Book, at_commit=True)
        before = written()
        response = self.edit(client, page, books)
        formset = context_of(response)["cl"].formset
        assert formset.non_form_errors() == ["Not today."]
        assert b"Not today." in response.content
        assert b"changed successfully" not in response.content
        assert written() == before


@pytest.mark.django_db(transaction=True)
class TestInAutocommit:
    """Where the admin's own transaction is the outermost one, as on most sites."""

    @pytest.mark.parametrize("at_commit", INLINE_AND_AT_COMMIT)
    def test_add(
        self, client: Client, page: Page, refuse: Refuse, committed: list[str], at_commit: bool
    ) -> None:
        refuse(post_save, Book, {"price": "Too cheap."}, at_commit=at_commit)
        before = written()
        response = client.post(page("add"), posted(copies=[{"shelf": "A1", "quantity": "1"}]))
        assert context_of(response)["adminform"].form.errors == {"price": ["Too cheap."]}
        assert b"was added successfully" not in response.content
        assert b'name="copies-0-shelf" value="A1"' in response.content
        assert written() == before
        assert committed == []
        assert messages_of(response) == []

    @pytest.mark.parametrize("at_commit", INLINE_AND_AT_COMMIT)
    def test_change(
        self, client: Client, page: Page, refuse: Refuse, book: Book, at_commit: bool
    ) -> None:
        refuse(post_save, Book, at_commit=at_commit)
        before = written()
        response = client.post(page("change", book.pk), posted())
        assert context_of(response)["adminform"].form.non_field_errors() == ["Not today."]
        assert written() == before

    @pytest.mark.parametrize("at_commit", INLINE_AND_AT_COMMIT)
    def test_delete(
        self, client: Client, page: Page, refuse: Refuse, book: Book, at_commit: bool
    ) -> None:
        refuse(pre_delete, Book, at_commit=at_commit)
        before = written()
        response = client.post(page("delete", book.pk), {"post": "yes"})
        assert context_of(response)["object"] == book
        assert b"Not today." in response.content
        assert b"was deleted successfully" not in response.content
        assert written() == before

    @pytest.mark.parametrize("at_commit", INLINE_AND_AT_COMMIT)
    @pytest.mark.parametrize("action", ["delete_selected", "raise_prices"])
    def test_actions(
        self,
        client: Client,
        page: Page,
        refuse: Refuse,
        book: Book,
        action: str,
        at_commit: bool,
    ) -> None:
        refuse(pre_delete if action == "delete_selected" else pre_save, Book, at_commit=at_commit)
        before = written()
        data = {"action": action, "post": "yes", ACTION_CHECKBOX_NAME: [book.pk]}
        response = client.post(page("changelist"), data, follow=True)
        assert b'<li class="error">Not today.</li>' in response.content
        assert b'class="success"' not in response.content
        assert written() == before

    def test_the_user_admin_wraps_another_transaction_around(
        self, client: Client, page: Page, refuse: Refuse
    ) -> None:
        refuse(post_save, User, {"username": "Reserved."}, at_commit=True)
        before = written()
        data = {
            "username": "anne",
            "usable_password": "true",
            "password1": "wentworth-8",
            "password2": "wentworth-8",
        }
        response = client.post(page("add", model="auth_user"), data)
        assert context_of(response)["adminform"].form.errors == {"username": ["Reserved."]}
        assert "_continue" not in response.wsgi_request.POST
        assert written() == before

    def test_a_veto_that_comes_after_commit_is_an_error(self, client: Client, page: Page) -> None:
        def too_late(**keywords: Any) -> None:
            def veto() -> None:
                raise Veto("Too late.")

            transaction.on_commit(veto)

        post_save.connect(too_late, sender=Book)
        try:
            with pytest.raises(Veto, match="Too late"):
                client.post(page("add"), posted())
        finally:
            post_save.disconnect(too_late, sender=Book)
        assert Book.objects.count() == 1

    def test_with_atomic_requests_an_inline_veto_is_shown(
        self,
        client: Client,
        page: Page,
        refuse: Refuse,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        from django.db import connection

        monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
        refuse(post_save, Book)
        before = written()
        response = client.post(page("add"), posted())
        assert context_of(response)["adminform"].form.non_field_errors() == ["Not today."]
        assert written() == before

    def test_with_atomic_requests_a_veto_at_commit_propagates(
        self,
        client: Client,
        page: Page,
        refuse: Refuse,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        from django.db import connection

        monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
        refuse(post_save, Book, at_commit=True)
        before = written()
        with pytest.raises(Veto):
            client.post(page("add"), posted())
        assert written() == before


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("at_commit", INLINE_AND_AT_COMMIT)
def test_under_asgi(page: Page, refuse: Refuse, at_commit: bool) -> None:
    refuse(post_save, Book, at_commit=at_commit)
    browser = AsyncClient()
    browser.force_login(User.objects.create_superuser("root"))
    before = written()
    response = async_to_sync(browser.post)(page("add"), posted())
    assert context_of(response)["adminform"].form.non_field_errors() == ["Not today."]
    assert written() == before


def test_outside_the_pages_the_hooks_do_what_djangos_do(client: Client) -> None:
    model_admin = VetoBookAdmin(Book, guarded)
    request = RequestFactory().post("/")
    request.user = User.objects.get()
    form = model_admin.get_form(request)({"title": "Persuasion", "price": "7"})
    assert form.is_valid()
    book = model_admin.save_form(request, form, change=False)
    assert book.title == "Persuasion"
    assert model_admin.construct_change_message(request, form, []) == [
        {"changed": {"fields": ["Title", "Price"]}}
    ]
    assert [inline.model for _, inline in model_admin.get_formsets_with_inlines(request)] == [
        Copy,
        Review,
    ]


class LogElsewhere:
    """A router that keeps the log in another database."""

    def db_for_write(self, model: Any, **hints: Any) -> str | None:
        return "other" if model is LogEntry else None


def test_the_database_of_the_log_takes_part(settings: Any) -> None:
    request = RequestFactory().post("/")
    assert VetoBookAdmin(Book, guarded).get_veto_using(request) == ["default"]
    settings.DATABASE_ROUTERS = [LogElsewhere()]
    assert VetoBookAdmin(Book, guarded).get_veto_using(request) == ["other", "default"]
    assert VetoNoteAdmin(Note, guarded).get_veto_using(request) == ["default", "other"]


def test_an_admin_that_uses_another_one(
    client: Client, page: Page, refuse: Refuse, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[Any] = []

    def save_model(self: Any, request: Any, obj: Book, form: Any, change: bool) -> None:
        obj.save()
        inner = RequestFactory().post("/", {"name": "novel"})
        inner.user = request.user
        inner.csrf_processing_done = True  # type: ignore[attr-defined]  # by the middleware
        answers.append(VetoGenreAdmin(Genre, guarded).add_view(inner))

    monkeypatch.setattr(BookAdmin, "save_model", save_model, raising=False)
    refuse(pre_save, Genre)
    assert client.post(page("add"), posted()).status_code == 302
    assert Book.objects.count() == 1
    (answer,) = answers
    assert answer.context_data["adminform"].form.non_field_errors() == ["Not today."]


class TestAClassThatBuildsItsFormsItself:
    def test_raises_and_writes_nothing(
        self, client: Client, page: Page, refuse: Refuse, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from django.contrib.admin import ModelAdmin
        from django.http import HttpRequest, HttpResponse

        def changeform_view(self: Any, request: HttpRequest, *args: Any) -> HttpResponse:
            Book.objects.create(title="by hand")
            return HttpResponse("saved")

        monkeypatch.setattr(ModelAdmin, "changeform_view", changeform_view)
        # Refused once: the second pass could write.
        left = [True]
        refuse(post_save, Book, when=lambda keywords: bool(left and left.pop()))
        before = written()
        with pytest.raises(Veto, match="Not today"):
            client.post(page("add"), posted())
        assert written() == before
