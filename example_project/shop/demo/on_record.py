"""What is on record in the end, found by what one would type."""

from signalkit import Outcome
from signalkit.runs.models import ReceiverRun
from signalkit.runs.references import reference

from ..models import Order
from .customers import NAME
from .stage import Stage, step


@step
def an_order(stage: Stage) -> None:
    """On record: all that an order set off.

    What was told above is also in a table of the shop's database. The order leads to its payment,
    announced with the order and made after the commit, and that to the correlation id of the
    request, which the answer brought in X-Request-ID. By the id one finds all that the request set
    off: what a receiver caused stands below it, with its outcome, its duration and its queries.
    """
    order = Order.objects.filter(customer__username=NAME).earliest("pk")
    stage.ask(
        *("signalkit", "runs", "--object", reference(order)),
        *("--receiver", "shop.TakePayment"),
    )
    correlation = ReceiverRun.objects.about(order).of("shop.TakePayment")[0].correlation
    tree = stage.ask("signalkit", "runs", "--tree", correlation)
    whole = ReceiverRun.objects.correlated(correlation)
    stage.expect(
        "the payment, the pick list and the letter are in it",
        all(f"shop.{name}" in tree for name in ("TakePayment", "TellTheWarehouse", "ConfirmOrder")),
    )
    # Nobody was known yet while the user herself was being loaded.
    named = whole.exclude(actor_label="")
    actors = {*named.values_list("actor_label", flat=True)}
    stage.expect(
        f"{named.count()} of its {whole.count()} rows name an actor: {', '.join(sorted(actors))}",
        actors == {NAME},
    )


@step
def what_failed(stage: Stage) -> None:
    """On record: what failed.

    Somebody asks on Monday why a parcel has not left. The answer is two words away: the pick list
    that could not be written, with its error, the order that it was about, and who ordered it.
    """
    failed = stage.ask("signalkit", "runs", "--outcome", "failed")
    stage.expect(
        "the warehouse's failure is found again",
        "shop.TellTheWarehouse" in failed and "OSError" in failed,
    )
    stage.expect("and the till's, which undid its order", "shop.HoldPayment" in failed)


@step
def what_was_rolled_back(stage: Stage) -> None:
    """On record: what came to nothing.

    The order above the credit limit left no trace in its own tables. The record tells what its
    receivers did or would have done, and who vetoed it.
    """
    vetoed = ReceiverRun.objects.of("shop.CheckCredit").ended(Outcome.VETOED).get()
    tree = stage.ask("signalkit", "runs", "--tree", vetoed.correlation)
    stage.expect("the veto is there, with its reason", "we lend no more than" in tree)
    stage.expect("and the letter that was never written", _was_undone("shop.ConfirmOrder", vetoed))


def _was_undone(receiver: str, with_run: ReceiverRun) -> bool:
    together = ReceiverRun.objects.correlated(with_run.correlation)
    return bool(together.of(receiver).ended(Outcome.ROLLED_BACK).exists())
