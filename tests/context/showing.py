"""A context in values that JSON knows."""

from __future__ import annotations

from typing import Any

from signalkit.context import Context


def shown(context: Context) -> dict[str, Any]:
    """Tell everything about a context."""
    actor = context.actor
    return {
        "correlation_id": context.correlation_id,
        "source": context.source,
        "detail": context.detail,
        "actor": [actor.type, actor.id, actor.label] if actor else None,
        "address": context.address,
        "reason": context.reason,
    }
