"""The ModelAdmin mixin; its public door is :mod:`signalkit.veto.admin`."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from django.apps import apps
from django.contrib import messages
from django.contrib.admin import helpers
from django.contrib.admin.options import IS_POPUP_VAR, TO_FIELD_VAR, ModelAdmin
from django.db import router
from django.db.models import Model, QuerySet
from django.forms import BaseForm, ModelForm
from django.forms.formsets import BaseFormSet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict

from signalkit.exceptions import Veto
from signalkit.veto.attempts import refusable
from signalkit.veto.forms import TracksSaving
from signalkit.veto.notices import hold_notices
from signalkit.veto.placing import (
    add_to_form,
    add_to_formset,
    forget_file_errors,
    form_with_prefix,
)

if TYPE_CHECKING:
    AdminBase = ModelAdmin[Model]
    ModelFormBase = ModelForm[Model]
    FormSetBase = BaseFormSet[BaseForm]
else:
    AdminBase = ModelFormBase = FormSetBase = object

View = Callable[[HttpRequest], HttpResponse]

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


@dataclass(frozen=True)
class Place:
    """Which form is being saved, by prefix: it outlives the form objects of a request."""

    formset: str | None = None
    form: str | None = None


@dataclass
class Sitting:
    """One request that may write, in one ModelAdmin.

    Django builds the page with the form in the very method that saves it, so a refused page is
    made by calling that method again. In this second pass ``veto`` is set: the forms come out
    invalid and nothing is saved. If the page came out without the veto all the same (a class
    that builds its forms elsewhere), ``shown`` is False and the pass is rolled back as well.
    """

    admin: object
    place: Place = Place()
    acting: bool = False
    post: QueryDict | None = None
    veto: Veto | None = None
    shown: bool = False


_sitting: ContextVar[Sitting | None] = ContextVar("signalkit_veto_sitting", default=None)


@contextmanager
def _sit(admin: object) -> Iterator[Sitting]:
    sitting = Sitting(admin)
    token = _sitting.set(sitting)
    try:
        yield sitting
    finally:
        _sitting.reset(token)


class VetoAdminMixin(AdminBase):
    """A ModelAdmin that shows a veto to the user; put it before ``ModelAdmin``.

    ======================== ================================================================
    add and change, popups   the form again, with the message and all that was typed, inlines
    (and 6.1's change-form   included: on the field, row or inline it belongs to
    actions: as actions)
    delete                   the confirmation page again, with the message
    ``list_editable``        the list again, with the message at its row and all that was typed
    actions                  back to the list (or form), with the message as an error
    ======================== ================================================================

    In each case nothing is written: rows, many-to-many rows and log entries are rolled back, to
    a savepoint where a transaction is open, and messages such as "was added" are taken back.
    What is not in a database stays: files that were stored, mails that were sent inline. The page
    with the message is made by calling Django's view once more, so what a class does around it, in
    a ``change_view()`` of its own, happens twice; nothing is saved the second time.

    A veto of a BEFORE_COMMIT receiver comes when the outermost transaction is committed. Here
    that is this mixin's own, and it is shown as any other. With ``ATOMIC_REQUESTS``, and in a
    ``TestCase``, it is not, and there the veto reaches whoever commits.

    Actions run in one transaction, which Django alone does not do: an action that catches an
    error of the database or a refused ``delete()`` must wrap what may fail in ``atomic()``, and
    one that needs its own transactions is named in :attr:`veto_unguarded_actions`. Views that a
    class adds in ``get_urls()`` are not covered, such as UserAdmin's password page.
    """

    veto_unguarded_actions: Sequence[str] = ()
    """Names of actions that run as Django runs them, without a transaction or a word on vetoes."""

    def get_veto_using(self, request: HttpRequest) -> list[str]:
        """Return the database aliases that this admin's pages write to.

        Args:
            request: the one that is about to write.

        Returns:
            those of the log, the inlines and the model, and the ``using`` attribute that
            Django's documentation gives an admin of another database. Extend it when saving
            writes elsewhere too. They are committed one after the other, the last first.
        """
        log: type[Model] = apps.get_model("admin", "LogEntry")
        models = [log, *(inline.model for inline in self.inlines), self.model]
        aliases = [router.db_for_write(model) for model in models]
        if using := getattr(self, "using", None):
            aliases.append(using)
        # Each once, where it stands last.
        return list(reversed(dict.fromkeys(reversed(aliases))))

    # The pages ----------------------------------------------------------------------------------

    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Add an object, or show the form again when that is vetoed."""
        view = super().add_view
        return self._guard_form(request, lambda request: view(request, *args, **kwargs))

    def change_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Change an object, or show the form again when that is vetoed."""
        view = super().change_view
        return self._guard_form(request, lambda request: view(request, *args, **kwargs))

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Add or change an object, or show the form again when that is vetoed."""
        view = super().changeform_view
        return self._guard_form(request, lambda request: view(request, *args, **kwargs))

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the list, and save what was edited in it unless that is vetoed."""
        view = super().changelist_view
        if request.method == "POST" and "_save" in request.POST:
            return self._guard_form(request, lambda request: view(request, *args, **kwargs))
        return view(request, *args, **kwargs)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Delete an object, or ask for confirmation again when that is vetoed."""
        view = super().delete_view
        if request.method in _SAFE_METHODS:
            return view(request, *args, **kwargs)
        take_back_notices = hold_notices(request)
        with refusable(*self.get_veto_using(request)) as attempt:
            response = view(request, *args, **kwargs)
        if attempt.veto is None:
            return response
        take_back_notices()
        self._say(request, attempt.veto)
        return view(_as_asked_for(request), *args, **kwargs)

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Model], *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        """Run an action, all or nothing; vetoed, say so and go back to the page."""
        if _chosen_action(request) in self.veto_unguarded_actions:
            return super().response_action(request, queryset, *args, **kwargs)
        if sitting := self._sitting():
            sitting.acting = True
        take_back_notices = hold_notices(request)
        with refusable(*self.get_veto_using(request)) as attempt:
            response = super().response_action(request, queryset, *args, **kwargs)
        if attempt.veto is None:
            return response
        take_back_notices()
        self._say(request, attempt.veto)
        return None

    # Knowing what is being saved ------------------------------------------------------------------

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        """Return the unsaved object, as Django does."""
        if sitting := self._sitting():
            sitting.post = sitting.post or request.POST
            sitting.place = Place(form=form.prefix)
        return super().save_form(request, form, change)

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> Any:
        """Return the message for the log, as Django does."""
        if sitting := self._sitting():
            # All inlines are saved.
            sitting.place = Place(form=form.prefix)
        return super().construct_change_message(request, form, formsets, add)

    def get_formsets_with_inlines(
        self, request: HttpRequest, obj: Model | None = None
    ) -> Iterator[Any]:
        """Yield each inline with its formset, which tells which of its rows it saves."""
        sitting = self._sitting()
        for formset, inline in super().get_formsets_with_inlines(request, obj):
            yield (formset if sitting is None else _told_to(sitting, formset)), inline

    # Showing the veto -----------------------------------------------------------------------------

    def get_form(
        self, request: HttpRequest, obj: Model | None = None, *args: Any, **kwargs: Any
    ) -> Any:
        """Return the form class; one that is never valid when a veto is to be shown."""
        form_class = super().get_form(request, obj, *args, **kwargs)
        sitting = self._sitting()
        if sitting is None or sitting.veto is None:
            return form_class
        return _never_valid(form_class)

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Render the form, with the veto when there is one to show."""
        sitting = self._sitting()
        if sitting is not None and sitting.veto is not None:
            form = context["adminform"].form
            formsets = [inline.formset for inline in context["inline_admin_formsets"]]
            for one in (form, *(row for formset in formsets for row in formset.forms)):
                forget_file_errors(one)
            _place(sitting, sitting.veto, form, formsets)
            context["errors"] = helpers.AdminErrorList(form, formsets)
        return super().render_change_form(request, context, *args, **kwargs)

    def get_changelist_formset(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Return the list's formset class; one that shows the veto when there is one."""
        formset = super().get_changelist_formset(request, *args, **kwargs)
        sitting = self._sitting()
        if sitting is None or sitting.veto is None:
            return formset
        attributes = {"veto": sitting.veto, "veto_sitting": sitting}
        return type(formset.__name__, (_VetoedList, formset), attributes)

    # The machinery --------------------------------------------------------------------------------

    def _sitting(self) -> Sitting | None:
        sitting = _sitting.get()
        return sitting if sitting is not None and sitting.admin is self else None

    def _say(self, request: HttpRequest, veto: Veto) -> None:
        for message in veto.messages:
            self.message_user(request, message, messages.ERROR)

    def _guard_form(self, request: HttpRequest, view: View) -> HttpResponse:
        # Views call each other (add_view calls changeform_view): the outermost one guards, where
        # the transactions of all of them have ended.
        if request.method in _SAFE_METHODS or self._sitting() is not None:
            return view(request)
        using = self.get_veto_using(request)
        take_back_notices = hold_notices(request)
        with _sit(self) as sitting:
            with refusable(*using) as attempt:
                response = view(request)
                # What is refused from here on is refused by COMMIT, whatever was saved last.
                sitting.place = Place()
            if attempt.veto is None:
                return response
            take_back_notices()
            if sitting.acting:
                self._say(request, attempt.veto)
                return HttpResponseRedirect(request.get_full_path())
            # UserAdmin's response_add, for one, changes what was posted.
            request.POST = sitting.post or request.POST  # type: ignore[assignment]  # was there
            _rewind(request)
            return self._show_again(request, view, using, sitting, attempt.veto)

    def _show_again(
        self, request: HttpRequest, view: View, using: list[str], sitting: Sitting, veto: Veto
    ) -> HttpResponse:
        sitting.veto = veto
        with refusable(*using) as attempt:
            response = view(request)
            if not sitting.shown:
                raise veto
        if attempt.veto is not None:
            raise attempt.veto
        return response


