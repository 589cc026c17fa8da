"""What the shop does, each from top to bottom.

A service says what must happen. What merely follows from it (the confirmation, the pick list, the
totals) is in `receivers`: each of those can be read, tested, muted and moved to another phase
alone.
"""

from collections.abc import Mapping

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from .exceptions import EmptyBasket, OutOfStock
from .models import Book, Order, OrderLine
from .signals import order_placed


def publish_book(book: Book) -> Book:
    """Put a book on the shelf.

    `signalkit.signals.book_published` follows the commit: see `shop.AnnouncePublication`, which
    hears of the bookseller's form in the admin as well.

    Raises:
        signalkit.Veto: the book cannot be sold as it stands (see `shop.OnlyWhatCanBeSold`).
    """
    with transaction.atomic():
        book = Book.objects.select_for_update().get(pk=book.pk)
        book.status = Book.Status.PUBLISHED
        book.published_at = book.published_at or timezone.now()
        book.save(update_fields=["status", "published_at"])
    return book


def withdraw_book(book: Book) -> Book:
    """Take a book off the shelf without forgetting it."""
    with transaction.atomic():
        book = Book.objects.select_for_update().get(pk=book.pk)
        book.status = Book.Status.DRAFT
        book.save(update_fields=["status"])
    return book


def restock_books(books: QuerySet[Book], copies: int) -> int:
    """Add `copies` of each of the books to what is on the shelf, and return how many books.

    One statement for all of them, and nothing is lost that is sold meanwhile. Django sends no
    signals for it; signalkit does, to those who ask (see `shop.ForgetShelvesInBulk`).
    """
    return books.update(stock=F("stock") + copies)


def place_order(customer: User, basket: Mapping[Book, int]) -> Order:
    """Sell what is in the basket: all of it, or nothing.

    Args:
        customer: who buys.
        basket: the number of copies of each book.

    Raises:
        EmptyBasket: there is nothing in it.
        OutOfStock: fewer copies of a book are left.
        TillClosed: no payment can be taken (see `shop.HoldPayment`).
        signalkit.Veto: it comes to more than the shop lends (see `shop.CheckCredit`).
    """
    if not basket:
        raise EmptyBasket("Your basket is empty.")
    with transaction.atomic():
        order = Order.objects.create(customer=customer)
        for book, copies in basket.items():
            book = take_from_shelf(book, copies)
            OrderLine.objects.create(order=order, book=book, quantity=copies)
        order_placed.send(sender=Order, order=order, using=order._state.db)
    order.refresh_from_db()
    return order


def take_from_shelf(book: Book, copies: int) -> Book:
    """Take copies of a book off the shelf, inside the transaction of an order.

    Raises:
        OutOfStock: fewer are left.
    """
    book = Book.objects.select_for_update().get(pk=book.pk)
    if book.stock < copies:
        raise OutOfStock(
            f"Only {book.stock} of “{book}” left; you asked for {copies}."
            if book.stock
            else f"“{book}” is sold out."
        )
    book.stock -= copies
    book.save(update_fields=["stock"])
    return book


def ship_order(order: Order) -> Order:
    """Note that an order has left the house. The customer is told: see `shop.TellItIsOnItsWay`."""
    with transaction.atomic():
        order = Order.objects.select_for_update().get(pk=order.pk)
        order.status = Order.Status.SHIPPED
        order.save(update_fields=["status"])
    return order
