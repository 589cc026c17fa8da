"""What follows from changes of the catalogue."""

from typing import Any

from django.core.mail import mail_managers
from django.db.models import Model
from django.db.models.signals import (
    m2m_changed,
    post_delete,
    post_init,
    post_save,
    pre_delete,
    pre_save,
)
from django.utils.text import slugify

import signalkit
from signalkit import Event, ModelReceiver, Phase, Veto

from ..models import Book, Order, hue
from ..signals import book_published


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


class AnnouncePublication(ModelReceiver):
    """Send `book_published` when a book has come out.

    After commit, because what is announced must be true and stay so. `changed` compares with the
    row as it was, so that correcting a typo in a published book announces nothing.
    `send_robust`, because no consumer may keep another from hearing of it.
    """

    signal = post_save
    sender = "shop.Book"
    phase = Phase.AFTER_COMMIT
    changed = ("status",)

    def when(self, event: Event) -> bool:
        return bool(event.instance.is_published)

    def handle(self, event: Event) -> None:
        """Tell whoever listens."""
        book_published.send_robust(sender=Book, book=event.instance, using=event.using)


class KeepKeywords(ModelReceiver):
    """Keep the words by which a book is found.

    m2m_changed comes several times for one `set()`: pre and post, remove and add. Before the
    commit and once a transaction means that the tags are read once, when they are final. So
    `pk_set` is not used: it tells of one step only, and after `clear()` it is None.
    """

    signal = m2m_changed
    sender = "shop.Book.tags"
    phase = Phase.BEFORE_COMMIT

    def when(self, event: Event) -> bool:
        return event.action in {"post_add", "post_remove", "post_clear"}

    def once_per_transaction(self, event: Event) -> object:
        """One run for each side that changed: a book, or with `tag.books.add()` a tag."""
        return event.reverse, event.pk

    def handle(self, event: Event) -> None:
        """Write the names of the tags beside the book."""
        books = Book.objects.using(event.using)
        if event.reverse:
            # The sender is a tag. Books that a clear() took from it are found by the word.
            touched = books.filter(tags=event.instance) | books.filter(
                keywords__contains=event.instance.name
            )
        else:
            touched = books.filter(pk=event.pk)
        for book in touched.distinct().prefetch_related("tags"):
            words = " ".join(tag.name for tag in book.tags.all())
            # update() sends no signal: nobody can be called again by what is written here.
            books.filter(pk=book.pk).update(keywords=words)


class KeepWhatIsOwed(ModelReceiver):
    """Refuse to delete a book that somebody bought and has not been sent yet."""

    signal = pre_delete
    sender = "shop.Book"

    def handle(self, event: Event) -> None:
        """Count the orders that are waiting for it."""
        waiting = (
            Order.objects.using(event.using)
            .filter(lines__book=event.instance, status=Order.Status.PLACED)
            .count()
        )
        if waiting:
            raise Veto(
                f"“{event.instance}” cannot be deleted: "
                f"{waiting} order{'s wait' if waiting > 1 else ' waits'} to be shipped."
            )


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
