"""Generic views that show the form again when a receiver refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured
from django.db import router
from django.db.models import Model
from django.forms import BaseForm
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.generic.edit import FormView

from signalkit.veto.attempts import Attempt, refusable
from signalkit.veto.forms import aliases_of, keep_instances, refuse
from signalkit.veto.keeping import keep
from signalkit.veto.notices import hold_notices

if TYPE_CHECKING:
    ViewBase = FormView[BaseForm]
else:
    ViewBase = object


class VetoViewMixin(ViewBase):
    """For CreateView, UpdateView, DeleteView and FormView; put it before them.

    What a POST or PUT does from ``get_form()`` on runs in one savepoint, a transaction where
    none is open. Vetoed, nothing is written, ``form_invalid()`` shows the form with the message
    and what the user typed, ``self.object`` is what it was, and messages such as "saved" are
    taken back. Any form will do. A DeleteView shows the message on its confirmation page: its
    template renders ``{{ form }}`` or ``{{ form.non_field_errors }}``.

    A veto of a BEFORE_COMMIT receiver comes when the outermost transaction is committed. It is
    shown where that is this view's own; with ``ATOMIC_REQUESTS``, and in a ``TestCase``, it is
    not, and there the veto reaches whoever commits. A DELETE request has no form to show again:
    its veto propagates, as does one raised before there is a form. Async handlers are refused:
    Django's transactions are synchronous.
    """

    object: Model | None
    """The object of a CreateView, UpdateView or DeleteView; other views have none."""

    _attempt: Attempt | None = None
    _shown: BaseForm | None = None
    _restores: tuple[Callable[[], None], ...] = ()

    def get_veto_using(self, form: BaseForm) -> list[str]:
        """Return the database aliases that saving this form writes to.

        Args:
            form: the one the view is about to validate and save.

        Returns:
            those of the form's instance and of the view's object. Extend it when
            ``form_valid()`` writes elsewhere too.
        """
        aliases = aliases_of(form)
        stored = getattr(self, "object", None)
        if isinstance(stored, Model):
            aliases.append(router.db_for_write(type(stored), instance=stored))
        return aliases

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer the request, showing the form again when what it does is vetoed."""
        if self.view_is_async:
            raise ImproperlyConfigured(
                f"{type(self).__name__} has async handlers, and a transaction cannot span them. "
                "Make them synchronous, or call signalkit.veto.forms.try_save through "
                "sync_to_async and leave VetoViewMixin out."
            )
        if request.method not in {"POST", "PUT"}:
            return super().dispatch(request, *args, **kwargs)
        take_back_notices = hold_notices(request)
        with refusable() as self._attempt:
            response = super().dispatch(request, *args, **kwargs)
        veto, self._attempt = self._attempt.veto, None
        if veto is None:
            return response
        if self._shown is None:
            raise veto
        for restore in self._restores:
            restore()
        take_back_notices()
        refuse(self._shown, veto)
        return self.form_invalid(self._shown)

    def get_form(self, form_class: type[BaseForm] | None = None) -> BaseForm:
        """Return the form, and open the savepoint in which it will be saved."""
        form = super().get_form(form_class)
        if self._attempt is not None:
            self._shown = form
            self._restores = (keep_instances(form), self._keep_object())
            for alias in self.get_veto_using(form):
                self._attempt.cover(alias)
        return form

    def _keep_object(self) -> Callable[[], None]:
        # CreateView begins with None, and its template must not see the refused object.
        if not hasattr(self, "object"):
            return lambda: None
        stored = self.object
        restore_stored = keep(stored) if stored is not None else None

        def restore() -> None:
            self.object = stored
            if restore_stored is not None:
                restore_stored()

        return restore
