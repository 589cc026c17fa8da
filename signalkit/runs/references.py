"""What the record calls an object."""

from __future__ import annotations

from typing import Any

from django.apps import apps
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
    return f"{label_of(instance.__class__)}:{_text(instance.pk)}"[:LONGEST]


def label_of(model: type[Model]) -> str:
    """Return the label of a model; of a proxy, that of the model that it stands for."""
    return (model._meta.concrete_model or model)._meta.label


def parse_reference(text: str) -> str:
    """Return a reference that somebody typed as it is recorded.

    ``shop.book:12`` is ``shop.Book:12``, and a proxy is the model that it stands for. One of a
    model that the code has no longer is left as it is.

    Raises:
        ValueError: it is none.
    """
    label, colon, pk = text.partition(":")
    if not colon or label.count(".") != 1:
        raise ValueError(f"{text!r} is no object; expected app.Model:pk, such as shop.Book:12.")
    try:
        model = apps.get_model(label)
    except LookupError:
        return text
    return f"{label_of(model)}:{pk}"


def _text(pk: Any) -> str:
    if isinstance(pk, tuple):
        return ",".join(map(_text, pk))
    return "" if pk is None else str(pk)
