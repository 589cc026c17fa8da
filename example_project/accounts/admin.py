"""The admin's pages for profiles and notifications."""

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import UserAdmin

from .models import Notification, Profile


class ProfileInline(admin.StackedInline):
    """The profile on the user's page.

    On the page of a new user as well: filled in, it is the profile; left as it is, it is none, and
    `accounts.GiveProfile` makes one.
    """

    model = Profile
    can_delete = False
    autocomplete_fields = ["wishlist"]


class ShopUserAdmin(UserAdmin):
    """Users with their profiles."""

    inlines = [ProfileInline]


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
