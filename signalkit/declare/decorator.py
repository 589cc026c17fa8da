"""``@signalkit.receiver``: Django's decorator, with more to say."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

from django.dispatch import Signal
from django.dispatch import receiver as django_receiver

from signalkit.declaration import Origin
from signalkit.declare.base import Receiver
from signalkit.declare.blame import blame
from signalkit.declare.build import OPTIONS, build
from signalkit.declare.naming import (
    automatic_name,
    file_outside,
    origin_of_function,
    with_suffix,
)
from signalkit.declare.values import read_name
from signalkit.exceptions import DeclarationError, UnknownOption, nearest
from signalkit.registry import registry
from signalkit.states import Phase
from signalkit.types import OncePerTransaction, OnError, Record, Reentry, Sender, When

F = TypeVar("F", bound=Callable[..., Any])


class _NotGiven:
    def __repr__(self) -> str:
        return "<not given>"


# None is a value that Django's own arguments may have.
_NOT_GIVEN: Any = _NotGiven()

# Several senders, which Django's decorator would take for one.
_SEVERAL = (list, tuple, set, frozenset)

_DEFAULTS: dict[str, Any] = {
    "phase": Phase.INLINE,
    "created": None,
    "raw": True,
    "changed": (),
    "when": None,
    "on_error": None,
    "reentry": "allow",
    "order": 0,
    "after": (),
    "once_per_transaction": False,
    "include_subclasses": False,
    "aliases": (),
    "using": None,
    "record": None,
    "record_skips": False,
    "announce": False,
}


def receiver(
    signal: Signal | list[Signal] | tuple[Signal, ...],
    *,
    sender: Sender = _NOT_GIVEN,
    weak: bool = _NOT_GIVEN,
    dispatch_uid: Hashable | None = _NOT_GIVEN,
    phase: Phase = _NOT_GIVEN,
    created: bool | None = _NOT_GIVEN,
    raw: bool = _NOT_GIVEN,
    changed: Sequence[str] = _NOT_GIVEN,
    when: When | None = _NOT_GIVEN,
    on_error: OnError = _NOT_GIVEN,
    reentry: Reentry = _NOT_GIVEN,
    order: int = _NOT_GIVEN,
    after: Any = _NOT_GIVEN,
    once_per_transaction: OncePerTransaction = _NOT_GIVEN,
    include_subclasses: bool = _NOT_GIVEN,
    name: str = _NOT_GIVEN,
    aliases: Sequence[str] = _NOT_GIVEN,
    using: str | None = _NOT_GIVEN,
    record: Record | None = _NOT_GIVEN,
    record_skips: bool = _NOT_GIVEN,
    announce: bool = _NOT_GIVEN,
    **connect: Any,
) -> Callable[[F], F]:
    """Connect a function to a signal, as :func:`django.dispatch.receiver` does.

    With Django's arguments alone it *is* Django's decorator. Each further keyword, and a list
    of senders, opts in to what it says; the function keeps Django's signature in every phase
    and is returned unchanged.

    Args:
        signal: a signal, or a list of signals.
        sender: a class, ``"app_label.ModelName"``, ``settings.AUTH_USER_MODEL``, a list of
            these, or None.
        weak: as in Django. Together with an option below it cannot be True: the registry holds
            the function.
        dispatch_uid: as in Django.
        phase: when it runs; at the send by default.
        created: for ``post_save``: only creations (True) or only updates (False).
        raw: False leaves fixtures alone; they are passed by default, as in Django.
        changed: for ``pre_save`` and ``post_save``: names of fields of which one must have
            changed in an update. Costs one narrow query per save.
        when: takes what the function takes, at the send; a false answer skips it.
        on_error: ``"raise"`` (the default up to the commit) or ``"isolate"`` (after it).
        reentry: ``"allow"`` (the default, as in Django), ``"skip"`` or ``"raise"``.
        order: lower runs earlier among signalkit's receivers of one signal.
        after: names of receivers, or the receivers, that run before it.
        once_per_transaction: True, or a callable that takes what the function takes and returns
            what tells events apart: only the last event of each runs.
        include_subclasses: whether proxies and children of the senders count too.
        name: the receiver's name; by default ``app_label.function_name``.
        aliases: names that it had before.
        using: the alias whose transaction counts, for a signal that carries none.
        record: which runs ``signalkit.runs`` puts on record: ``"all"``, ``"failures"``, ``"off"``,
            or the share of successes as a number from 0.0 to 1.0, beside all failures. None (the
            default): what the settings say.
        record_skips: whether it is on record too what kept the function from running.
        announce: for what waits for the commit: whether the transaction of the send writes down
            that it is going to run, so that a run that a crash prevented can be found.
        connect: whatever else the signal's own ``connect()`` takes; not with an option above.

    Raises:
        DeclarationError: an option is of a wrong type, or cannot apply to the signal; the
            function takes no ``**kwargs``. Raised when it is decorated.
        UnknownOption: an option is unknown. Raised at once.
        SenderError: the signal never has such a sender.
        NameClash: another receiver has the name.
    """
    django = {"sender": sender, "weak": weak, "dispatch_uid": dispatch_uid}
    ours = {
        "phase": phase,
        "created": created,
        "raw": raw,
        "changed": changed,
        "when": when,
        "on_error": on_error,
        "reentry": reentry,
        "order": order,
        "after": after,
        "once_per_transaction": once_per_transaction,
        "include_subclasses": include_subclasses,
        "name": name,
        "aliases": aliases,
        "using": using,
        "record": record,
        "record_skips": record_skips,
        "announce": announce,
    }
    django = {key: value for key, value in django.items() if value is not _NOT_GIVEN}
    ours = {key: value for key, value in ours.items() if value is not _NOT_GIVEN}
    is_djangos = not ours and not isinstance(django.get("sender"), _SEVERAL)
    with blame(file_outside()):
        _refuse_no_signal(signal)
        if connect:
            _refuse_unknown(connect, signal if is_djangos else ())
    if is_djangos:
        return django_receiver(signal, **django, **connect)

    def decorate(func: F) -> F:
        with blame(file_outside()):
            _declare(func, signal, django, ours)
        return func

    return decorate


def _refuse_no_signal(signal: object) -> None:
    """Refuse what is decorated, given in place of a signal; Django's decorator keeps silent."""
    _refuse_class_based(signal)
    # Whatever Django can connect to has this: Signal, and what stands in for one.
    if callable(signal) and not hasattr(signal, "connect"):
        raise DeclarationError(
            f"{origin_of_function(signal)} is given in place of a signal, so nothing would be "
            "connected. Write @signalkit.receiver(post_save, ...), with the signal to hear."
        )


