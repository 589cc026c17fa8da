"""What a page of the documentation shows: its blocks, and the files that they belong to."""

import re
from dataclasses import dataclass
from pathlib import Path

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# ((?:\w+/)*\w+\.py)\b(?P<remark>.*)\n")


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    language: str
    text: str
    line: int
    """Of the page, where the text begins; from 0 on."""

    @property
    def file(self) -> str | None:
        """The file that a first-line comment names, relative to the project."""
        match = FILE.match(self.text)
        return match[1] if match else None

    @property
    def continues(self) -> bool:
        """Whether the block is added to what stands in its file already."""
        match = FILE.match(self.text)
        return match is not None and "at the end" in match["remark"]


def blocks(page: Path, *languages: str) -> list[Block]:
    """Return the blocks of a page that are in one of some languages, in order."""
    text = page.read_text()
    return [
        Block(match[1], match[2], text.count("\n", 0, match.start(2)))
        for match in BLOCK.finditer(text)
        if match[1] in languages
    ]
