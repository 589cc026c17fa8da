"""Orders: what is kept, what follows, and what is undone."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import django
import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.core import mail
from django.core.mail import EmailMultiAlternatives

from accounts.services import profile_of
from shop.exceptions import EmptyBasket, OutOfStock, TillClosed
from shop.factories import BookFactory, UserFactory
from shop.models import Book, Order
from shop.services import place_order
from shop.till import till
from signalkit import Veto
from signalkit.testing import run_on_commit


def place_and_commit(customer: User, basket: Mapping[Book, int]) -> Order:
    """Place an order, and act out the commit of the transaction that pytest keeps open."""
    order = place_order(customer, basket)
    run_on_commit()
    order.refresh_from_db()
    return order


@pytest.mark.django_db
class TestPlaceOrder:
    def test_adds_up_at_the_price_of_the_day(self) -> None:
        book = BookFactory(price=Decimal("9.50"))
        order = place_and_commit(UserFactory(), {book: 2, BookFactory(price=Decimal("1.00")): 1})
        book.price = Decimal(100)
        book.save()
        order.refresh_from_db()
        assert order.total == Decimal("20.00")
        assert sorted(line.price for line in order.lines.all()) == [1, Decimal("9.50")]

    def test_takes_the_copies_off_the_shelf_and_counts_them(self) -> None:
        book = BookFactory(stock=5)
        place_and_commit(UserFactory(), {book: 2})
        book.refresh_from_db()
        assert (book.stock, book.sold) == (3, 2)

    def test_takes_the_money_that_it_reserved(self) -> None:
        order = place_and_commit(UserFactory(), {BookFactory(): 1})
        assert till.taken == {order.reference: order.total}
        assert not till.held

    def test_confirms_to_the_customer_with_the_total(self) -> None:
        order = place_and_commit(UserFactory(), {BookFactory(price=Decimal("7.25")): 1})
        letter = mail.outbox[-1]
        assert letter.to == [order.customer.email]
        assert "Together €\N{NO-BREAK SPACE}7.25" in letter.body
        assert isinstance(letter, EmailMultiAlternatives)
        ((html, _),) = letter.alternatives
        assert "Together <strong>€\N{NO-BREAK SPACE}7.25</strong>" in str(html)

    def test_leaves_a_pick_list_in_the_warehouse(self, settings: LazySettings) -> None:
        order = place_and_commit(UserFactory(), {BookFactory(title="Emma"): 3})
        file = Path(settings.SHOP_WAREHOUSE) / f"{order.number}.txt"
        assert file.read_text(encoding="utf-8") == "3 × Emma\n"

    def test_takes_what_was_bought_off_the_wish_list(self) -> None:
        reader, bought, other = UserFactory(), BookFactory(), BookFactory()
        profile_of(reader).wishlist.add(bought, other)
        place_and_commit(reader, {bought: 1})
        assert list(profile_of(reader).wishlist.all()) == [other]

    def test_warns_the_bookseller_of_the_last_copies(self, settings: LazySettings) -> None:
        address = "shop@example.org"
        settings.MANAGERS = [address if django.VERSION >= (6, 0) else ("The shop", address)]
        place_and_commit(UserFactory(), {BookFactory(title="Emma", stock=3): 1})
        assert any("2 left of Emma" in letter.subject for letter in mail.outbox)


@pytest.mark.django_db(transaction=True)
class TestRefusedOrder:
    """Commits are real here: a rollback cannot be acted out."""

    def test_an_empty_basket_is_no_order(self) -> None:
        with pytest.raises(EmptyBasket):
            place_order(UserFactory(), {})

    def test_what_is_sold_out_undoes_all_of_it(self) -> None:
        there, sold_out = BookFactory(stock=5), BookFactory(stock=1)
        with pytest.raises(OutOfStock, match="Only 1"):
            place_order(UserFactory(), {there: 1, sold_out: 2})
        _assert_nothing_happened(there)

    def test_above_the_credit_limit_it_is_vetoed(self, settings: LazySettings) -> None:
        settings.SHOP_CREDIT_LIMIT = 20
        book = BookFactory(stock=5, price=Decimal("10.01"))
        with pytest.raises(Veto, match="we lend no more than"):
            place_order(UserFactory(), {book: 2})
        _assert_nothing_happened(book)

    def test_at_the_credit_limit_it_is_not(self, settings: LazySettings) -> None:
        settings.SHOP_CREDIT_LIMIT = 20
        place_order(UserFactory(), {BookFactory(price=Decimal(10)): 2})
        assert Order.objects.count() == 1

    def test_without_the_till_there_is_none(self) -> None:
        book = BookFactory(stock=5)
        till.is_open = False
        with pytest.raises(TillClosed):
            place_order(UserFactory(), {book: 1})
        _assert_nothing_happened(book, held_before=False)


@pytest.mark.django_db
def test_a_warehouse_that_is_away_keeps_nothing_else_from_happening(
    settings: LazySettings, tmp_path: Path
) -> None:
    settings.SHOP_WAREHOUSE = tmp_path / "not mounted" / "orders"
    book = BookFactory(stock=5)
    order = place_and_commit(UserFactory(), {book: 1})
    book.refresh_from_db()
    assert order.reference in till.taken
    assert book.sold == 1
    assert mail.outbox[-1].subject == f"Order {order.number} is confirmed"


def _assert_nothing_happened(book: Book, *, held_before: bool = True) -> None:
    assert not Order.objects.exists()
    assert Book.objects.get(pk=book.pk).stock == book.stock
    assert not till.held
    assert not till.taken
    assert len(till.released) == held_before
    assert not any("is confirmed" in letter.subject for letter in mail.outbox)