def _refuse_unknown(given: dict[str, Any], signal: object) -> None:
    """Refuse what is neither an option nor taken by the ``connect()`` of the signals."""
    parameters = {
        name: parameter
        for item in (signal if isinstance(signal, (list, tuple)) else (signal,))
        if isinstance(item, Signal)
        for name, parameter in inspect.signature(item.connect).parameters.items()
    }
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return
    known = sorted({"sender", "weak", "dispatch_uid", *OPTIONS, *parameters} - {"receiver"})
    for key in given:
        if key not in known:
            raise UnknownOption(
                f"@signalkit.receiver has no option {key!r}.{nearest(key, known)} "
                f"It takes: {', '.join(known)}."
            )


def _declare(
    func: Callable[..., Any], signal: object, django: dict[str, Any], ours: dict[str, Any]
) -> None:
    _refuse_what_is_no_function(func)
    origin = origin_of_function(func)
    if django.get("weak"):
        raise DeclarationError(
            f"{origin}: weak=True cannot be combined with {', '.join(ours) or 'several senders'}: "
            "the registry holds such a receiver, so it is never lost. Drop weak=True."
        )
    # Held from the choice of a free name until it is taken.
    with registry.lock:
        registry.add(
            build(
                name=_name(origin, ours.get("name")),
                origin=origin,
                kind="function",
                call=func,
                signal=signal,
                sender=django.get("sender"),
                options=_DEFAULTS | ours,
                given=frozenset(ours),
                # As Django does, which takes an empty one for none.
                dispatch_uid=django.get("dispatch_uid") or None,
            )
        )


def _name(origin: Origin, given: object) -> str:
    if given is None:
        return with_suffix(automatic_name(origin), origin.code)
    return read_name(origin, given)


def _refuse_class_based(func: object) -> None:
    if isinstance(func, type) and issubclass(func, Receiver):
        raise DeclarationError(
            f"{func.__module__}.{func.__qualname__} is a class-based receiver; it names its signal "
            "itself, as a class attribute. Drop the decorator."
        )


def _refuse_what_is_no_function(func: object) -> None:
    _refuse_class_based(func)
    if not callable(func):
        raise DeclarationError(
            f"@signalkit.receiver was given {func!r}; expected a function or another callable."
        )
