"""An admin in which users have their profile beside them, and the URLs of it."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.urls import path

from signalkit.profiles.admin import ProfileInline
from tests.veto.vetoapp.generic import AnyUserAdmin


class DeletableInline(ProfileInline):
    can_delete = True


class OnlyOneField(ProfileInline):
    fields = ("display_name",)


class WithProfile(AnyUserAdmin):
    inlines = (ProfileInline,)
    profiles_in_save_model: list[str] = []

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        self.profiles_in_save_model.append(obj.profile.display_name)


class SavesByHand(AnyUserAdmin):
    """As Django's documentation shows it for objects that need something from the request."""

    inlines = (OnlyOneField,)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        for each in formset.save(commit=False):
            each.about = f"by {request.user}"
            each.save()
        formset.save_m2m()


class WithDeletable(AnyUserAdmin):
    inlines = (DeletableInline,)


def urls_of(name: str, model_admin: Any) -> Any:
    site = AdminSite(name=name)
    site.register(User, model_admin)
    return path(f"{name}/", site.urls)


urlpatterns = [
    urls_of("with_profile", WithProfile),
    urls_of("by_hand", SavesByHand),
    urls_of("deletable", WithDeletable),
]
