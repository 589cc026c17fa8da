"""What follows from changes of the catalogue."""

from collections.abc import Mapping
from typing import Any

from django.core.mail import mail_managers
from django.db.models import Model, QuerySet
from django.db.models.signals import (
    post_delete,
    post_init,
    post_save,
    pre_delete,
    pre_save,
)
from django.utils.text import slugify

import signalkit
from signalkit import Event, ModelReceiver, Phase, Veto
from signalkit.builtin_events import PreDelete
from signalkit.receivers import (
    ABSENT,
    ANY,
    M2MChange,
    M2MReceiver,
    NotifyOnCommit,
    StatusChanged,
    Transition,
)
from signalkit.signals import book_published

from ..models import Author, Book, Order, Tag, hue


@signalkit.receiver(post_init, sender="shop.Tag", name="shop.colour_the_tag")
def colour_the_tag(sender: type, instance: Any, **kwargs: Any) -> None:
    """Give the tag its colour.

    post_init runs for every row that is fetched, and makes fetching about half as slow again. Tags
    are few; books, of which there are many, have a property for the same purpose.

    The name may be deferred (`.only("slug")`). Reading it would then query once a row, so look
    into the instance's own dictionary first.
    """
    if "name" in instance.__dict__:
        instance.hue = hue(instance.name)


@signalkit.receiver(
    pre_save, sender=["shop.Author", "shop.Book", "shop.Tag"], raw=False, name="shop.give_slug"
)
def give_slug(sender: type[Model], instance: Any, using: str, **kwargs: Any) -> None:
    """Make up the address of a page from its name.

    One receiver for three models. It runs before the row is written, so nothing is saved twice.
    """
    if instance.slug:
        return
    base = slugify(str(instance)) or sender.__name__.lower()
    rows = sender._default_manager.using(using)
    taken = set(rows.filter(slug__startswith=base).values_list("slug", flat=True))
    slug, number = base, 2
    while slug in taken:
        slug, number = f"{base}-{number}", number + 1
    instance.slug = slug


class OnlyWhatCanBeSold(ModelReceiver):
    """Refuse to publish a book that has no price or no description.

    A Veto is what a receiver raises to refuse. The admin shows its messages beside the fields; a
    service passes it on to its caller.
    """

    signal = pre_save
    sender = "shop.Book"

    def when(self, event: Event) -> bool:
        return bool(event.instance.is_published)

    def handle(self, event: Event) -> None:
        """Look at what a customer would have to see."""
        book: Book = event.instance
        problems = {}
        if not book.price:
            problems["price"] = "A published book needs a price."
        if not book.blurb.strip():
            problems["blurb"] = "A published book needs a description."
        if problems:
            raise Veto(problems)


class AnnouncePublication(StatusChanged[Book]):
    """Send `book_published` when a book has come out.

    After commit, because what is announced must be true and stay so. The status is compared with
    the row as it was, so that correcting a typo in a published book announces nothing; a new book,
    which comes from nowhere, may come out at once. `send_robust`, because no receiver may keep
    another from hearing of it.
    """

    model = "shop.Book"
    field = "status"
    from_ = (ABSENT, ANY)
    to = Book.Status.PUBLISHED
    phase = Phase.AFTER_COMMIT

    def on_transition(self, event: Transition[Book]) -> None:
        """Tell whoever listens."""
        book = event.instance
        book_published.send_robust(sender=type(book), book=book, author=book.author)


class TellTheAuthor(NotifyOnCommit[Event]):
    """E-mail the author that a book of theirs has come out, if there is an address to write to.

    The signal is signalkit's own: this receiver would do the same in any other shop.
    """

    signal = book_published
    template = "shop/mail/your_book_is_out"

    def recipients(self, event: Event) -> list[Author]:
        return [event.author]

    def subject(self, event: Event) -> str:
        return f"“{event.book}” has come out"

    def context(self, event: Event) -> Mapping[str, Any]:
        return {"book": event.book}


class KeepKeywords(M2MReceiver[Book, Tag]):
    """Keep the words by which a book is found.

    m2m_changed comes up to four times for one `set()`, and from either side. This is called once,
    with what was really added and removed, and the owners are always the books.
    """

    model = "shop.Book"
    field = "tags"

    def on_changed(self, event: M2MChange[Book, Tag]) -> None:
        """Write the names of the tags beside each book whose tags are others now."""
        books = Book.objects.using(event.using)
        touched = {*event.added.owner_pks, *event.removed.owner_pks}
        for book in books.filter(pk__in=touched).prefetch_related("tags"):
            words = " ".join(tag.name for tag in book.tags.all())
            # update() sends no post_save: nobody is told of a book that has not changed.
            books.filter(pk=book.pk).update(keywords=words)


def refuse_while_owed(what: object, orders: QuerySet[Order]) -> None:
    """Veto a deletion that orders which were not shipped yet stand against.

    Args:
        what: would be deleted.
        orders: that have to do with it, perhaps several times.
    """
    waiting = orders.filter(status=Order.Status.PLACED).distinct().count()
    if waiting:
        raise Veto(
            f"“{what}” cannot be deleted: "
            f"{waiting} order{'s wait' if waiting > 1 else ' waits'} to be shipped."
        )


class KeepWhatIsOwed(ModelReceiver):
    """Refuse to delete a book that somebody bought and has not been sent yet."""

    signal = pre_delete
    sender = "shop.Book"

    def when(self, event: PreDelete[Book]) -> bool:
        """Books that would go with their author are the matter of the receiver below."""
        origin = event.origin
        return (origin.model if isinstance(origin, QuerySet) else type(origin)) is not Author

    def handle(self, event: PreDelete[Book]) -> None:
        """Count the orders that are waiting for it."""
        orders = Order.objects.using(event.using)
        refuse_while_owed(event.instance, orders.filter(lines__book=event.instance))


class KeepWhoIsOwed(ModelReceiver):
    """Refuse to delete an author whose books somebody bought and has not been sent yet.

    The books would go with the author. The admin shows the reason on the page that asks whether
    one is sure.
    """

    signal = pre_delete
    sender = "shop.Author"

    def handle(self, event: PreDelete[Author]) -> None:
        """Count the orders that are waiting for a book of theirs."""
        orders = Order.objects.using(event.using)
        refuse_while_owed(event.instance, orders.filter(lines__book__author=event.instance))


class RemoveExcerpt(ModelReceiver):
    """Delete the excerpt's file of a book that is gone.

    After commit: a file does not come back when the transaction is rolled back, and a book without
    its excerpt would be left. The instance is a snapshot that still has its key and its file name.
    """

    signal = post_delete
    sender = "shop.Book"
    phase = Phase.AFTER_COMMIT

    def when(self, event: Event) -> bool:
        return bool(event.instance.excerpt)

    def handle(self, event: Event) -> None:
        """Take the file off the disk."""
        event.instance.excerpt.delete(save=False)


@signalkit.receiver(
    post_save,
    sender="shop.Book",
    phase=Phase.AFTER_COMMIT,
    raw=False,
    changed=("stock",),
    once_per_transaction=lambda instance, **kwargs: instance.pk,
    name="shop.warn_of_low_stock",
)
def warn_of_low_stock(sender: type, instance: Any, **kwargs: Any) -> None:
    """Tell the bookseller that the last copies are going.

    A function, as Django has them, with the conditions in the decorator. An order of five books
    that is rolled back has emptied no shelf, hence after commit.
    """
    if instance.is_published and instance.stock in {1, 2}:
        mail_managers(f"{instance.stock} left of {instance}", "Time to order more.")
