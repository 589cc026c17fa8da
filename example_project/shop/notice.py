"""The line on top of every page, kept in a file that the bookseller edits."""

from functools import lru_cache
from pathlib import Path

from django.conf import settings


@lru_cache(maxsize=1)
def notice() -> str:
    """Return the text of the notice, or an empty string when there is none.

    The file is read once. `shop.reread_notice` makes it be read again after an edit.
    """
    try:
        return Path(settings.SHOP_NOTICE).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""
