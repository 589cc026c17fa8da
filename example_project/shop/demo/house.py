"""What keeps the house running: alarms, settings, the reloader, background tasks."""

from django.conf import settings
from django.test import override_settings

from ..models import Order
from ..pulse import pulse
from ..tasks import reconcile_till
from ..till import till
from .reloading import edit_under_runserver
from .stage import Stage, step


@step
def fire_drill(stage: Stage) -> None:
    """A page fails.

    An exception that no view handles becomes a page with status 500. The signal is sent while
    the error is being dealt with, and its receiver sounds the alarm.
    """
    before = pulse.seen["failed requests"]
    page = stage.bookseller.get("/fire-drill/")
    stage.expect("the visitor is told kindly", page.status == 500 and "fell off" in page.text)
    stage.expect("the alarm was heard", pulse.seen["failed requests"] == before + 1)


@step
def currency(stage: Stage) -> None:
    """The currency changes.

    The sign before every price is remembered. setting_changed is sent on the way into
    override_settings and on the way out; both times the receiver forgets the sign.
    """
    stage.did('with override_settings(SHOP_CURRENCY="£")')
    with override_settings(SHOP_CURRENCY="£"):
        shown = stage.ada.get("/books/persuasion/").text
        stage.expect("prices are in pounds", "£" in shown)
    shown = stage.ada.get("/books/persuasion/").text
    stage.expect("and in euros again", "€" in shown and "£" not in shown)


@step
def edit_notice(stage: Stage) -> None:
    """The notice is edited while runserver watches.

    Django's own reloader starts and is asked to watch one more file. When that changes, the
    receiver answers that it has dealt with it: the new text is shown, and nothing restarts.
    """
    stage.did("StatReloader: a look, an edit of notice.txt, another look")
    edit_under_runserver(settings.SHOP_NOTICE, "Closed on the longest day of the year.")
    stage.expect("every page shows it", "longest day" in stage.ada.get("/").text)


@step
def task(stage: Stage) -> None:
    """A background task fails.

    Whoever enqueued a task has long gone on when it fails. Signals follow it through its life,
    and the receiver at its end is the one place where every failure passes.
    """
    order = Order.objects.earliest("pk")
    stage.did("reconcile_till.enqueue(order), an order whose payment is there")
    reconcile_till.enqueue(order.pk)
    stage.did("reconcile_till.enqueue(order), an order whose payment is not")
    amount = till.taken.pop(order.reference)
    reconcile_till.enqueue(order.pk)
    till.taken[order.reference] = amount
    stage.expect("the failure was counted", pulse.seen["tasks failed"] == 1)
