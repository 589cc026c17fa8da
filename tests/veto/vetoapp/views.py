from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from signalkit.veto.forms import try_save
from signalkit.veto.views import VetoViewMixin
from tests.veto.vetoapp.forms import BookForm, PlainBookForm, PlainCopyFormSet
from tests.veto.vetoapp.generic import (
    AnyCreateView,
    AnyDeleteView,
    AnyFormView,
    AnySuccessMessage,
    AnyUpdateView,
)
from tests.veto.vetoapp.models import Book


class AddBook(VetoViewMixin, AnySuccessMessage, AnyCreateView):
    model = Book
    fields = ("title", "price", "genres")
    success_url = "/done/"
    success_message = "%(title)s is saved."


class ChangeBook(VetoViewMixin, AnySuccessMessage, AnyUpdateView):
    model = Book
    form_class = BookForm
    success_url = "/done/"
    success_message = "%(title)s is saved."


class DeleteBook(VetoViewMixin, AnyDeleteView):
    model = Book
    success_url = "/done/"


class AskForBook(VetoViewMixin, AnyFormView):
    form_class = PlainBookForm
    template_name = "vetoapp/book_form.html"
    success_url = "/done/"

    def form_valid(self, form: Any) -> HttpResponse:
        form.save()
        messages.success(self.request, "saved")
        return super().form_valid(form)


class NeverVetoed(VetoViewMixin, AnyFormView):
    """Writes before there is a form."""

    form_class = PlainBookForm
    template_name = "vetoapp/book_form.html"

    def post(self, *args: Any, **kwargs: Any) -> HttpResponse:
        Book.objects.create(title="at once")
        return super().post(*args, **kwargs)


async def answer(self: Any, *args: Any, **kwargs: Any) -> HttpResponse:
    return HttpResponse()


class AsyncBook(VetoViewMixin, AnyFormView):
    form_class = PlainBookForm
    get: Any = answer
    post: Any = answer
    put: Any = answer


def add_with_copies(request: HttpRequest) -> HttpResponse:
    form = PlainBookForm(request.POST)
    copies = PlainCopyFormSet(request.POST, instance=form.instance)
    if form.is_valid() and copies.is_valid() and try_save(form, copies):
        return HttpResponse("saved")
    return render(request, "vetoapp/book_form.html", {"form": form, "copies": copies})


async def add_asynchronously(request: HttpRequest) -> HttpResponse:
    form = PlainBookForm(request.POST)
    if await sync_to_async(lambda: form.is_valid() and try_save(form))():
        return HttpResponse("saved")
    return await sync_to_async(render)(request, "vetoapp/book_form.html", {"form": form})
