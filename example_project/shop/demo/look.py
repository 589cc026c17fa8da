"""How the demo looks where it is printed: its width and its colours."""

import os
import shutil
from dataclasses import dataclass
from textwrap import wrap

from django.core.management.base import OutputWrapper
from django.core.management.color import Style, color_style, no_style

NARROWEST, WIDEST = 60, 98
"""Columns. On fewer, lines run over; more would only put more space between the same words."""


@dataclass(frozen=True)
class Look:
    """What a narrator needs to know of the paper that it writes on."""

    width: int
    style: Style
    coloured: bool

    def dim(self, text: str) -> str:
        """Take a text back behind the others. Django's styles cannot."""
        return f"\x1b[2m{text}\x1b[0m" if self.coloured else text

    def by_status(self, status: int, text: str) -> str:
        """Colour a text as runserver does a request that was answered with this status."""
        if status >= 500:
            return self.style.HTTP_SERVER_ERROR(text)
        if status >= 400:
            return self.style.HTTP_NOT_FOUND(text)
        return self.style.HTTP_REDIRECT(text) if status >= 300 else self.style.HTTP_SUCCESS(text)

    def rows(self, text: str, indent: int, hang: int = 0) -> list[str]:
        """Break a text into rows.

        Args:
            text: of any length.
            indent: columns before each row.
            hang: further columns before each but the first.
        """
        margin = " " * indent
        return wrap(
            " ".join(text.split()),
            self.width,
            initial_indent=margin,
            subsequent_indent=margin + " " * hang,
            break_on_hyphens=False,
        )


def look_at(out: OutputWrapper, *, force_color: bool, no_color: bool) -> Look:
    """Find out how to write.

    The terminal says how wide it is; a file or a pipe gets the widest. Options win over the
    environment's NO_COLOR and FORCE_COLOR, and these over what the output is.
    """
    width = shutil.get_terminal_size((WIDEST, 0)).columns
    forced = force_color or bool(os.environ.get("FORCE_COLOR"))
    plain = no_color or (not force_color and bool(os.environ.get("NO_COLOR")))
    style = no_style()
    if not plain and (forced or out.isatty()):
        style = color_style(force_color=forced)
    return Look(
        width=min(max(width, NARROWEST), WIDEST),
        style=style,
        coloured=style.SUCCESS("") != "",
    )
