"""What the page's signals did, at its foot."""

from collections import Counter
from typing import Any

from django import template

from signalkit.context import current

from ..record import of_page

register = template.Library()


@register.inclusion_tag("shop/_record.html", takes_context=True)
def record(context: dict[str, Any]) -> dict[str, Any]:
    """Show it. Where the tag stands matters: what comes after it is not on record yet."""
    chapters = of_page(context["request"].session, current().correlation_id)
    return {
        "chapters": chapters,
        "runs": sum(chapter.runs for chapter in chapters),
        "trouble": sum((chapter.trouble for chapter in chapters), Counter()).items(),
        "housekeeping": sum(chapter.housekeeping for chapter in chapters),
        "led_here": len(chapters) > 1,
        "user": context["user"],
        "perms": context["perms"],
    }
