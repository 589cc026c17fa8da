"""Ada signs up, buys, and is refused."""

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.test import override_settings

from accounts.guard import count_failure
from accounts.models import Notification, Profile

from ..models import Book, Order
from ..money import money
from ..till import till
from .stage import PASSWORD, Stage, step

NAME = "ada-l"


@step
def sign_up(stage: Stage) -> None:
    """Ada signs up and in.

    Her profile is made inline, in the transaction of the sign-up, so that the next line of code
    can use it, and is that of a reader. The letter of welcome waits for the commit. A wrong
    password is counted against guessing.
    """
    stage.ada.get("/account/sign-up/")
    stage.ada.post(
        "/account/sign-up/",
        username=NAME,
        email="ada@example.org",
        password1=PASSWORD,
        password2=PASSWORD,
        newsletter="on",
    )
    profile = Profile.objects.get(user__username=NAME)
    stage.expect(
        "a reader's profile is there, with the newsletter she asked for",
        profile.kind == Profile.Kind.READER and profile.newsletter,
    )
    stage.ada.post("/account/sign-out/")
    stage.ada.get("/account/sign-in/")
    stage.ada.post("/account/sign-in/", username=NAME, password="the wrong one")
    stage.expect("the failed attempt was counted", count_failure(NAME) == 2)
    stage.ada.post("/account/sign-in/", username=NAME, password=PASSWORD)
    stage.expect("a successful one starts the count anew", count_failure(NAME) == 1)


@step
def order(stage: Stage) -> None:
    """Ada orders two books.

    One transaction, three moments. Inline, the money is reserved. Before the commit, the lines
    are added up once, not once a line. After the commit, receivers act on what is now certain:
    payment, pick list, confirmation, sales figures. The shelves, which are cached, are forgotten.
    """
    stage.ada.post("/basket/add/frankenstein/")
    stage.ada.post("/basket/add/persuasion/")
    stage.ada.post("/basket/order/")
    placed = Order.objects.get(customer__username=NAME)
    stage.expect(f"the order comes to {money(placed.total)}", placed.total > 0)
    stage.expect("the till has taken as much", till.taken.get(placed.reference) == placed.total)
    stage.expect(
        "the pick list is in the warehouse's share",
        (stage.directory / "share" / "orders" / f"{placed.number}.txt").exists(),
    )
    stage.expect("one copy was sold", Book.objects.get(slug="frankenstein").sold == 1)


@step
def refuse_an_order(stage: Stage) -> None:
    """An order is refused before its commit.

    Everything is written, everything waits; then the last receiver before the commit finds the
    total too high and raises. The transaction is rolled back, and with it everything that waited.
    Only the till, which knows nothing of transactions, has to be told: after the rollback.
    """
    moby = Book.objects.get(slug="moby-dick")
    orders, released = Order.objects.count(), len(till.released)
    stage.ada.post("/basket/add/moby-dick/")
    with override_settings(SHOP_CREDIT_LIMIT=10):
        stage.ada.post("/basket/order/")
    answer = stage.ada.get("/basket/")
    stage.expect("she is told why", "we lend no more than" in answer.text)
    stage.expect("there is no such order", Order.objects.count() == orders)
    stage.expect("no copy left the shelf", Book.objects.get(pk=moby.pk).stock == moby.stock)
    stage.expect("her money was let go", len(till.released) == released + 1 and not till.held)


@step
def till_closed(stage: Stage) -> None:
    """A receiver fails, and the order with it.

    Without a reservation there is to be no order, so the receiver that makes it runs inline and
    lets its error through. Django asks no receiver after it, and the transaction is rolled back.
    """
    orders = Order.objects.count()
    till.is_open = False
    try:
        stage.ada.post("/basket/order/")
    finally:
        till.is_open = True
    answer = stage.ada.get("/basket/")
    stage.expect("she is told why", "Our till is closed" in answer.text)
    stage.expect("there is no such order", Order.objects.count() == orders)


@step
def warehouse_away(stage: Stage) -> None:
    """A receiver fails, and nobody else notices.

    The warehouse's share is not mounted. After a commit nothing can be refused any more, so the
    failure is isolated: it is logged, the receivers after it run, and Ada has her order.
    """
    orders = Order.objects.count()
    with override_settings(SHOP_WAREHOUSE=stage.directory / "not mounted" / "orders"):
        stage.ada.post("/basket/order/")
    placed = Order.objects.first()
    stage.expect("the order is placed", Order.objects.count() == orders + 1)
    stage.expect("and paid for", placed is not None and placed.reference in till.taken)


@step
def savepoint(stage: Stage) -> None:
    """A savepoint is rolled back, its transaction is not.

    Two prices change in one transaction, the second inside a savepoint that is undone. What
    waited inside the savepoint is dropped with it; what waited outside runs.
    """
    kept, undone = Book.objects.filter(slug__in=["orlando", "persuasion"]).order_by("slug")
    ada = get_user_model().objects.get(username=NAME)
    ada.profile.wishlist.add(kept, undone)
    stage.did("with atomic(): a new price; with atomic(): another, and an error")
    with transaction.atomic():
        kept.price /= 2
        kept.save(update_fields=["price"])
        try:
            with transaction.atomic():
                undone.price /= 2
                undone.save(update_fields=["price"])
                raise ValueError("the second price was a mistake")
        except ValueError:
            pass
    told = Notification.objects.filter(user=ada)
    stage.expect("Ada is told of the one", told.filter(text__contains=kept.title).exists())
    stage.expect("and not of the other", not told.filter(text__contains=undone.title).exists())


@step
def leave(stage: Stage) -> None:
    """Ada leaves, and comes back to her basket.

    The signal of signing out brings the request while its session is still there: the last
    moment at which the basket can be kept.
    """
    stage.ada.post("/basket/add/treasure-island/")
    stage.ada.post("/account/sign-out/")
    stage.ada.get("/account/sign-in/")
    stage.ada.post("/account/sign-in/", username=NAME, password=PASSWORD)
    basket = stage.ada.get("/basket/")
    stage.expect(
        f"“Treasure Island” waits for her at {settings.SHOP_NAME}", "Treasure Island" in basket.text
    )