class _NeverValid(ModelFormBase):
    def is_valid(self) -> bool:
        return False


def _never_valid(form_class: type[ModelForm[Model]]) -> type[ModelForm[Model]]:
    attributes = {"__module__": form_class.__module__}
    metaclass: Any = type(form_class)
    made = metaclass(form_class.__name__, (_NeverValid, form_class), attributes)
    # The metaclass builds the fields anew, but a get_form() may have changed those it returned.
    made.base_fields = form_class.base_fields
    return cast("type[ModelForm[Model]]", made)


class _Told(TracksSaving):
    veto_sitting: Sitting

    def note_saving(self, form: BaseForm | None) -> None:
        super().note_saving(form)
        self.veto_sitting.place = Place(self.prefix, None if form is None else form.prefix)


def _told_to(sitting: Sitting, formset: Any) -> Any:
    return type(formset.__name__, (_Told, formset), {"veto_sitting": sitting})


class _VetoedList(FormSetBase):
    veto: Veto
    veto_sitting: Sitting

    def full_clean(self) -> None:
        super().full_clean()
        for form in self.forms:
            forget_file_errors(form)
        place = self.veto_sitting.place
        add_to_formset(self, self.veto, form_with_prefix(self, place.form))
        self.veto_sitting.shown = True


def _place(sitting: Sitting, veto: Veto, form: Any, formsets: Sequence[Any]) -> None:
    place = sitting.place
    for formset in formsets:
        if place.formset is not None and formset.prefix == place.formset:
            add_to_formset(formset, veto, form_with_prefix(formset, place.form))
            break
    else:
        add_to_form(form, veto)
    sitting.shown = True


