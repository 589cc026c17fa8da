"""Forms and formsets whose save a receiver refuses."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django.db import connections, transaction
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_delete, pre_save
from django.template import Context, Template

from signalkit import Veto
from signalkit.exceptions import TransactionAborted
from signalkit.veto.attempts import refusable
from signalkit.veto.forms import try_save
from tests.veto.conftest import Refuse, written
from tests.veto.vetoapp.forms import (
    BookForm,
    BookFormSet,
    CopyFormSet,
    PlainBookForm,
    PlainCopyFormSet,
)
from tests.veto.vetoapp.models import Book, Copy, Genre

pytestmark = pytest.mark.django_db


def rows(*given: dict[str, Any], prefix: str = "form") -> dict[str, Any]:
    data: dict[str, Any] = {
        f"{prefix}-TOTAL_FORMS": len(given),
        f"{prefix}-INITIAL_FORMS": sum("id" in row for row in given),
    }
    for index, row in enumerate(given):
        data |= {f"{prefix}-{index}-{name}": value for name, value in row.items()}
    return data


def fail(error: Exception) -> None:
    raise error


@pytest.fixture(params=[BookForm, PlainBookForm], ids=["with-mixin", "plain"])
def valid_form(request: pytest.FixtureRequest, db: None) -> Callable[..., Any]:
    """Return a valid form, of a class with the mixin or without."""

    def valid_form(instance: Book | None = None, **data: Any) -> Any:
        form = request.param({"title": "Persuasion", "price": "7", **data}, instance=instance)
        assert form.is_valid()
        return form

    return valid_form


class TestTrySave:
    def test_saves_the_form_and_its_many_to_many_data(self, valid_form: Callable[..., Any]) -> None:
        genre = Genre.objects.create(name="novel")
        form = valid_form(genres=[genre.pk])
        assert try_save(form) is True
        assert list(form.instance.genres.all()) == [genre]

    @pytest.mark.parametrize("signal", [pre_save, post_save], ids=["pre_save", "post_save"])
    def test_a_veto_becomes_an_error_once(
        self, valid_form: Callable[..., Any], refuse: Refuse, signal: Any, committed: list[str]
    ) -> None:
        refuse(signal, Book, {"price": ["Too cheap.", "Far too cheap."], "internal": "Hidden."})
        before = written()
        form = valid_form()
        assert try_save(form) is False
        assert form.errors == {
            "price": ["Too cheap.", "Far too cheap."],
            "__all__": ["Hidden."],
        }
        assert not form.is_valid()
        assert form["title"].value() == "Persuasion"
        assert written() == before

    def test_a_veto_of_the_many_to_many_rows_undoes_the_object(
        self, valid_form: Callable[..., Any], refuse: Refuse
    ) -> None:
        genre = Genre.objects.create(name="novel")
        refuse(m2m_changed, Book.genres.through)
        before = written()
        assert try_save(valid_form(genres=[genre.pk])) is False
        assert written() == before

    def test_the_new_instance_is_new_again(
        self, valid_form: Callable[..., Any], refuse: Refuse
    ) -> None:
        left = [True]
        refuse(post_save, Book, when=lambda keywords: bool(left and left.pop()))
        form = valid_form()
        assert try_save(form) is False
        assert form.instance.pk is None
        assert form.instance._state.adding
        assert form.instance._state.db is None
        form.instance.save()
        assert Book.objects.get().title == "Persuasion"

    def test_what_a_receiver_changed_on_the_instance_is_undone(
        self, valid_form: Callable[..., Any], refuse: Refuse
    ) -> None:
        def change(keywords: dict[str, Any]) -> bool:
            keywords["instance"].title = "changed"
            return True

        refuse(pre_save, Book, when=change)
        form = valid_form()
        assert try_save(form) is False
        assert form.instance.title == "Persuasion"

    def test_the_open_transaction_stays_usable(
        self, valid_form: Callable[..., Any], refuse: Refuse
    ) -> None:
        refuse(post_save, Book)
        with transaction.atomic():
            assert try_save(valid_form()) is False
            Genre.objects.create(name="afterwards")
        assert Genre.objects.count() == 1

    def test_several_forms_are_saved_all_or_none(
        self, valid_form: Callable[..., Any], refuse: Refuse
    ) -> None:
        refuse(post_save, Copy, {"shelf": "Full."})
        before = written()
        form = valid_form()
        copies = PlainCopyFormSet(
            rows({"shelf": "A1", "quantity": 1}, prefix="copies"), instance=form.instance
        )
        assert copies.is_valid()
        assert try_save(form, copies) is False
        assert form.errors == {}
        # A plain formset does not know which of its rows was refused.
        assert copies.non_form_errors() == ["Full."]
        assert written() == before

    def test_an_invalid_form_is_a_programming_error(self) -> None:
        with pytest.raises(ValueError, match="could not be created"):
            try_save(PlainBookForm({}))

    def test_what_cannot_show_a_veto_raises_it(self, refuse: Refuse) -> None:
        class Saver:
            def save(self) -> None:
                Book.objects.create(title="by hand")

        refuse(post_save, Book)
        before = written()
        with pytest.raises(Veto):
            try_save(Saver(), using="default")
        assert written() == before

    @pytest.mark.django_db(transaction=True)
    def test_a_veto_at_commit_is_shown_on_the_first_form(
        self, valid_form: Callable[..., Any], refuse: Refuse, committed: list[str]
    ) -> None:
        refuse(post_save, Copy, at_commit=True)
        before = written()
        form = valid_form()
        copies = CopyFormSet(
            rows({"shelf": "A1", "quantity": 1}, prefix="copies"), instance=form.instance
        )
        assert copies.is_valid()
        assert form.instance.pk is None
        assert try_save(form, copies) is False
        assert form.non_field_errors() == ["Not today."]
        assert form.instance.pk is None
        assert written() == before
        assert committed == []

    @pytest.mark.django_db(transaction=True)
    def test_inside_a_transaction_a_veto_at_commit_reaches_whoever_commits(
        self, valid_form: Callable[..., Any], refuse: Refuse
    ) -> None:
        refuse(post_save, Book, at_commit=True)
        before = written()
        with pytest.raises(Veto), transaction.atomic():
            assert try_save(valid_form()) is True
        assert written() == before

    @pytest.mark.django_db(databases=["default", "other"])
    def test_on_the_database_of_the_instance(
        self, valid_form: Callable[..., Any], refuse: Refuse
    ) -> None:
        book = Book.objects.using("other").create(title="Emma")
        refuse(post_save, Book)
        before = written("other")
        assert try_save(valid_form(book)) is False
        assert written("other") == before


class TestVetoForm:
    def form(self, **data: Any) -> BookForm:
        form = BookForm({"title": "Persuasion", "price": "7", **data})
        assert form.is_valid()
        return form

    def test_save_adds_the_errors_and_raises(self, refuse: Refuse) -> None:
        refuse(post_save, Book, {"title": "Taken."})
        before = written()
        form = self.form()
        with pytest.raises(Veto) as caught:
            form.save()
        assert form.veto is caught.value
        assert form.errors == {"title": ["Taken."]}
        assert form.instance.pk is None
        assert written() == before

    def test_save_returns_the_instance(self) -> None:
        form = self.form()
        assert form.save() == Book.objects.get()
        assert form.veto is None

    def test_save_without_commit_is_djangos(self, refuse: Refuse) -> None:
        refuse(pre_save, Book)
        form = self.form()
        assert form.save(commit=False).pk is None
        assert form.errors == {}

    def test_try_save(self, refuse: Refuse) -> None:
        assert self.form().try_save() is True
        refuse(post_save, Book)
        form = self.form()
        assert form.try_save() is False
        assert form.non_field_errors() == ["Not today."]

    def test_templates_do_not_save(self) -> None:
        form = self.form()
        Template("{{ form.save }}{{ form.try_save }}").render(Context({"form": form}))
        assert not Book.objects.exists()


class TestVetoFormSet:
    @pytest.fixture
    def books(self) -> list[Book]:
        return [Book.objects.create(title=title) for title in ("Emma", "Sanditon")]

    def formset(self, *given: dict[str, Any]) -> Any:
        formset = BookFormSet(rows(*given), queryset=Book.objects.order_by("pk"))
        assert formset.is_valid()
        return formset

    def test_saves(self, books: list[Book]) -> None:
        formset = self.formset(
            {"id": books[0].pk, "title": "E.", "price": 1},
            {"id": books[1].pk, "title": "S.", "price": 1, "DELETE": "on"},
            {"title": "New", "price": 1},
        )
        assert formset.try_save() is True
        assert [book.title for book in Book.objects.order_by("pk")] == ["E.", "New"]

    def test_a_refused_new_row(self, books: list[Book], refuse: Refuse) -> None:
        refuse(post_save, Book, {"title": "Taken."}, when=lambda keys: bool(keys["created"]))
        before = written()
        formset = self.formset(
            {"id": books[0].pk, "title": "E.", "price": 1},
            {"id": books[1].pk, "title": "S.", "price": 1},
            {"title": "New", "price": 1},
        )
        assert formset.try_save() is False
        assert formset.errors == [{}, {}, {"title": ["Taken."]}]
        assert not formset.is_valid()
        assert written() == before

    def test_a_refused_changed_row(self, books: list[Book], refuse: Refuse) -> None:
        refuse(pre_save, Book, when=lambda keywords: keywords["instance"] == books[1])
        before = written()
        formset = self.formset(
            {"id": books[0].pk, "title": "E.", "price": 1},
            {"id": books[1].pk, "title": "S.", "price": 1},
        )
        with pytest.raises(Veto):
            formset.save()
        assert formset.errors == [{}, {"__all__": ["Not today."]}]
        assert written() == before

    @pytest.mark.parametrize("signal", [pre_delete, post_delete], ids=["pre", "post"])
    def test_a_refused_deletion(self, books: list[Book], refuse: Refuse, signal: Any) -> None:
        refuse(signal, Book, when=lambda keywords: keywords["instance"] == books[1])
        before = written()
        formset = self.formset(
            {"id": books[0].pk, "title": "Emma", "price": 0, "DELETE": "on"},
            {"id": books[1].pk, "title": "Sanditon", "price": 0, "DELETE": "on"},
        )
        assert formset.try_save() is False
        assert formset.forms[1].non_field_errors() == ["Not today."]
        assert {"__all__": ["Not today."]} in formset.errors
        assert not formset.is_valid()
        # The first one was deleted before the second was refused.
        assert [form.instance.pk for form in formset.forms] == [book.pk for book in books]
        assert written() == before

    def test_save_without_commit_is_djangos(self, books: list[Book], refuse: Refuse) -> None:
        refuse(pre_save, Book)
        formset = self.formset({"title": "New", "price": 1})
        assert [book.title for book in formset.save(commit=False)] == ["New"]
        assert formset.is_valid()

    def test_an_inline_formset(self, books: list[Book], refuse: Refuse) -> None:
        refuse(post_save, Copy, {"shelf": "Full."}, when=lambda k: k["instance"].shelf == "B2")
        before = written()
        copies: Any = CopyFormSet(
            rows({"shelf": "A1", "quantity": 1}, {"shelf": "B2", "quantity": 1}, prefix="copies"),
            instance=books[0],
        )
        assert copies.is_valid()
        assert copies.try_save() is False
        assert copies.errors == [{}, {"shelf": ["Full."]}]
        assert written() == before

    def test_a_veto_in_a_formset_beside_a_form(self, refuse: Refuse) -> None:
        refuse(post_save, Copy, {"shelf": "Full."})
        form: Any = BookForm({"title": "Persuasion", "price": "7"})
        copies = CopyFormSet(
            rows({"shelf": "A1", "quantity": 1}, prefix="copies"), instance=form.instance
        )
        assert form.is_valid()
        assert copies.is_valid()
        assert form.try_save(copies) is False
        assert copies.errors == [{"shelf": ["Full."]}]
        assert form.errors == {}
        assert form.instance.pk is None


class TestRefusable:
    def test_other_errors_are_not_its_business(self) -> None:
        def work() -> None:
            with refusable("default"):
                Genre.objects.create(name="lost")
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            work()
        assert not Genre.objects.exists()

    def test_a_swallowed_error_is_not_lost_silently(self) -> None:
        def work() -> None:
            with refusable("default"):
                Genre.objects.create(name="lost")
                with suppress(ValueError), transaction.atomic(savepoint=False):
                    raise ValueError

        with pytest.raises(TransactionAborted, match="'default'"):
            work()
        assert not Genre.objects.exists()

    def test_a_transaction_that_was_lost_before_is_not_its_business(self) -> None:
        with transaction.atomic():
            transaction.set_rollback(True)
            with refusable("default") as attempt:
                pass
            assert attempt.veto is None
            assert transaction.get_rollback()

    def test_vetoes_of_several_async_receivers_become_one(self) -> None:
        group = ExceptionGroup(
            "two receivers",
            [Veto({"title": "Taken."}), ExceptionGroup("", [Veto("No."), Veto({"title": "Bad."})])],
        )
        with refusable("default") as attempt:
            fail(group)
        assert attempt.veto is not None
        assert attempt.veto.message_dict == {"title": ["Taken.", "Bad."], "__all__": ["No."]}

    def test_a_group_with_another_error_propagates(self) -> None:
        with pytest.raises(ExceptionGroup), refusable("default"):
            raise ExceptionGroup("two receivers", [Veto("No."), ValueError()])

    @pytest.mark.django_db(transaction=True, databases=["default", "other"])
    def test_a_veto_after_another_database_has_committed_propagates(self, refuse: Refuse) -> None:
        refuse(post_save, Genre, at_commit=True)

        def work() -> None:
            with refusable("default", "other"):
                Genre.objects.create(name="refused")
                Book.objects.using("other").create(title="committed first")

        with pytest.raises(Veto):
            work()
        assert not Genre.objects.exists()
        assert Book.objects.using("other").exists()

    @pytest.mark.django_db(transaction=True, databases=["default", "other"])
    def test_a_veto_of_the_first_commit_takes_all_databases_back(self, refuse: Refuse) -> None:
        refuse(post_save, Genre, at_commit=True)
        with refusable("other", "default") as attempt:
            Genre.objects.create(name="refused")
            Book.objects.using("other").create(title="taken back")
        assert attempt.veto is not None
        assert not Genre.objects.exists()
        assert not Book.objects.using("other").exists()

    @pytest.mark.django_db(transaction=True)
    def test_a_group_of_vetoes_after_commit_propagates(self) -> None:
        def too_late() -> None:
            raise ExceptionGroup("two callbacks", [Veto("No."), Veto("No.")])

        with pytest.raises(ExceptionGroup), refusable("default"):
            transaction.on_commit(too_late)

    @pytest.mark.django_db(transaction=True)
    def test_it_leaves_autocommit_on(self, refuse: Refuse) -> None:
        with refusable("default", "default"):
            assert connections["default"].savepoint_ids == []
            fail(Veto("No."))
        assert connections["default"].get_autocommit()
        assert not connections["default"].in_atomic_block
