"""The same admins twice: with the mixin on one site, as somebody else wrote them on another."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import AdminSite
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest

from signalkit.veto.admin import VetoAdminMixin
from tests.veto.vetoapp.generic import (
    AnyModelAdmin,
    AnyModelForm,
    AnyStackedInline,
    AnyTabularInline,
    AnyUserAdmin,
)
from tests.veto.vetoapp.models import Book, Copy, Genre, Note, Review

guarded = AdminSite(name="guarded")
plain = AdminSite(name="plain")


class CopyInline(AnyTabularInline):
    model = Copy
    extra = 1


class ReviewInline(AnyStackedInline):
    model = Review
    extra = 1


@admin.action(description="Raise the prices")
def raise_prices(
    model_admin: AnyModelAdmin, request: HttpRequest, queryset: QuerySet[Book]
) -> None:
    for book in queryset.order_by("pk"):
        book.price += 1
        book.save()
        model_admin.message_user(request, f"{book} costs {book.price}.", messages.SUCCESS)


@admin.action(description="Raise the prices, each on its own")
def raise_each_price(
    model_admin: AnyModelAdmin, request: HttpRequest, queryset: QuerySet[Book]
) -> None:
    raise_prices(model_admin, request, queryset)


@admin.action(description="Delete what can be deleted")
def delete_what_can_be(
    model_admin: AnyModelAdmin, request: HttpRequest, queryset: QuerySet[Book]
) -> None:
    for book in queryset.order_by("pk"):
        try:
            book.delete()
        except Exception as error:  # noqa: BLE001  # what many actions do
            model_admin.message_user(request, f"{book}: {error}", messages.WARNING)


@admin.action(description="Give away")
def give_away(model_admin: AnyModelAdmin, request: HttpRequest, queryset: QuerySet[Book]) -> None:
    queryset.update(price=0)
    model_admin.message_user(request, "All are free now.", messages.SUCCESS)


class BookAdmin(AnyModelAdmin):
    list_display = ("title", "price")
    list_editable = ("price",)
    save_as = True
    inlines = (CopyInline, ReviewInline)
    actions = (raise_prices, raise_each_price, delete_what_can_be, give_away)

    def get_form(
        self, request: HttpRequest, obj: Book | None = None, change: bool = False, **kwargs: Any
    ) -> type[AnyModelForm]:
        form = super().get_form(request, obj, change, **kwargs)
        if "title" in form.base_fields:
            form.base_fields["title"].help_text = "As printed on the cover."
        return form


class VetoBookAdmin(VetoAdminMixin, BookAdmin):
    veto_unguarded_actions = ("raise_each_price",)


class NoteAdmin(AnyModelAdmin):
    """As in Django's documentation of admins for several databases."""

    using = "other"

    def save_model(self, request: HttpRequest, obj: Note, form: Any, change: bool) -> None:
        obj.save(using=self.using)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Note]:
        return super().get_queryset(request).using(self.using)


class VetoNoteAdmin(VetoAdminMixin, NoteAdmin):
    pass


class VetoUserAdmin(VetoAdminMixin, AnyUserAdmin):
    pass


class GenreAdmin(AnyModelAdmin):
    pass


class VetoGenreAdmin(VetoAdminMixin, GenreAdmin):
    pass


def register(site: AdminSite, classes: dict[type[models.Model], Any]) -> None:
    for model, model_admin in classes.items():
        site.register(model, model_admin)


register(guarded, {Book: VetoBookAdmin, Note: VetoNoteAdmin, User: VetoUserAdmin})
register(guarded, {Genre: VetoGenreAdmin})
register(plain, {Book: BookAdmin, Note: NoteAdmin, User: UserAdmin, Genre: GenreAdmin})
