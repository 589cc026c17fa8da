"""From what a user wrote down to a validated :class:`Declaration`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, get_args

from signalkit.declaration import Declaration, Origin
from signalkit.declare import callables, conditions, senders, values
from signalkit.declare.references import names_after
from signalkit.exceptions import SenderError
from signalkit.states import Phase
from signalkit.types import Kind, OnError, Reentry, Sender

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
    "record",
    "record_skips",
    "announce",
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
    signals = values.read_signals(origin, signal)
    phase = values.read_phase(origin, options["phase"])
    on_error = options["on_error"]
    if on_error is None:
        on_error = "isolate" if phase in _ISOLATED_PHASES else "raise"
    when = values.read_condition(origin, options["when"])
    once = values.read_once(origin, options["once_per_transaction"])
    _refuse_what_cannot_be_called(origin, kind, call, options)
    declaration = Declaration(
        name=name,
        call=call,
        kind=kind,
        origin=origin,
        signals=signals,
        senders=_senders(origin, sender),
        phase=phase,
        aliases=values.read_strings(origin, "aliases", options["aliases"]),
        order=values.read_order(origin, options["order"]),
        after=names_after(origin, options["after"]),
        created=values.read_optional_flag(origin, "created", options["created"]),
        raw=values.read_flag(origin, "raw", options["raw"]),
        changed=values.read_strings(origin, "changed", options["changed"]),
        when=when,
        on_error=values.read_choice(origin, "on_error", on_error, get_args(OnError)),
        reentry=values.read_choice(origin, "reentry", options["reentry"], get_args(Reentry)),
        once_per_transaction=once,
        include_subclasses=values.read_flag(
            origin, "include_subclasses", options["include_subclasses"]
        ),
        using=values.read_using(origin, options["using"]),
        record=values.read_record(origin, options["record"]),
        record_skips=values.read_flag(origin, "record_skips", options["record_skips"]),
        announce=values.read_flag(origin, "announce", options["announce"]),
        is_async=callables.is_coroutine_function(call),
        **more,
    )
    conditions.validate(declaration, given)
    return declaration


def _refuse_what_cannot_be_called(
    origin: Origin, kind: Kind, call: Callable[..., Any], options: Mapping[str, Any]
) -> None:
    """Refuse callables that would fail, or do nothing, at the first send."""
    require = callables.require_event if kind == "class" else callables.require_keywords
    require(origin, "handle" if kind == "class" else "it", call)
    callables.refuse_generator(origin, call)
    for option in ("when", "once_per_transaction"):
        asked = options[option]
        if callable(asked):
            require(origin, option, asked)
            callables.refuse_unawaited(origin, option, asked)


def _senders(origin: Origin, sender: object) -> tuple[Sender, ...]:
    try:
        return senders.normalise(sender)
    except SenderError as error:
        raise SenderError(f"{origin}: {error}") from None
