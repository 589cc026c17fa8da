"""Text as databases take it."""

from __future__ import annotations


def storable(text: str) -> str:
    """Return a text that every database takes: one that it refuses keeps the whole row out."""
    if text.isascii() and "\x00" not in text:
        return text
    return text.encode("utf-8", "replace").decode().replace("\x00", "")
