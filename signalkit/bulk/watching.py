"""Which models are watched: those that somebody names, here or as the sender of a bulk signal."""

from __future__ import annotations

import sys
import threading
from collections.abc import Hashable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NamedTuple, TypeAlias

from django.apps import apps
from django.db.models import Model
from django.db.models.signals import class_prepared

from signalkit.bulk.interception import Interception
from signalkit.bulk.signals import SIGNALS, BulkSignal, post_update
from signalkit.bulk.state import state
from signalkit.declare import senders
from signalkit.dispatch.slots import sender_ids
from signalkit.exceptions import SenderError

_UID = "signalkit.bulk"


_Found: TypeAlias = type[Model] | str
"""A model, or the lower-case label of one that is not loaded yet."""


class Asked(NamedTuple):
    """What :func:`watch` was asked for one model."""

    pks: bool
    where: str
    """File and line of the first to ask."""

    def joined_by(self, other: Asked) -> Asked:
        """Return what both ask for together."""
        return self._replace(pks=self.pks or other.pks)


Before: TypeAlias = dict[_Found, Asked | None]


class Watching:
    """Keeps what is intercepted in step with who is named. Any thread may change it."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._interception = Interception()
        self._asked: dict[_Found, Asked] = {}
        # Labels of models that receivers wait for; Django itself connects these.
        self._senders: set[str] = set()

    def watch(self, models: Iterable[type[Model] | str], asked: Asked) -> Before:
        """Watch models, and those that are not loaded yet once they are.

        Returns:
            What was asked for them before.

        Raises:
            SenderError: one of them is no model, or none that is ever written to.
        """
        with self._lock:
            before = {each: self._asked.get(each) for each in map(_find, models)}
            for each, known in before.items():
                self._asked[each] = asked if known is None else known.joined_by(asked)
            self._refresh()
            return before

    def restore(self, before: Before) -> None:
        """Undo one :meth:`watch`."""
        with self._lock:
            for each, known in before.items():
                self._forget(each)
                if known is not None:
                    self._asked[each] = known
            self._refresh()

    def unwatch(self, models: Iterable[type[Model] | str]) -> None:
        """Undo each :meth:`watch` of these models."""
        with self._lock:
            for each in [*map(_find, models)]:
                self._forget(each)
            self._refresh()

    def awaited(self) -> dict[str, Asked]:
        """Return what was asked for models that are not loaded, by their lower-case labels."""
        with self._lock:
            return {each: asked for each, asked in self._asked.items() if isinstance(each, str)}

    def _forget(self, model: _Found) -> None:
        self._asked.pop(model, None)
        if isinstance(model, str) and (loaded := _registered(model)) is not None:
            self._asked.pop(loaded, None)

    def connected(self, sender: Any) -> None:
        """Take notice of a change of the receivers of a bulk signal."""
        with self._lock:
            if isinstance(sender, str):
                self._senders.add(sender.lower())
            self._refresh()

    def _refresh(self) -> None:
        models = {each: asked for each, asked in self._asked.items() if not isinstance(each, str)}
        ids = frozenset[Hashable](map(id, models)).union(*map(sender_ids, SIGNALS))
        state.with_pks = frozenset(model for model, asked in models.items() if asked.pks)
        state.ids = ids
        if ids:
            self._interception.place()
        else:
            self._interception.remove()
        self._senders = {label for label in self._senders if _registered(label) is None}
        if self._senders or any(isinstance(each, str) for each in self._asked):
            class_prepared.connect(self._model_prepared, weak=False, dispatch_uid=_UID)
        else:
            class_prepared.disconnect(dispatch_uid=_UID)

    def _model_prepared(self, *, sender: type[Model], **kwargs: Any) -> None:
        meta = sender._meta
        if meta.apps is not apps:
            return
        with self._lock:
            # One that is swapped out stays with those that never come, and is complained about.
            if meta.label_lower in self._asked and not meta.swapped:
                self._asked[sender] = self._asked.pop(meta.label_lower)
                self._refresh()
            if meta.label_lower in self._senders:
                # Behind Django's own operation, by which the receivers are connected.
                apps.lazy_model_operation(self._loaded, (meta.app_label, meta.model_name))

    def _loaded(self, model: type[Model]) -> None:
        with self._lock:
            self._refresh()


def _find(model: type[Model] | str) -> _Found:
    """Return the model that is meant, or its label.

    Raises:
        SenderError: it is no model, or none that is ever written to.
    """
    if isinstance(model, str) and not apps.models_ready:
        label, _, name = model.partition(".")
        if not label or not name or "." in name:
            raise SenderError(f"{model!r} is no model; expected 'app_label.ModelName'.")
        loaded = _registered(model.lower())
        return model.lower() if loaded is None or loaded._meta.swapped else loaded
    found: type[Model] = resolve(model)
    return found


def resolve(model: Any) -> Any:
    """Return the model that is meant. Models have to be loaded.

    Raises:
        SenderError: it is no model, or none that is ever written to.
    """
    (found,) = senders.resolve(post_update, [model], include_subclasses=False).objects
    return found


def _registered(label: str) -> type[Model] | None:
    try:
        return apps.get_registered_model(*label.split("."))
    except LookupError:
        return None


watching = Watching()
"""That of this process."""

BulkSignal.on_change = watching.connected


def watch(*models: type[Model] | str, pks: bool = False) -> None:
    """Send the bulk signals for models that no receiver of theirs names.

    Receivers without a sender hear all models that are watched. Watching one twice is watching it
    once.

    Args:
        models: classes or labels, ``"app_label.ModelName"``. A label may stand for a model that is
            loaded later.
        pks: whether ``post_update`` is to carry the primary keys of the rows: one more query before
            each update. Otherwise its ``pks`` is None.

    Raises:
        SenderError: one of them is no model, or one that is never written to: abstract, or swapped
            out. Nothing is watched then.
    """
    watching.watch(models, Asked(pks, _caller()))


def unwatch(*models: type[Model] | str) -> None:
    """Undo :func:`watch`. A model that a receiver names as its sender is still watched.

    Args:
        models: as for :func:`watch`. One that is not watched is no error.

    Raises:
        SenderError: one of them is no model.
    """
    watching.unwatch(models)


def watched(*models: type[Model] | str, pks: bool = False) -> AbstractContextManager[None]:
    """Watch models for the length of a ``with`` block, as tests do.

    It holds for the process, not for this thread alone.

    Args:
        models: as for :func:`watch`.
        pks: as for :func:`watch`.

    Raises:
        SenderError: one of them is no model, or one that is never written to.
    """
    return _watched(models, Asked(pks, _caller()))


@contextmanager
def _watched(models: Iterable[type[Model] | str], asked: Asked) -> Iterator[None]:
    before = watching.watch(models, asked)
    try:
        yield
    finally:
        watching.restore(before)


def _caller() -> str:
    frame = sys._getframe(2)
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
