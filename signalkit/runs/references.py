"""What the record calls an object."""

from __future__ import annotations

from typing import Any

from django.db.models import Model

LONGEST = 200
"""As many characters as the column takes."""


def reference(instance: Model) -> str:
    """Return the text that stands for an object on record, such as ``"shop.Book:12"``.

    It asks no database, and nothing of the object but its primary key.

    Args:
        instance: an instance of any model. A proxy is called by the model that it stands for.

    Returns:
        The model's label, a colon, the primary key; nothing behind the colon where there is none
        yet, commas inside of a composite one. At most 200 characters: what is longer is cut.
    """
    concrete = instance._meta.concrete_model or type(instance)
    return f"{concrete._meta.label}:{_text(instance.pk)}"[:LONGEST]


def _text(pk: Any) -> str:
    if isinstance(pk, tuple):
        return ",".join(map(_text, pk))
    return "" if pk is None else str(pk)
