"""What every page shows."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from .basket import Basket
from .notice import notice
from .pulse import may_see_pulse


def shop(request: HttpRequest) -> dict[str, Any]:
    """The name of the shop, the notice, the basket and the news under the bell."""
    unread = (
        request.user.notifications.filter(is_read=False).count()
        if request.user.is_authenticated
        else 0
    )
    return {
        "shop_name": settings.SHOP_NAME,
        "shop_notice": notice(),
        "basket_size": len(Basket(request.session)),
        "unread": unread,
        "sees_pulse": may_see_pulse(request.user),
    }
