"""What follows from an order, in each phase of its transaction."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.db.models import F, Sum
from django.db.models.signals import post_delete, post_save, pre_init

import signalkit
from signalkit import Event, ModelReceiver, Phase, Veto
from signalkit.builtin_events import PostSave
from signalkit.receivers import (
    Mail,
    Message,
    NotifyOnCommit,
    StatusChanged,
    Transition,
    notify_on_commit,
)

from ..models import Order, OrderLine
from ..money import money
from ..tasks import count_sales
from ..till import till
from ..warehouse import leave_pick_list


@signalkit.receiver(pre_init, sender="shop.OrderLine", name="shop.price_the_line")
def price_the_line(
    sender: type, args: tuple[Any, ...], kwargs: dict[str, Any], **rest: Any
) -> None:
    """Note the price and the title of the day in a new line.

    pre_init is the one signal whose receivers may still change the arguments: `kwargs` is the very
    dictionary the model is built from. Rows that are fetched come as `args` and pass through.
    """
    if book := kwargs.get("book"):
        kwargs.setdefault("title", book.title)
        kwargs.setdefault("price", book.price)


class HoldPayment(ModelReceiver):
    """Reserve the customer's money at the till.

    Inline: without the reservation there is to be no order, so an error here must undo it.
    """

    signal = post_save
    sender = "shop.Order"
    created = True

    def handle(self, event: Event) -> None:
        """Ask the provider to hold the money."""
        till.hold(event.instance.reference)


class ReleasePayment(ModelReceiver):
    """Let the customer's money go when the order came to nothing.

    The till knows nothing of our transaction. Whoever acts outside the database inside a
    transaction owes it a receiver in this phase.
    """

    signal = post_save
    sender = "shop.Order"
    created = True
    phase = Phase.AFTER_ROLLBACK

    def handle(self, event: Event) -> None:
        """Tell the provider that nothing will be taken."""
        till.release(event.instance.reference)


class AddUp(ModelReceiver):
    """Keep the order's total.

    An order of ten lines saves ten lines. Added up before the commit and once for each order, it
    costs one query instead of ten, and nobody ever reads a committed order without its total.
    """

    signal = (post_save, post_delete)
    sender = "shop.OrderLine"
    phase = Phase.BEFORE_COMMIT

    def once_per_transaction(self, event: Event) -> object:
        return event.instance.order_id

    def handle(self, event: Event) -> None:
        """Write the sum of the lines into the order."""
        lines = OrderLine.objects.using(event.using).filter(order=event.instance.order_id)
        total = lines.aggregate(total=Sum(F("quantity") * F("price")))["total"] or 0
        Order.objects.using(event.using).filter(pk=event.instance.order_id).update(total=total)


class CheckCredit(ModelReceiver):
    """Refuse an order that comes to more than the shop lends.

    Before the commit it can still be refused, and only there is the total known. `after` puts it
    behind the adding up, wherever the two are written down. The veto reaches whoever commits: the
    customer's page shows it, and so does the admin.
    """

    signal = post_save
    sender = "shop.OrderLine"
    phase = Phase.BEFORE_COMMIT
    after = ("shop.AddUp",)

    def once_per_transaction(self, event: Event) -> object:
        return event.instance.order_id

    def handle(self, event: Event) -> None:
        """Veto when the total is above the limit; the transaction is rolled back."""
        total = Order.objects.using(event.using).get(pk=event.instance.order_id).total
        if total > settings.SHOP_CREDIT_LIMIT:
            raise Veto(
                f"This order comes to {money(total)}; "
                f"we lend no more than {money(settings.SHOP_CREDIT_LIMIT)}."
            )


def read_order(event: Event) -> Order:
    """Read the order as it was committed.

    The event's instance is the order as it was when its first row was saved. Since then the lines
    were added and the total was written.
    """
    return Order.objects.using(event.using).select_related("customer").get(pk=event.pk)


class AfterOrder(ModelReceiver, abstract=True):
    """What happens once an order is safe: the base of those below."""

    signal = post_save
    sender = "shop.Order"
    created = True
    phase = Phase.AFTER_COMMIT


class TakePayment(AfterOrder):
    """Take the money that was reserved.

    Announced: that the money is owed is on record with the order itself. Should the process die
    between the commit and the till, `manage.py signalkit runs --never-ran` finds it.
    """

    order = -10  # first of all: what follows may fail, and the money is the shop's
    announce = True

    def handle(self, event: Event) -> None:
        """Turn the reservation into a payment."""
        order = read_order(event)
        till.take(order.reference, order.total)


class TellTheWarehouse(AfterOrder):
    """Leave a pick list in the warehouse's shared folder.

    The share is not always mounted. After commit a failure is isolated: it is logged, and neither
    the customer nor the receivers after this one notice.
    """

    def handle(self, event: Event) -> None:
        """Write the list."""
        leave_pick_list(read_order(event))


class ConfirmOrder(NotifyOnCommit[PostSave[Order]]):
    """E-mail the customer that the order is confirmed.

    Whoever made the request is told so on the next page: the customer in the shop, the bookseller
    in the admin. Where there is no request, nobody is told, and nothing else is different. A
    channel that fails keeps no other from its turn.
    """

    sender = "shop.Order"
    created = True
    channels = (Mail(), Message(messages.SUCCESS))
    template = "shop/mail/order_confirmed"

    def recipients(self, event: PostSave[Order]) -> list[User]:
        """Who ordered; without an address, there is no letter."""
        return [event.instance.customer]

    def subject(self, event: PostSave[Order]) -> str:
        return f"Order {event.instance.number} is confirmed"

    def context(self, event: PostSave[Order]) -> Mapping[str, Any]:
        return {"order": read_order(event)}


class CountSales(AfterOrder):
    """Have the sales figures brought up to date in the background.

    A task is handed over after commit: a worker is quick, and would not find the order before.
    """

    def handle(self, event: Event) -> None:
        """Enqueue the task."""
        count_sales.enqueue(event.pk)


class TellItIsOnItsWay(StatusChanged[Order]):
    """E-mail the customer that the order has been shipped.

    From placed to shipped, and no other way: an order that is saved again is not told of twice.
    What the status was is what the database had, whatever the instance at hand was when it was
    loaded.
    """

    model = "shop.Order"
    field = "status"
    from_ = Order.Status.PLACED
    to = Order.Status.SHIPPED
    phase = Phase.AFTER_COMMIT

    def on_transition(self, event: Transition[Order]) -> None:
        """Write to them."""
        order = event.instance
        notify_on_commit(
            Mail(),
            recipients=[order.customer],
            subject=f"Order {order.number} is on its way",
            body=f"We handed it to the carrier as {event.new}; it was {event.old} until today.\n",
        )
