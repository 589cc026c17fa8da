"""The admin's page for profiles, and an inline for that of their users."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth import get_user_model

from signalkit.profiles.models import Profile


class ProfileInline(admin.StackedInline):  # type: ignore[type-arg]
    """The profile on the page of its user; it may stand on the page of a new one, too."""

    model = Profile
    can_delete = False


@admin.register(Profile)
class ProfileAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """All of them."""

    list_display = ("user", "display_name")
    list_select_related = ("user",)
    # An admin for users, which a search of one would need, may be absent.
    raw_id_fields = ("user",)
    search_fields = ("display_name", f"user__{get_user_model().USERNAME_FIELD}")
