"""What the shop learns from searches."""

from typing import Any

from django.db.models import F

import signalkit

from ..models import SearchTerm
from ..signals import shop_searched


@signalkit.receiver(shop_searched, on_error="isolate", name="shop.remember_search")
async def remember_search(sender: None, term: str, found: int, **kwargs: Any) -> None:
    """Count what customers look for.

    The search is an async view and sends with `asend`, so an `async def` receiver runs in its own
    event loop and uses the async half of the ORM. Nobody's search may fail because it could not be
    counted, so it is isolated.
    """
    row, _ = await SearchTerm.objects.aget_or_create(term=term.lower()[:80])
    await SearchTerm.objects.filter(pk=row.pk).aupdate(times=F("times") + 1, found=found)
