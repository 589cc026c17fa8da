"""From what a user wrote down to a validated :class:`Declaration`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, get_args

from django.conf import settings
from django.dispatch import Signal

from signalkit.declaration import Declaration, Origin
from signalkit.declare import callables, conditions, senders
from signalkit.exceptions import DeclarationError, SenderError, nearest
from signalkit.registry import registry
from signalkit.states import Phase
from signalkit.types import Kind, OnError, Reentry, Sender

DECLARATION = "signalkit_declaration"
"""Where a class-based receiver keeps its declaration."""

OPTIONS = (
    "phase",
    "created",
    "raw",
    "changed",
    "when",
    "on_error",
    "reentry",
    "order",
    "after",
    "once_per_transaction",
    "include_subclasses",
    "name",
    "aliases",
    "using",
)
"""What signalkit adds to Django's ``signal``, ``sender``, ``weak`` and ``dispatch_uid``."""

# An error in work that nobody waits for any more stops nobody unless asked to.
_ISOLATED_PHASES = (Phase.AFTER_COMMIT, Phase.AFTER_ROLLBACK)


def build(
    *,
    name: str,
    origin: Origin,
    kind: Kind,
    call: Callable[..., Any],
    signal: object,
    sender: object,
    options: Mapping[str, Any],
    given: frozenset[str],
    **more: Any,
) -> Declaration:
    """Check what was written and describe it.

    Args:
        name: the receiver's name, already made unique.
        origin: where it was written.
        kind: how it was written.
        call: the function or the bound ``handle``.
        signal: a signal or a list of signals.
        sender: as the user gave it.
        options: the values of :data:`OPTIONS`, without ``name``.
        given: those that the user wrote down, as opposed to inherited defaults.
        more: fields of the declaration that only one kind has.

    Raises:
        DeclarationError: any of it is of a wrong type or cannot apply.
    """
    signals = _signals(origin, signal)
    phase = _member(origin, "phase", options["phase"])
    on_error = options["on_error"]
    if on_error is None:
        on_error = "isolate" if phase in _ISOLATED_PHASES else "raise"
    if kind == "function":
        callables.require_keywords(origin, "it", call)
        callables.require_keywords(origin, "when", options["when"])
        callables.require_keywords(origin, "once_per_transaction", options["once_per_transaction"])
    callables.refuse_unawaited(origin, "when", options["when"])
    callables.refuse_unawaited(origin, "once_per_transaction", options["once_per_transaction"])
    callables.refuse_generator(origin, call)
    declaration = Declaration(
        name=name,
        call=call,
        kind=kind,
        origin=origin,
        signals=signals,
        senders=_senders(origin, sender),
        phase=phase,
        aliases=_strings(origin, "aliases", options["aliases"]),
        order=_typed(origin, "order", options["order"], int, "an integer"),
        after=_names(origin, options["after"]),
        created=_flag(origin, "created", options["created"], optional=True),
        raw=bool(_flag(origin, "raw", options["raw"])),
        changed=_strings(origin, "changed", options["changed"]),
        when=_callable(origin, "when", options["when"]),
        on_error=_choice(origin, "on_error", on_error, get_args(OnError)),
        reentry=_choice(origin, "reentry", options["reentry"], get_args(Reentry)),
        once_per_transaction=_once(origin, options["once_per_transaction"]),
        include_subclasses=bool(_flag(origin, "include_subclasses", options["include_subclasses"])),
        using=_using(origin, options["using"]),
        is_async=callables.is_coroutine_function(call),
        **more,
    )
    conditions.validate(declaration, given)
    return declaration


def _wrong(
    origin: object, option: str, value: object, wanted: str, hint: str = ""
) -> DeclarationError:
    return DeclarationError(f"{origin}: {option} is {value!r}; expected {wanted}.{hint}")


def _signals(origin: Origin, signal: object) -> tuple[Signal, ...]:
    signals = tuple(signal) if isinstance(signal, (list, tuple)) else (signal,)
    if not signals or not all(isinstance(item, Signal) for item in signals):
        raise _wrong(origin, "signal", signal, "a Signal, or a list of signals")
    return tuple(dict.fromkeys(signals))


def _member(origin: Origin, option: str, value: object) -> Phase:
    if not isinstance(value, Phase):
        names = [phase.name for phase in Phase]
        hint = nearest(value.upper(), names) if isinstance(value, str) else ""
        raise _wrong(origin, option, value, f"signalkit.Phase.{', Phase.'.join(names)}", hint)
    return value


def _typed(origin: Origin, option: str, value: object, kind: type, wanted: str) -> Any:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise _wrong(origin, option, value, wanted)
    return value


def _flag(origin: Origin, option: str, value: object, *, optional: bool = False) -> bool | None:
    if isinstance(value, bool) or (optional and value is None):
        return value
    raise _wrong(origin, option, value, "True or False")


def _choice(origin: Origin, option: str, value: object, allowed: tuple[str, ...]) -> Any:
    if value not in allowed:
        hint = nearest(value, allowed) if isinstance(value, str) else ""
        raise _wrong(origin, option, value, " or ".join(map(repr, allowed)), hint)
    return value


def _strings(origin: Origin, option: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
        raise _wrong(origin, option, value, "a list of strings")
    return tuple(value)


def valid_name(origin: Origin, value: object) -> str:
    """Return a name that the user gave.

    Raises:
        DeclarationError: it is no string, or not one that could be told in a list of names.
    """
    if not isinstance(value, str) or not re.fullmatch(r"[^\s*,]+", value):
        raise _wrong(origin, "name", value, "a name such as 'app_label.Name'")
    return value


def _names(origin: Origin, value: object) -> tuple[str, ...]:
    """Read ``after``: receivers by name, or the classes and functions themselves."""
    items = value if isinstance(value, (list, tuple)) else (value,)
    return tuple(name for item in items for name in names_of(origin, "after", item))


def _senders(origin: Origin, sender: object) -> tuple[Sender, ...]:
    try:
        return senders.normalise(sender)
    except SenderError as error:
        raise SenderError(f"{origin}: {error}") from None


def names_of(origin: object, option: str, value: object) -> tuple[str, ...]:
    """Return the names that a reference to another receiver stands for.

    One name, or the class; a function stands for every receiver that it was declared as.

    Raises:
        DeclarationError: it is neither a name nor a declared receiver.
    """
    if isinstance(value, str):
        return (value,)
    if isinstance(value, type):
        declaration = vars(value).get(DECLARATION)
        found = tuple(each.name for each in registry if each is declaration)
    else:
        called = callables.identity(value)
        found = tuple(each.name for each in registry if callables.identity(each.call) == called)
    if not found:
        raise _wrong(origin, option, value, "the name of a receiver, or a declared receiver")
    return found


def _callable(origin: Origin, option: str, value: object) -> Any:
    if value is not None and not callable(value):
        raise _wrong(origin, option, value, "a callable that takes what the receiver takes")
    return value


def _once(origin: Origin, value: object) -> Any:
    if not isinstance(value, bool) and not callable(value):
        raise _wrong(
            origin, "once_per_transaction", value, "True, or a callable that returns a key"
        )
    return value


def _using(origin: Origin, value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or value not in settings.DATABASES:
        raise _wrong(origin, "using", value, f"one of the aliases {', '.join(settings.DATABASES)}")
    return value
