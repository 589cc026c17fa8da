"""Entrances that make no event: they cost little more than Django's own call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from signalkit.declaration import Declaration
from signalkit.dispatch.guards import Guard
from signalkit.dispatch.observation import run_finished
from signalkit.dispatch.phases import Schedule
from signalkit.dispatch.switches import switches
from signalkit.events import Event
from signalkit.states import Phase
from signalkit.types import Payload

Entrance: TypeAlias = Callable[..., Any]

_ABSENT: Any = object()


def is_plain(declaration: Declaration) -> bool:
    """Say whether nothing stands between the guards and the function."""
    return (
        declaration.kind == "function"
        and declaration.phase is Phase.INLINE
        and declaration.on_error == "raise"
        and declaration.reentry == "allow"
        and not declaration.is_async
        and not declaration.record_skips
    )


def plain_entrance(declaration: Declaration, guard: Guard | None, schedule: Schedule) -> Entrance:
    """Return an entrance for a send with whatever keywords."""
    call, when = declaration.call, declaration.when
    # Names of the closure are faster to find than those of a module.
    off, finished = switches, run_finished

    def receive(**named: Any) -> Any:
        if off.engaged and off.refuses(declaration):
            return None
        if guard is not None and not guard(named["sender"], named):
            return None
        if when is not None and not when(**named):
            return None
        if finished.listeners or finished.receivers:
            return schedule(Event(named.pop("signal"), named.pop("sender"), named))
        return call(**named)

    return receive


def post_save_entrance(
    declaration: Declaration, schedule: Schedule, otherwise: Entrance
) -> Entrance:
    """Return an entrance for ``post_save``, which asks for ``created`` and ``raw`` itself.

    Its keywords are written out. Python copies them each time they are handed on as ``**named``,
    which is most of what the other entrance costs; and no other signal is sent as often.

    Args:
        declaration: a plain receiver without other conditions than ``created``, ``raw``, ``when``.
        schedule: runs it for an event, for whoever watches.
        otherwise: the entrance for a send by hand that lacks a keyword, or has more of them.
    """
    call, when = declaration.call, declaration.when
    wanted, takes_raw = declaration.created, declaration.raw
    off, finished, absent = switches, run_finished, _ABSENT

    def receive(
        signal: Any,
        sender: Any,
        instance: Any = absent,
        created: Any = absent,
        update_fields: Any = absent,
        raw: Any = absent,
        using: Any = absent,
        **more: Any,
    ) -> Any:
        if (
            more
            or instance is absent
            or created is absent
            or update_fields is absent
            or raw is absent
            or using is absent
        ):
            named = _named(instance, created, update_fields, raw, using)
            given = {key: value for key, value in named.items() if value is not absent}
            return otherwise(signal=signal, sender=sender, **given, **more)
        if off.engaged and off.refuses(declaration):
            return None
        # By truth, as the guard of other signals does; None is wanted by nobody.
        if (not created) is wanted or (raw and not takes_raw):
            return None
        if when is not None and not when(
            signal=signal,
            sender=sender,
            instance=instance,
            created=created,
            update_fields=update_fields,
            raw=raw,
            using=using,
        ):
            return None
        if finished.listeners or finished.receivers:
            named = _named(instance, created, update_fields, raw, using)
            return schedule(Event(signal, sender, named))
        return call(
            signal=signal,
            sender=sender,
            instance=instance,
            created=created,
            update_fields=update_fields,
            raw=raw,
            using=using,
        )

    return receive


def _named(instance: Any, created: Any, update_fields: Any, raw: Any, using: Any) -> Payload:
    return {
        "instance": instance,
        "created": created,
        "update_fields": update_fields,
        "raw": raw,
        "using": using,
    }
