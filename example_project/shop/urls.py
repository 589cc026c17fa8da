"""Addresses of the shop's pages."""

from django.urls import path

from . import views

app_name = "shop"
urlpatterns = [
    path("", views.BookList.as_view(), name="book-list"),
    path("books/<slug:slug>/", views.BookPage.as_view(), name="book"),
    path("authors/<slug:slug>/", views.AuthorPage.as_view(), name="author"),
    path("search/", views.suggest, name="suggest"),
    path("basket/", views.basket, name="basket"),
    path("basket/add/<slug:slug>/", views.add_to_basket, name="add-to-basket"),
    path("basket/order/", views.order, name="order"),
    path("pulse/", views.pulse_page, name="pulse"),
    path("fire-drill/", views.fire_drill, name="fire-drill"),
    path("sitemap.xml", views.sitemap, name="sitemap"),
]
