"""Django's generic classes, with their parameters where a type checker looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.messages.views import SuccessMessageMixin
from django.forms.models import BaseInlineFormSet, BaseModelFormSet
from django.views.generic import CreateView, DeleteView, FormView, UpdateView

if TYPE_CHECKING:
    AnyModelAdmin = admin.ModelAdmin[Any]
    AnyTabularInline = admin.TabularInline[Any, Any]
    AnyStackedInline = admin.StackedInline[Any, Any]
    AnyModelForm = forms.ModelForm[Any]
    AnyModelFormSet = BaseModelFormSet[Any, Any]
    AnyInlineFormSet = BaseInlineFormSet[Any, Any, Any]
    AnyCreateView = CreateView[Any, Any]
    AnyUpdateView = UpdateView[Any, Any]
    AnyDeleteView = DeleteView[Any, Any]
    AnyFormView = FormView[Any]
    AnySuccessMessage = SuccessMessageMixin[Any]
    AnyUserAdmin = UserAdmin[Any]
else:
    AnyModelAdmin = admin.ModelAdmin
    AnyTabularInline = admin.TabularInline
    AnyStackedInline = admin.StackedInline
    AnyModelForm = forms.ModelForm
    AnyModelFormSet = BaseModelFormSet
    AnyInlineFormSet = BaseInlineFormSet
    AnyCreateView = CreateView
    AnyUpdateView = UpdateView
    AnyDeleteView = DeleteView
    AnyFormView = FormView
    AnySuccessMessage = SuccessMessageMixin
    AnyUserAdmin = UserAdmin
