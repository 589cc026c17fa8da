"""What an error says, without what it should not say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

LONGEST_MESSAGE = 1_000
"""In characters."""

MASK = "***"

_WORDS = (
    "password",
    "passwd",
    "secret",
    "token",
    "api_?key",
    "authorization",
    "cookie",
    "session_?id",
    "credit_?card",
)

# Databases quote the values of the row that they refuse.
_QUOTED_ROWS = (
    (
        re.compile(r"(Key \([^)]*\)=)\(.*?\)(?= (?:already|is|conflicts)|$)", re.M),
        r"\1(***)",
    ),
    (re.compile(r"(Failing row contains) \(.*\)", re.DOTALL), r"\1 (***)"),
    (re.compile(r"(Duplicate entry) '.*' (for key)", re.DOTALL), r"\1 '***' \2"),
    (re.compile(r"(Incorrect \S+ value:|Truncated incorrect \S+ value:) '.*?'"), r"\1 '***'"),
    (re.compile(r"(invalid input syntax for [^:]*:) \".*?\""), r'\1 "***"'),
)
_CREDENTIALS = re.compile(r"(\w+://[^\s:/@]*):[^\s@/]+@")


def mask(text: str, words: Sequence[str] = ()) -> str:
    """Return a text without the values that names in it suggest to be secret.

    ``password=x``, ``"token": "x"``, the password in a URL, and the values of a row that a
    database has quoted. It knows names, not secrets: what a text says without naming it stays.

    Args:
        text: what an error said.
        words: further names; a name that has one of them in it counts.

    Returns:
        the text, cut after 1,000 characters, without NUL, which no database takes.
    """
    # Before the cut, for half a value tells, too; after a first one, for patterns take time.
    text = text[: 4 * LONGEST_MESSAGE].replace("\x00", "")
    for pattern, without in _QUOTED_ROWS:
        text = pattern.sub(without, text)
    text = _CREDENTIALS.sub(rf"\1:{MASK}@", text)
    text = _named(tuple(words)).sub(rf"\1{MASK}", text)
    return text if len(text) <= LONGEST_MESSAGE else text[: LONGEST_MESSAGE - 1] + "…"


@lru_cache(maxsize=16)
def _named(words: tuple[str, ...]) -> re.Pattern[str]:
    names = "|".join((*_WORDS, *map(re.escape, words)))
    value = r"""(?:"[^"]*"|'[^']*'|Bearer\s+\S+|Basic\s+\S+|[^\s,;&)}\]]+)"""
    return re.compile(rf"""([\w-]*(?:{names})[\w-]*["']?\s*[:=]\s*){value}""", re.IGNORECASE)
