"""What an error says, without what it should not say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

LONGEST_MESSAGE = 1_000
"""In characters."""

MOST_READ = 4 * LONGEST_MESSAGE
"""As much of a text is looked through; what stands behind that is not shown."""

MASK = "***"

_WORDS = (
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "credential",
    "api[-_]?key",
    "access[-_]?key",
    "private[-_]?key",
    "authorization",
    "cookie",
    "session[-_]?id",
    "credit[-_]?card",
)

# Databases quote the values of what they refuse. What follows a row tells it once more.
_QUOTED_ROWS = (
    (re.compile(r"(Key \([^\n]{1,200}?\)=)\(.*", re.DOTALL), r"\1(***)"),
    (re.compile(r"(Failing row contains) .*", re.DOTALL), r"\1 (***)"),
    (re.compile(r"^(LINE \d+:).*", re.DOTALL | re.MULTILINE), r"\1 ***"),
    (re.compile(r"(: )\".*\"(?=\s*\Z|\n(?:LINE|CONTEXT))", re.DOTALL), r'\1"***"'),
    (re.compile(r"(Duplicate entry) \\?'.*' (for key)", re.DOTALL), r"\1 '***' \2"),
    (re.compile(r"(ncorrect [\w ]{1,40} value:) \\?'.*'", re.DOTALL), r"\1 '***'"),
    (re.compile(r"(near) \\?'.*' (at line)", re.DOTALL), r"\1 '***' \2"),
)
_CREDENTIALS = re.compile(r"(?<!\w)(\w{1,40}://[^\s:/@]*+):\S*@")

# An unclosed one reaches to the end: what it holds may have been cut.
_QUOTED = r"""\\{0,3}[bfru]{0,2}(?:\"{3}(?:(?!\"{3}).)*+(?:\"{3}|\Z)|'{3}(?:(?!'{3}).)*+(?:'{3}|\Z)
|"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|'(?:[^'\\]|\\.)*+(?:'|\\?\Z))""".replace("\n", "")
_LITERAL = re.compile(_QUOTED, re.DOTALL)
_HEADERS = r"(?<=authorization: )[^\r\n]+|(?<=cookie: )[^\r\n]+"
_SCHEMES = r"(?:Basic|Bearer|Digest|Token|ApiKey|Negotiate)\s+\S+"
# As a QueryDict, a list or a call shows them.
_SEVERAL = rf"[\w.]{{0,40}}[\[({{{{]\s*+{_QUOTED}(?:\s*+,\s*+{_QUOTED})*+"
_VALUE = rf"(?:{_QUOTED}|{_SEVERAL}|{_HEADERS}|{_SCHEMES}|[^\s,;&)}}\]]+)"


def mask(text: str, words: Sequence[str] = ()) -> str:
    """Return a text without the values that names in it suggest to be secret.

    ``password=x``, ``"token": "x"``, ``("token", "x")``, the password in a URL, and the values of
    a row that a database has quoted. It knows names, not secrets: what a text says without naming
    it stays.

    Args:
        text: what an error said.
        words: further names; a name that has one of them in it counts.

    Returns:
        the text, cut after 1,000 characters, without NUL, which no database takes.
    """
    # Before the cut, for half a value tells, too; after a first one, for patterns take time. None
    # of them may look at one character twice for each that stands before it.
    text = text[:MOST_READ].replace("\x00", "")
    for pattern, without in _QUOTED_ROWS:
        text = pattern.sub(without, text)
    text = _CREDENTIALS.sub(rf"\1:{MASK}@", text)
    text = _named(tuple(words)).sub(rf"\1{MASK}", text)
    return text if len(text) <= LONGEST_MESSAGE else text[: LONGEST_MESSAGE - 1] + "…"


def names_a_secret(name: str, words: Sequence[str] = ()) -> bool:
    """Say whether a name suggests that what it stands for is secret; ``key`` alone does, too.

    Args:
        name: the name of a field.
        words: further words, as above.
    """
    return _is_secret(name, tuple(words))


# Asked of the same few names at every run.
@lru_cache(maxsize=1_000)
def _is_secret(name: str, words: tuple[str, ...]) -> bool:
    return name == "key" or _name(words).search(name) is not None


@lru_cache(maxsize=16)
def _name(words: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join((*_WORDS, "session[-_]?key", *map(re.escape, words))), re.IGNORECASE)


def mask_literals(code: str, words: Sequence[str] = ()) -> str:
    """Return lines of code without those strings that names suggest to be secret.

    The names stand next to them, or in them: ``login(password="x")``, ``error("password=x")``.

    Args:
        code: the lines.
        words: further names, as above.
    """
    code = _CREDENTIALS.sub(rf"\1:{MASK}@", code)
    code = _named(tuple(words), _QUOTED).sub(rf"\1{MASK}", code)
    says_one = _named(tuple(words)).search
    # Of a string that itself names a secret, nothing is shown. By line: a quote in a comment opens
    # no string.
    return "".join(
        _LITERAL.sub(lambda found: f'"{MASK}"' if says_one(found[0]) else found[0], line)
        for line in code.splitlines(keepends=True)
    )


@lru_cache(maxsize=16)
def _named(words: tuple[str, ...], value: str = _VALUE) -> re.Pattern[str]:
    names = "|".join((*_WORDS, *map(re.escape, words)))
    between = r"""\\{0,3}(?:["']?\]?\s*+[:=]>?|["']\s*+,(?=\s*[bfru]{0,2}["']))\s*+"""
    return re.compile(rf"((?:{names})[\w-]*+{between}){value}", re.IGNORECASE | re.DOTALL)
