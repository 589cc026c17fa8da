"""Whether a receiver's options can mean anything for the signals that it names."""

from __future__ import annotations

from collections.abc import Iterable

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model
from django.db.models.signals import class_prepared, m2m_changed, post_save, pre_save
from django.dispatch import Signal

from signalkit.catalogue import carries, lacks
from signalkit.declaration import Declaration
from signalkit.declare import senders
from signalkit.declare.blame import blame
from signalkit.declare.targets import Targets
from signalkit.exceptions import DeclarationError, SenderError, nearest
from signalkit.signal_names import signal_name
from signalkit.states import Phase

_ANNOUNCED = (Phase.BEFORE_COMMIT, Phase.AFTER_COMMIT)
_RAW_SIGNALS = (pre_save, post_save, m2m_changed)


def validate(declaration: Declaration, given: Iterable[str]) -> None:
    """Refuse options that would be accepted and then ignored.

    Args:
        declaration: what was declared.
        given: the names of the options that the user wrote down.

    Raises:
        DeclarationError: an option does not fit the signals, the phase or another option.
        SenderError: a sender never sends one of the signals (as far as the models are loaded).
    """
    given = set(given)
    _validate_created(declaration)
    if "raw" in given and not any(signal in _RAW_SIGNALS for signal in declaration.signals):
        _require_signals(declaration, "raw", _RAW_SIGNALS)
    if declaration.changed:
        _validate_changed(declaration)
    if declaration.include_subclasses:
        _validate_include_subclasses(declaration)
    if declaration.once_per_transaction and declaration.phase is Phase.INLINE:
        raise _refused(declaration, "once_per_transaction", "an INLINE receiver runs at the send")
    if "on_error" in given and declaration.phase is Phase.AFTER_ROLLBACK:
        raise _refused(
            declaration, "on_error", "after a rollback the exception is already on its way"
        )
    if declaration.using is not None and any(
        carries(signal, "using") for signal in declaration.signals
    ):
        raise _refused(declaration, "using", "the signal carries the alias that it is about")
    if (
        declaration.using is not None
        and declaration.phase is Phase.INLINE
        and declaration.on_error == "raise"
    ):
        raise _refused(declaration, "using", "an INLINE receiver that raises uses no transaction")
    if declaration.announce and declaration.phase not in _ANNOUNCED:
        raise _refused(
            declaration, "announce", f"an {declaration.phase.name} receiver does not wait for it"
        )
    if apps.models_ready:
        resolve(declaration)
        _refuse_late(declaration)


def resolve(declaration: Declaration) -> dict[Signal, Targets]:
    """Find what a receiver's senders stand for, by signal. Needs the models to be loaded.

    Raises:
        DeclarationError: a name in ``changed`` is no field of theirs.
        SenderError: a sender does not exist, or never sends one of the signals.
    """
    with blame(declaration.origin.file):
        found = {signal: targets_of(declaration, signal) for signal in declaration.signals}
        if declaration.changed:
            for targets in found.values():
                for model in targets.connected:
                    validate_fields(declaration, model)
    return found


def validate_fields(declaration: Declaration, model: type[Model]) -> None:
    """Refuse names in ``changed`` that a model has no column for.

    Raises:
        DeclarationError: there is one.
    """
    for name in declaration.changed:
        _validate_field(declaration, model, name)


def targets_of(declaration: Declaration, signal: Signal) -> Targets:
    """Find what a receiver's senders stand for in one signal.

    It needs the models to be loaded, except for ``class_prepared``.

    Raises:
        SenderError: a sender that this signal never has.
    """
    try:
        return senders.resolve(
            signal, declaration.senders, include_subclasses=declaration.include_subclasses
        )
    except SenderError as error:
        raise SenderError(f"{declaration.origin}: {error}") from None


def _refuse_late(declaration: Declaration) -> None:
    """Refuse to wait for a model's ``class_prepared`` when the model is there already."""
    if class_prepared not in declaration.signals:
        return
    prepared = {model._meta.label_lower for model in apps.get_models(include_auto_created=True)}
    for label in sorted(targets_of(declaration, class_prepared).labels & prepared):
        raise SenderError(
            f"{declaration.origin}: {label} is loaded already, so its class_prepared was sent. "
            "Declare the receiver earlier, for instance in an app's apps.py."
        )


def _validate_include_subclasses(declaration: Declaration) -> None:
    if not declaration.senders:
        raise _refused(declaration, "include_subclasses", "there is no sender to extend")
    if class_prepared in declaration.signals:
        raise _refused(
            declaration,
            "include_subclasses",
            "class_prepared is sent once per class. Leave sender out and use when=",
        )


def _validate_created(declaration: Declaration) -> None:
    if declaration.created is None:
        return
    for signal in declaration.signals:
        if lacks(signal, "created"):
            raise _refused(
                declaration, "created", f"{signal_name(signal)} does not say what was created"
            )


def _validate_changed(declaration: Declaration) -> None:
    _require_signals(declaration, "changed", (pre_save, post_save))
    if not declaration.senders:
        raise _refused(declaration, "changed", "it needs a sender whose fields it can watch")
    if declaration.created:
        raise _refused(declaration, "changed", "what is created has not changed: drop created=True")


def _require_signals(declaration: Declaration, option: str, allowed: tuple[Signal, ...]) -> None:
    for signal in declaration.signals:
        if signal not in allowed:
            names = ", ".join(map(signal_name, allowed))
            why = f"{signal_name(signal)} has no such thing; {names} have"
            if option == "changed" and carries(signal, "fields"):
                why += ". What it writes is in its 'fields': ask for them in when="
            raise _refused(declaration, option, why)


def _validate_field(declaration: Declaration, model: type[Model], name: str) -> None:
    try:
        field = model._meta.get_field(name)
    except FieldDoesNotExist:
        known = [field.name for field in model._meta.concrete_fields]
        raise DeclarationError(
            f"{declaration.origin}: changed names {name!r}, which {model._meta.label} has not."
            f"{nearest(name, known)}"
        ) from None
    if not getattr(field, "concrete", False) or field.many_to_many:
        raise DeclarationError(
            f"{declaration.origin}: changed names {name!r}, which is no column of "
            f"{model._meta.label}. For a many-to-many field use m2m_changed."
        )


def _refused(declaration: Declaration, option: str, why: str) -> DeclarationError:
    value = getattr(declaration, option)
    return DeclarationError(f"{declaration.origin}: {option}={value!r} cannot apply: {why}.")
