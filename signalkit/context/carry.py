"""A context on its way to another process: as plain strings, which are not believed blindly."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from signalkit.context.actor import Actor
from signalkit.context.correlation import is_well_formed, new_correlation_id
from signalkit.context.current import CONTEXT, Context, Source, current, use
from signalkit.context.texts import LONGEST

NAMES = ("correlation_id", "actor_type", "actor_id", "actor_label", "reason")
"""What is carried, by name."""


def carried() -> dict[str, str]:
    """Return what another process needs to know of the current context.

    It asks for the actor, which may load the user of the request.

    Returns:
        strings by name, fit for JSON and for the headers of a message. Nothing where no context
        was set and a server runs: what a scheduler sends out has no common cause.
    """
    context = current()
    if CONTEXT.get() is None and context.source == "process":
        return {}
    texts = {"correlation_id": context.correlation_id}
    actor = context.actor
    if actor is not None:
        texts |= {"actor_type": actor.type, "actor_id": actor.id, "actor_label": actor.label}
    if context.reason:
        texts["reason"] = context.reason
    return texts


def resumed(
    texts: Mapping[str, Any], *, detail: str, source: Source = "task", correlation_id: str = ""
) -> AbstractContextManager[Context]:
    """Go on, in a ``with`` block, with what :func:`carried` returned elsewhere.

    Nothing is taken from around the block. A value that is no string, too long or malformed is
    left out as if it had not been carried; an actor counts only as a whole. Whoever can write
    where the strings were kept can name any actor.

    Args:
        texts: what was carried, and perhaps other things.
        detail: such as the name of the task.
        source: what runs here.
        correlation_id: what to use if none was carried, such as the id of the task. If that is
            malformed too, it is a new one.

    Returns:
        the block, to be entered once.
    """
    given = {name: _text(texts.get(name)) for name in NAMES}
    ids = (texts.get("correlation_id"), correlation_id)
    kind, pk, label = (given[f"actor_{part}"] for part in ("type", "id", "label"))
    known = kind is not None and pk is not None and label is not None and bool(pk or label)
    return use(
        actor=Actor(kind or "", pk or "", label or "") if known else None,
        reason=given["reason"] or "",
        correlation_id=next(filter(is_well_formed, ids), None) or new_correlation_id(),
        source=source,
        detail=detail,
        request=None,
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and len(value) <= LONGEST else None
