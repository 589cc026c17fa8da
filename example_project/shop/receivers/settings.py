"""What is remembered from settings, and must be forgotten with them."""

from typing import Any

from django.core.signals import setting_changed

import signalkit

from ..money import currency
from ..notice import notice

REMEMBERED = {"SHOP_CURRENCY": currency.cache_clear, "SHOP_NOTICE": notice.cache_clear}
"""How to forget, by the setting that was remembered."""


@signalkit.receiver(
    setting_changed,
    when=lambda setting, **kwargs: setting in REMEMBERED,
    name="shop.forget_settings",
)
def forget_settings(sender: type, setting: str, **kwargs: Any) -> None:
    """Forget what was worked out from a setting that has changed.

    Sent by `override_settings`, once on the way in and once on the way out. Without this a test
    that changes the currency would leave its sign to the tests after it.
    """
    REMEMBERED[setting]()
