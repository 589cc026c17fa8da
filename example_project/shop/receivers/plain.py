"""Receivers as Django has them, without signalkit: the observer pattern, and nothing else.

A signal is what is observed, a receiver the observer; neither knows the other. That is all that
the shop's pulse needs, which counts and cannot fail. What nobody promises here: they run at once,
an error is the sender's, and nothing of them is on record. `manage.py signalkit list` shows them
all the same.
"""

from typing import Any

from django.dispatch import receiver

from signalkit.signals import book_published

from ..models import Book, Order
from ..pulse import pulse
from ..signals import order_placed


@receiver(order_placed, sender=Order, dispatch_uid="shop.count_order")
def count_order(sender: type[Order], **kwargs: Any) -> None:
    """Count an order.

    With `sender` it hears of orders alone. The `dispatch_uid` keeps it from being connected twice,
    should this module ever be imported under two names.
    """
    pulse.seen["orders"] += 1


class Tally:
    """Counts how often it is called: any callable is a receiver."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __call__(self, **kwargs: Any) -> None:
        pulse.seen[self._what] += 1


# Nobody else keeps this one: with a weak reference, which is Django's default, it would be gone
# before the first book comes out. (Under DEBUG it would not, by accident.)
book_published.connect(
    Tally("books published"), sender=Book, weak=False, dispatch_uid="shop.count_publication"
)
