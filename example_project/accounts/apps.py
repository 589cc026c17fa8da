"""Who comes to the shop: profiles, notifications, signing in."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Built on the shop; the shop does not know it."""

    name = "accounts"
    verbose_name = "Accounts"
