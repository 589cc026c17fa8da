"""Where a veto's messages are shown: on the field they name, or as close to it as there is."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.forms import BaseForm, FileField
from django.forms.formsets import BaseFormSet

from signalkit.exceptions import Veto


def add_to_form(form: BaseForm, veto: Veto) -> None:
    """Add a veto's messages to a bound form.

    Args:
        form: messages for fields it has go there, all others become non-field errors.
        veto: what refused.
    """
    if hasattr(veto, "error_dict"):
        for field, errors in veto.error_dict.items():
            form.add_error(field if field in form.fields else None, ValidationError(errors))
    else:
        form.add_error(None, veto)


def add_to_formset(formset: BaseFormSet[Any], veto: Veto, form: BaseForm | None) -> None:
    """Add a veto's messages to a bound formset.

    Args:
        formset: shows what belongs to no form.
        veto: what refused.
        form: the form of the formset that was being saved or deleted, if it is known.
    """
    if form is None:
        formset.non_form_errors().extend(ValidationError([veto]).error_list)
        return
    add_to_form(form, veto)
    # Django leaves the errors of a form that is marked for deletion out of this list.
    # (The stubs take its items for lists; they are the dictionaries of the forms.)
    errors: list[Any] = formset.errors
    if not any(one is form.errors for one in errors):
        errors.append(form.errors)


def form_with_prefix(formset: BaseFormSet[Any], prefix: str | None) -> BaseForm | None:
    """Return the form of a formset that has this prefix, or None."""
    forms: list[BaseForm] = formset.forms
    return next((form for form in forms if form.prefix == prefix), None)


def forget_file_errors(form: BaseForm) -> None:
    """Drop what a second validation has found wrong with files.

    The first one accepted them, and the refused save may have moved them to their storage: what
    is wrong with them now is not the user's doing.
    """
    for name, field in form.fields.items():
        if isinstance(field, FileField):
            form.errors.pop(name, None)
