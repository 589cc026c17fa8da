"""Where everything lives."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("shop.urls")),
    path("account/", include("accounts.urls")),
    path("admin/", admin.site.urls),
]
