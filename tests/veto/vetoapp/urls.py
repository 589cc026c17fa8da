from __future__ import annotations

from django.urls import path

from tests.veto.vetoapp import views
from tests.veto.vetoapp.admin import guarded, plain

urlpatterns = [
    path("guarded/", guarded.urls),
    path("plain/", plain.urls),
    path("add/", views.AddBook.as_view()),
    path("change/<int:pk>/", views.ChangeBook.as_view()),
    path("delete/<int:pk>/", views.DeleteBook.as_view()),
    path("ask/", views.AskForBook.as_view()),
    path("never/", views.NeverVetoed.as_view()),
    path("async-view/", views.AsyncBook.as_view()),
    path("with-copies/", views.add_with_copies),
    path("asynchronously/", views.add_asynchronously),
]