def _as_asked_for(request: HttpRequest) -> HttpRequest:
    """Return the request as it was before the user confirmed: a GET of the same page."""
    asked = copy.copy(request)
    asked.method = "GET"
    query = request.GET.copy()
    for name in (IS_POPUP_VAR, TO_FIELD_VAR):
        if name in request.POST:
            query[name] = request.POST[name]
    asked.GET = QueryDict(query.urlencode())
    asked.POST = QueryDict()
    return asked


def _rewind(request: HttpRequest) -> None:
    """Make uploaded files readable from their beginning once more.

    Those that their storage has closed are left out: nobody can read them again.
    """
    for name, files in list(request.FILES.lists()):
        readable = [file for file in files if not file.closed]
        for file in readable:
            file.seek(0)
        if readable:
            request.FILES.setlist(name, readable)
        else:
            del request.FILES[name]


def _chosen_action(request: HttpRequest) -> str | None:
    """Return the name of the action that was posted, as Django finds it."""
    # There is an action form above the list and one below it; the index tells which, and where it
    # does not, the last counts. 6.1's change form has one of its own, with a prefix.
    names = request.POST.getlist("action") or request.POST.getlist("CHANGE_FORM-action")
    try:
        return names[int(request.POST.get("index", 0))]
    except ValueError:
        index = 0
    except IndexError:
        index = -1
    return names[index] if names else None
