"""Forms and formsets that show a veto as their own errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from django.db import router
from django.db.models import Model
from django.forms import BaseForm, BaseModelForm, ModelForm
from django.forms.formsets import BaseFormSet
from django.forms.models import BaseModelFormSet

from signalkit.exceptions import Veto
from signalkit.veto.attempts import Attempt, refusable
from signalkit.veto.keeping import keep
from signalkit.veto.placing import add_to_form, add_to_formset

if TYPE_CHECKING:
    FormBase = BaseModelForm[Model]
    FormSetBase = BaseModelFormSet[Model, ModelForm[Model]]
else:
    FormBase = FormSetBase = object


Method = TypeVar("Method", bound=Callable[..., Any])


class Savable(Protocol):
    """A valid form or formset."""

    def save(self) -> Any:
        """Write what it holds."""


def try_save(form: Savable, *others: Savable, using: str | None = None) -> bool:
    """Save forms and formsets, in this order, all of them or none.

    ::

        if form.is_valid() and lines.is_valid() and try_save(form, lines):
            return redirect(form.instance)
        return render(request, "order.html", {"form": form, "lines": lines})

    A veto becomes an error of the form that was being saved: on the field it names, if the form
    has that field, else a non-field error; in a formset, of the form of the refused row. The
    instances are then what they were before the call. A veto of a BEFORE_COMMIT receiver is
    shown on the first form, and only where this call opens the transaction: inside an open one
    it comes when that one is committed.

    Args:
        form: bound and valid. Nothing but a ``save()`` method is asked of it; errors are shown
            on forms and formsets of Django's kind.
        others: are saved after it.
        using: a database alias that is to take part, besides those the forms' models are
            written to.

    Returns:
        True when everything was saved; False when it was refused, and nothing was written.

    Raises:
        ValueError: a form is not valid.
        Veto: it came when a database had already committed, or no form can show it.
    """
    restore = keep_instances(form, *others)
    with refusable(*aliases_of(form, *others, using=using)) as attempt:
        for saving in (form, *others):
            saving.save()
        # What is refused from here on is refused by COMMIT.
        saving = form
    if attempt.veto is None:
        return True
    restore()
    refuse(saving, attempt.veto)
    return False


def refuse(form: object, veto: Veto) -> None:
    """Show a veto on a bound form or formset, once.

    Args:
        form: one of Django's kind.
        veto: what refused.

    Raises:
        Veto: this one, when ``form`` cannot show it.
    """
    if getattr(form, "veto", None) is veto:
        return
    if isinstance(form, BaseForm):
        add_to_form(form, veto)
    elif isinstance(form, BaseFormSet):
        add_to_formset(form, veto, getattr(form, "saving", None))
    else:
        raise veto
    if isinstance(form, VetoFormMixin | VetoFormSetMixin):
        form.veto = veto


def instances_of(*forms: object) -> Iterator[Model]:
    """Yield the model instances that forms and formsets are about to save."""
    for form in forms:
        if isinstance(form, BaseFormSet):
            yield from instances_of(*form.forms)
        instance = getattr(form, "instance", None)
        if isinstance(instance, Model):
            yield instance


def aliases_of(*forms: object, using: str | None = None) -> list[str]:
    """Return the database aliases that forms and formsets are about to write to."""
    aliases = [] if using is None else [using]
    aliases.extend(
        router.db_for_write(form.model)
        for form in forms
        if isinstance(form, BaseModelFormSet) and form.model is not None
    )
    aliases.extend(
        router.db_for_write(type(instance), instance=instance) for instance in instances_of(*forms)
    )
    return list(dict.fromkeys(aliases))


def keep_instances(*forms: object) -> Callable[[], None]:
    """Remember the instances of forms and formsets; see :func:`~signalkit.veto.keeping.keep`."""
    restores = [keep(instance) for instance in instances_of(*forms)]

    def restore() -> None:
        for one in restores:
            one()

    return restore


def _refused(form: VetoFormMixin | VetoFormSetMixin, attempt: Attempt) -> Veto | None:
    if attempt.veto is not None:
        refuse(form, attempt.veto)
    return attempt.veto


def _alters_data(method: Method) -> Method:
    """Keep templates from calling a method, as Django does with ``save()``."""
    method.alters_data = True  # type: ignore[attr-defined]  # functions have any attribute
    return method


class VetoFormMixin(FormBase):
    """A ModelForm that takes a veto as its own error; put it before ``ModelForm``.

    ``save()`` writes the instance and its many-to-many rows in one savepoint (a transaction in
    autocommit). Vetoed, nothing is written, the instance is what it was, the form has the errors
    and is no longer valid, and the Veto is raised to whoever called: code that knows nothing of
    vetoes must not take the save for done. Code that does asks :meth:`try_save`.
    ``save(commit=False)`` writes nothing and so promises nothing.
    """

    veto: Veto | None = None
    """What refused the last save, or None."""

    @_alters_data
    def save(self, commit: bool = True) -> Any:
        """Save the instance and its many-to-many data, or add the veto's messages as errors.

        Args:
            commit: False leaves the writing to the caller, as in Django.

        Returns:
            the instance.

        Raises:
            ValueError: the form is not valid.
            Veto: a receiver refused; the form has its messages.
        """
        if not commit:
            return super().save(commit=False)
        restore = keep_instances(self)
        with refusable(*aliases_of(self)) as attempt:
            saved = super().save()
        if veto := _refused(self, attempt):
            restore()
            raise veto
        return saved

    @_alters_data
    def try_save(self, *others: Savable, using: str | None = None) -> bool:
        """Save this form, and others after it, all or nothing; see :func:`try_save`."""
        return try_save(self, *others, using=using)


class TracksSaving(FormSetBase):
    """A model formset that knows which of its forms it is writing."""

    saving: BaseForm | None = None
    """The form being saved or deleted; after an error, the one that failed."""

    def note_saving(self, form: BaseForm | None) -> None:
        """Take note that a form is about to be written, or with None that it was."""
        self.saving = form

    @_alters_data
    def save(self, commit: bool = True) -> Any:
        """Save as Django does, forgetting what failed before."""
        self.note_saving(None)
        return super().save(commit)

    def save_new(self, form: Any, commit: bool = True) -> Any:
        """Save one new object."""
        self.note_saving(form)
        saved = super().save_new(form, commit)
        self.note_saving(None)
        return saved

    def save_existing(self, form: Any, obj: Any, commit: bool = True) -> Any:
        """Save one existing object."""
        self.note_saving(form)
        saved = super().save_existing(form, obj, commit)
        self.note_saving(None)
        return saved

    def delete_existing(self, obj: Any, commit: bool = True) -> None:
        """Delete one object."""
        self.note_saving(next((form for form in self.forms if form.instance is obj), None))
        super().delete_existing(obj, commit)
        self.note_saving(None)


class VetoFormSetMixin(TracksSaving):
    """A model formset or inline formset that takes a veto as its own error.

    The rows are saved in one savepoint (a transaction in autocommit): one refused row refuses
    them all. The message is shown on the form of that row, also of a row that was to be deleted;
    where the row is not known, among the formset's ``non_form_errors()``. Otherwise as
    :class:`VetoFormMixin`. Put it before ``BaseModelFormSet`` or ``BaseInlineFormSet``.
    """

    veto: Veto | None = None
    """What refused the last save, or None."""

    def is_valid(self) -> bool:
        """Return False after a veto too."""
        # Django ignores the errors of forms that are marked for deletion.
        return super().is_valid() and self.veto is None

    @_alters_data
    def save(self, commit: bool = True) -> Any:
        """Save all rows, or none and add the veto's messages as errors.

        Args:
            commit: False leaves the writing to the caller, as in Django.

        Returns:
            the saved instances.

        Raises:
            Veto: a receiver refused; the formset has its messages.
        """
        if not commit:
            return super().save(commit=False)
        restore = keep_instances(self)
        with refusable(*aliases_of(self)) as attempt:
            saved = super().save()
        if veto := _refused(self, attempt):
            restore()
            raise veto
        return saved

    @_alters_data
    def try_save(self, *others: Savable, using: str | None = None) -> bool:
        """Save this formset, and others after it, all or nothing; see :func:`try_save`."""
        return try_save(self, *others, using=using)
