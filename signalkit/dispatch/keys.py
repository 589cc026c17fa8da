"""What is known of an object's primary key."""

from __future__ import annotations

from typing import Any

from django.db.models import Model


def has_key(instance: Model) -> bool:
    """Say whether a primary key has a value: all of it, and not an expression for one."""
    key: Any = instance.pk
    parts = key if isinstance(key, tuple) else (key,)
    return all(part is not None and not hasattr(part, "resolve_expression") for part in parts)
