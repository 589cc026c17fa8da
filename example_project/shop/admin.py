"""The admin's pages of the shop."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

import signalkit
from signalkit.veto.admin import VetoAdminMixin

from .models import Author, Book, Order, OrderLine, SearchTerm, Tag
from .services import publish_book, ship_order, withdraw_book


@admin.register(Author)
class AuthorAdmin(admin.ModelAdmin):
    """Those who write."""

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
    actions = ["publish", "withdraw"]

    @admin.action(description="Publish the selected books", permissions=["change"])
    def publish(self, request: HttpRequest, queryset: QuerySet[Book]) -> None:
        """Put each on the shelf, and say which cannot be."""
        for book in queryset:
            try:
                publish_book(book)
            except signalkit.Veto as veto:
                for message in veto.messages:
                    self.message_user(request, f"{book}: {message}", messages.ERROR)
            else:
                self.message_user(request, f"{book} is published.", messages.SUCCESS)

    @admin.action(description="Take the selected books off the shelf", permissions=["change"])
    def withdraw(self, request: HttpRequest, queryset: QuerySet[Book]) -> None:
        """Make drafts of them again."""
        for book in queryset:
            withdraw_book(book)


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
        for order in queryset:
            ship_order(order)


@admin.register(SearchTerm)
class SearchTermAdmin(admin.ModelAdmin):
    """What customers look for."""

    list_display = ["term", "times", "found"]
    search_fields = ["term"]
