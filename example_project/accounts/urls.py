"""Addresses of pages about oneself."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from . import views
from .forms import SignInForm

urlpatterns = [
    path("", views.account, name="account"),
    path("sign-up/", views.sign_up_page, name="sign-up"),
    path("sign-in/", LoginView.as_view(authentication_form=SignInForm), name="login"),
    path("sign-out/", LogoutView.as_view(), name="logout"),
    path("wish/<slug:slug>/", views.wish, name="wish"),
]
