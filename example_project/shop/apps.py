"""The shop app, and the one receiver that must be there before any model."""

from django.apps import AppConfig
from django.db.models.signals import class_prepared

import signalkit

from .pages import PAGES


class ShopConfig(AppConfig):
    """The catalogue, the basket, the orders."""

    name = "shop"
    verbose_name = "Book shop"


class RememberPages(signalkit.Receiver):
    """Put a new kind of page into the site map.

    Django sends `class_prepared` while it imports the models, long before `ready()` and so before
    `receivers` are looked for. This module is imported earlier than any model, so a receiver of
    this signal, and only of this one, belongs here. Its name is spelled out because apps have no
    labels yet at this moment.

    The models that migrations build come along here too. They carry no methods, so asking for
    `in_sitemap` leaves them out without naming them.
    """

    name = "shop.RememberPages"
    signal = class_prepared

    def when(self, event: signalkit.Event) -> bool:
        """Only kinds of things that say which of them have a page."""
        return hasattr(event.sender, "in_sitemap")

    def handle(self, event: signalkit.Event) -> None:
        """Note the model class; the site map asks it for its rows later."""
        PAGES.append(event.sender)
