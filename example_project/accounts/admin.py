"""The admin's pages for profiles and notifications."""

from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.http import HttpRequest

from .models import Notification, Profile


class ProfileInline(admin.StackedInline):
    """The profile on the user's page.

    A new user gets the profile from `accounts.GiveProfile`; shown on the add page as well, the
    inline would try to make a second one.
    """

    model = Profile
    can_delete = False
    autocomplete_fields = ["wishlist"]


class ShopUserAdmin(UserAdmin):
    """Users with their profiles."""

    inlines = [ProfileInline]

    def get_inlines(self, request: HttpRequest, obj: User | None) -> list[Any]:
        """Show the profile of a user who is there already."""
        return list(self.inlines) if obj else []


admin.site.unregister(get_user_model())
admin.site.register(get_user_model(), ShopUserAdmin)


@admin.register(Profile)
class ProfileAdmin(admin.ModelAdmin):
    """Who reads what."""

    list_display = ["user", "kind", "newsletter", "visits"]
    list_filter = ["kind", "newsletter"]
    search_fields = ["user__username"]
    autocomplete_fields = ["user", "wishlist"]


@admin.register(Notification)
class NotificationAdmin(admin.ModelAdmin):
    """What users were told."""

    list_display = ["text", "user", "created_at", "is_read"]
    list_filter = ["is_read"]
    autocomplete_fields = ["user"]
