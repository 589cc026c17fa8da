"""Work that need not keep the customer waiting.

Django has a task framework from 6.0 on. On 5.2 `enqueue` calls the function at once, which is what
Django's own ImmediateBackend does as well, less the signals.
"""

from collections.abc import Callable
from typing import Any

import django
from django.db.models import F

from .models import Book, Order, OrderLine
from .till import till

if django.VERSION >= (6, 0):
    from django.tasks import task
else:

    def task(function: Callable[..., Any]) -> Any:  # type: ignore[no-redef]  # either, never both
        """Stand in for the decorator of Django 6."""
        function.enqueue = function  # type: ignore[attr-defined]  # functions take attributes
        return function


@task
def count_sales(order_id: int) -> int:
    """Add an order's copies to how often each book was sold, and return their number."""
    copies = 0
    for line in OrderLine.objects.filter(order=order_id, book__isnull=False):
        # Who hears of updates looks at their fields: nobody reacts to a sales figure.
        Book.objects.filter(order_lines=line).update(sold=F("sold") + line.quantity)
        copies += line.quantity
    return copies


@task
def reconcile_till(order_id: int) -> None:
    """Compare an order with what the till took for it.

    Raises:
        LookupError: the till knows of no payment for this order.
    """
    order = Order.objects.get(pk=order_id)
    if order.reference not in till.taken:
        raise LookupError(f"The till took nothing for {order}.")
