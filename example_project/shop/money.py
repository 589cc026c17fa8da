"""How the shop writes prices."""

from decimal import Decimal
from functools import lru_cache

from django.conf import settings


@lru_cache(maxsize=1)
def currency() -> str:
    """The sign before every price.

    Remembered, because it is asked for on every price of every page. What is remembered from a
    setting must be forgotten when the setting changes: the receiver `shop.forget_settings` does.
    """
    return str(settings.SHOP_CURRENCY)


def money(amount: Decimal | int) -> str:
    """Write `amount` as a price: ``€ 12.50``."""
    return f"{currency()}\N{NO-BREAK SPACE}{Decimal(amount):,.2f}"
