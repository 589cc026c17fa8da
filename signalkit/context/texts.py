"""Texts that somebody else may have written, made fit for a column of a table."""

from __future__ import annotations

LONGEST = 200
"""Whoever stores a context has to know how long its texts may be."""


def shown(text: str) -> str:
    """Cut a text after 200 characters, and replace what cannot be shown, or stored everywhere.

    A path may hold a NUL, which PostgreSQL refuses, and a message broken Unicode.
    """
    text = text[:LONGEST]
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else "\ufffd" for character in text)
