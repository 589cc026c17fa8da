from __future__ import annotations

from django import forms
from django.forms.models import inlineformset_factory

from signalkit.veto.forms import VetoFormMixin, VetoFormSetMixin
from tests.veto.vetoapp.generic import AnyInlineFormSet, AnyModelForm, AnyModelFormSet
from tests.veto.vetoapp.models import Book, Copy


class PlainBookForm(AnyModelForm):
    class Meta:
        model = Book
        fields = ("title", "price", "genres")


class BookForm(VetoFormMixin, PlainBookForm):
    pass


class VetoFormSet(VetoFormSetMixin, AnyModelFormSet):
    pass


class VetoInlineFormSet(VetoFormSetMixin, AnyInlineFormSet):
    pass


BookFormSet = forms.modelformset_factory(
    Book, fields=("title", "price"), formset=VetoFormSet, can_delete=True, extra=1
)
CopyFormSet = inlineformset_factory(
    Book, Copy, fields=("shelf", "quantity"), formset=VetoInlineFormSet, extra=1
)
PlainCopyFormSet = inlineformset_factory(Book, Copy, fields=("shelf", "quantity"), extra=1)
