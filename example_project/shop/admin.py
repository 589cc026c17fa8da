"""The admin's pages of the shop."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

import signalkit
from signalkit.veto.admin import VetoAdminMixin

from .models import Author, Book, Order, OrderLine, SearchTerm, Tag
from .services import publish_book, restock_books, ship_order, withdraw_book

PARCEL = 5
"""Copies of a book that publishers send at once."""


def report(
    model_admin: admin.ModelAdmin, request: HttpRequest, done: int, what: str, before: int
) -> None:
    """Tell in one message what came of an action.

    Args:
        model_admin: whose action it is.
        request: of the action.
        done: how many rows it changed.
        what: how they are now.
        before: how many were so before.
    """
    options = model_admin.opts
    name = options.verbose_name if done == 1 else options.verbose_name_plural
    text = f"{done or 'No'} {name} {what}"
    if before:
        text += f"; {before} already {'was' if before == 1 else 'were'}"
    level = messages.SUCCESS if done else messages.WARNING
    model_admin.message_user(request, f"{text}.", level)


@admin.register(Author)
class AuthorAdmin(VetoAdminMixin, admin.ModelAdmin):
    """Those who write. Whom a receiver keeps from being deleted stays, and the page says why."""

    list_display = ["name", "years"]
    search_fields = ["name"]
    prepopulated_fields = {"slug": ["name"]}


@admin.register(Tag)
class TagAdmin(admin.ModelAdmin):
    """Words to look for."""

    search_fields = ["name"]
    prepopulated_fields = {"slug": ["name"]}


@admin.register(Book)
class BookAdmin(VetoAdminMixin, admin.ModelAdmin):
    """The catalogue. A receiver's veto is shown on the form, as an error of the field it names."""

    list_display = ["title", "author", "price", "stock", "sold", "status"]
    list_filter = ["status", "tags"]
    list_select_related = ["author"]
    search_fields = ["title", "author__name"]
    autocomplete_fields = ["author"]
    filter_horizontal = ["tags"]
    prepopulated_fields = {"slug": ["title"]}
    readonly_fields = ["sold", "published_at"]
    actions = ["publish", "withdraw", "restock"]

    def view_on_site(self, obj: Any) -> str | None:
        """Lead to the page of a book that has one; a draft has none."""
        return obj.get_absolute_url() if obj.is_published else None

    @admin.action(description="Publish the selected books", permissions=["change"])
    def publish(self, request: HttpRequest, queryset: QuerySet[Book]) -> None:
        """Put each on the shelf, and say which cannot be."""
        drafts = [book for book in queryset if not book.is_published]
        published = 0
        for book in drafts:
            try:
                publish_book(book)
            except signalkit.Veto as veto:
                self.message_user(request, f"{book}: {' '.join(veto.messages)}", messages.ERROR)
            else:
                published += 1
        report(self, request, published, "published", len(queryset) - len(drafts))

    @admin.action(description="Take the selected books off the shelf", permissions=["change"])
    def withdraw(self, request: HttpRequest, queryset: QuerySet[Book]) -> None:
        """Make drafts of them again."""
        published = [book for book in queryset if book.is_published]
        for book in published:
            withdraw_book(book)
        report(self, request, len(published), "taken off the shelf", len(queryset) - len(published))

    @admin.action(description=f"Add {PARCEL} copies of the selected books", permissions=["change"])
    def restock(self, request: HttpRequest, queryset: QuerySet[Book]) -> None:
        """Unpack a parcel of each."""
        report(self, request, restock_books(queryset, PARCEL), f"got {PARCEL} copies more", 0)


class OrderLineInline(admin.TabularInline):
    """What was ordered."""

    model = OrderLine
    extra = 0
    autocomplete_fields = ["book"]


@admin.register(Order)
class OrderAdmin(VetoAdminMixin, admin.ModelAdmin):
    """Who bought what. An order above the credit limit is vetoed here as it is in the shop."""

    list_display = ["number", "customer", "total", "status", "placed_at"]
    list_filter = ["status"]
    list_select_related = ["customer"]
    search_fields = ["reference", "customer__username"]
    autocomplete_fields = ["customer"]
    readonly_fields = ["reference", "total", "placed_at"]
    inlines = [OrderLineInline]
    actions = ["ship"]

    @admin.action(description="Mark the selected orders as shipped", permissions=["change"])
    def ship(self, request: HttpRequest, queryset: QuerySet[Order]) -> None:
        """Note that they have left the house."""
        placed = [order for order in queryset if order.status == Order.Status.PLACED]
        for order in placed:
            ship_order(order)
        report(self, request, len(placed), "marked as shipped", len(queryset) - len(placed))


@admin.register(SearchTerm)
class SearchTermAdmin(admin.ModelAdmin):
    """What customers look for."""

    list_display = ["term", "times", "found"]
    search_fields = ["term"]
