"""How receivers are tested, one way after the other; the other modules test what they are for.

A receiver is a function or a method: call it. What it needs around it, a factory makes, with the
receivers muted that are not the point. What waits for the commit is made to run. And one test says
that it is connected, for a receiver that nobody calls passes every other one.
"""

import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_out
from django.core import mail
from django.core.management import call_command
from django.db import transaction
from django.db.models.signals import post_save, pre_save
from django.test import TestCase, override_settings
from factory.django import mute_signals

import signalkit
from accounts.models import Profile
from accounts.receivers import GiveProfile, KeepBasket, put_under_the_bell
from shop.factories import AuthorFactory, BookFactory, OrderFactory, UserFactory
from shop.models import Author, Book, Order, OrderLine, Tag
from shop.pulse import pulse
from shop.receivers.cache import ForgetShelvesInBulk
from shop.receivers.catalogue import OnlyWhatCanBeSold, TellTheAuthor, colour_the_tag
from shop.receivers.orders import price_the_line
from shop.receivers.plain import count_order
from shop.services import publish_book, restock_books, ship_order
from shop.signals import order_placed
from signalkit import Event, Phase, Veto, bulk
from signalkit.builtin_events import PreSave, UserLoggedOut
from signalkit.receivers import Notification
from signalkit.registry import registry
from signalkit.signals import book_published
from signalkit.testing import raise_failures, run_on_commit


class TestCalledByHand:
    """No signal is sent, nothing is saved, and no database is asked."""

    def test_a_function_is_still_the_function(self) -> None:
        tag = Tag(name="Sea")
        del tag.hue  # made with a colour, by the very receiver
        colour_the_tag(Tag, instance=tag)
        assert 0 <= tag.hue < 360

    def test_one_may_change_what_it_is_given(self) -> None:
        given: dict[str, Any] = {"book": Book(title="Emma", price=Decimal(9)), "quantity": 2}
        price_the_line(OrderLine, args=(), kwargs=given)
        assert (given["title"], given["price"], given["quantity"]) == ("Emma", 9, 2)

    def test_a_class_is_given_an_event(self) -> None:
        draft = Book(title="Emma", price=0, blurb="Handsome, clever, and rich.")
        with pytest.raises(Veto, match="needs a price"):
            OnlyWhatCanBeSold().handle(PreSave(pre_save, Book, {"instance": draft}))

    @pytest.mark.parametrize(
        ("fields", "is_meant"), [(("stock", "sold"), True), (("sold", "keywords"), False)]
    )
    def test_its_condition_is_a_method_too(self, fields: tuple[str, ...], is_meant: bool) -> None:
        event = Event(bulk.post_update, Book, {"fields": fields})
        assert ForgetShelvesInBulk().when(event) is is_meant

    @pytest.mark.parametrize(
        ("is_staff", "kind"), [(True, Profile.Kind.BOOKSELLER), (False, Profile.Kind.READER)]
    )
    def test_hooks_are_asked_one_by_one(self, is_staff: bool, kind: str) -> None:
        owner, profile = User(is_staff=is_staff), Profile()
        assert GiveProfile().defaults_for(owner) == {"kind": kind}
        GiveProfile().fill(profile, owner)
        assert profile.newsletter is is_staff

    def test_what_it_would_tell_is_looked_at_before_it_is_sent(self) -> None:
        author = Author(name="Jane Austen", email="jane@example.org")
        book = Book(title="Emma", author=author)
        event = Event(book_published, Book, {"book": book, "author": author})
        told = TellTheAuthor().notification(event)
        assert told.recipients == (author,)
        assert told.subject_for(author) == "“Emma” has come out"
        assert "Dear Jane Austen," in told.text_for(author)
        TellTheAuthor().handle(event)
        assert [letter.to for letter in mail.outbox] == [["jane@example.org"]]

    def test_who_was_not_signed_in_has_no_basket_to_keep(self) -> None:
        assert not KeepBasket().when(UserLoggedOut(user_logged_out, User, {"user": None}))


@pytest.mark.django_db
class TestWithoutTheOthers:
    """Factories make what a test needs; who would react to that is muted, or was never asked."""

    def test_one_receiver_is_muted_by_its_name(self) -> None:
        with signalkit.muted("accounts.GiveProfile"):
            reader = UserFactory()
        assert not Profile.objects.filter(user=reader).exists()
        run_on_commit()
        assert [letter.to for letter in mail.outbox] == [[reader.email]]

    @signalkit.muted()
    def test_all_of_them_are(self) -> None:
        UserFactory()
        run_on_commit()
        assert not Profile.objects.exists()
        assert mail.outbox == []

    def test_factory_boy_mutes_a_signal_and_with_it_everybody_who_hears_it(self) -> None:
        with mute_signals(post_save):
            reader = UserFactory()
        run_on_commit()
        assert not Profile.objects.filter(user=reader).exists()
        assert mail.outbox == []
        assert UserFactory().profile.kind == Profile.Kind.READER

    def test_a_channel_is_called_as_a_receiver_is(self) -> None:
        reader, book = UserFactory(), BookFactory()
        news = Notification(recipients=(reader,), subject="New.", context={"book": book})
        put_under_the_bell(news)
        told = reader.notifications.get()
        assert (told.text, told.url) == ("New.", book.get_absolute_url())

    def test_with_what_might_be_too_long_for_it(self) -> None:
        reader, book = UserFactory(), BookFactory()
        long = Notification(recipients=(reader,), subject="new " * 99, context={"book": book})
        put_under_the_bell(long)
        text = reader.notifications.get().text
        assert (len(text) <= 200, text[-1]) == (True, "…")


class TestAfterTheCommit(TestCase):
    """A TestCase never commits. Django's own helper runs what waits for it, and counts it."""

    def test_what_waits_is_captured(self) -> None:
        with signalkit.muted("accounts.Welcome"):
            order = OrderFactory()
        with self.captureOnCommitCallbacks() as waiting:
            ship_order(order)
        assert len(waiting) == 1
        assert mail.outbox == []

    def test_and_executed(self) -> None:
        with signalkit.muted():
            order = OrderFactory()
        with self.captureOnCommitCallbacks(execute=True):
            ship_order(order)
        assert [letter.to for letter in mail.outbox] == [[order.customer.email]]
        assert mail.outbox[0].subject == f"Order {order.number} is on its way"

    def test_an_order_that_was_shipped_is_told_of_once(self) -> None:
        with signalkit.muted():
            order = ship_order(OrderFactory())
        with self.captureOnCommitCallbacks(execute=True):
            ship_order(order)
            order.save()
        assert mail.outbox == []

    @override_settings(SHOP_WAREHOUSE=Path("not mounted") / "orders")
    def test_a_failure_that_would_only_be_logged_is_raised(self) -> None:
        with (
            pytest.raises(ExceptionGroup) as raised,
            raise_failures(),
            self.captureOnCommitCallbacks(execute=True),
        ):
            OrderFactory()
        (error,) = raised.value.exceptions
        assert isinstance(error, OSError)


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_is_told_to_nobody() -> None:
    author = AuthorFactory(email="jane@example.org")
    draft = BookFactory(author=author, status=Book.Status.DRAFT)
    with transaction.atomic():
        publish_book(draft)
        transaction.set_rollback(True)
    assert mail.outbox == []
    publish_book(draft)
    assert [letter.to for letter in mail.outbox] == [["jane@example.org"]]


@pytest.mark.django_db
class TestUpdates:
    """`update()` has no instances: what is heard of it is the fields, and the number of rows."""

    def test_one_is_seen(self) -> None:
        seen: list[tuple[tuple[str, ...], int]] = []

        def see(sender: type, fields: tuple[str, ...], rows: int, **kwargs: Any) -> None:
            seen.append((fields, rows))

        books = [BookFactory(stock=0), BookFactory(stock=3)]
        bulk.post_update.connect(see, sender=Book)
        try:
            assert restock_books(Book.objects.filter(stock__lt=9), 5) == 2
        finally:
            bulk.post_update.disconnect(see, sender=Book)
        assert seen == [(("stock",), 2)]
        assert [Book.objects.get(pk=book.pk).stock for book in books] == [5, 8]


class TestConnected:
    """Each of these fails when its receiver is no longer connected, or to something else."""

    def test_the_signal_has_listeners(self) -> None:
        assert book_published.has_listeners(Book)
        assert bulk.post_update.has_listeners(Book)
        assert not bulk.post_update.has_listeners(Author)

    @pytest.mark.parametrize(
        ("receiver", "phase"),
        [
            ("accounts.GiveProfile", Phase.INLINE),
            ("accounts.Welcome", Phase.AFTER_COMMIT),
            ("shop.ConfirmOrder", Phase.AFTER_COMMIT),
            ("shop.KeepKeywords", Phase.INLINE),
        ],
    )
    def test_it_is_declared_with_its_phase(self, receiver: str, phase: Phase) -> None:
        assert registry.get(receiver).phase is phase

    def test_the_listing_names_those_that_hear_of_a_publication(self) -> None:
        assert _listed("book_published") == {
            "accounts.SendNewsletter": "connected",
            "shop.ForgetSitemap": "connected",
            "shop.TellTheAuthor": "connected",
            "shop.receivers.plain.Tally.__call__": "connected",
        }

    def test_plain_ones_are_among_them(self) -> None:
        assert _listed("order_placed") == {
            "accounts.fulfil_wishes": "connected",
            "shop.receivers.plain.count_order": "connected",
        }

    def test_ours_is_the_one_that_gives_profiles(self) -> None:
        assert registry.replaced_by().keys() == set()
        assert "signalkit.CreateProfile" not in registry


def _listed(signal: str) -> dict[str, str]:
    """Return the state of each receiver of a signal, by its name."""
    return {name: row["state"] for name, row in _rows_of(signal).items()}


def _rows_of(signal: str) -> dict[str, dict[str, Any]]:
    """Return what signalkit lists of each receiver of a signal, by its name."""
    out = io.StringIO()
    call_command("signalkit", "list", "--signal", signal, "--format", "json", stdout=out)
    return {row["receiver"]: row for row in json.loads(out.getvalue())["receivers"]}


class TestDjangosOwn:
    """Plain receivers: an observer is called when, and as often as, the signal is sent."""

    def test_a_function_counts_orders(self) -> None:
        before = pulse.seen["orders"]
        count_order(Order)
        assert pulse.seen["orders"] == before + 1

    def test_its_sender_keeps_it_from_hearing_of_others(self) -> None:
        before = pulse.seen["orders"]
        with signalkit.muted():
            order_placed.send(sender=Book, order=None)
            assert pulse.seen["orders"] == before
            order_placed.send(sender=Order, order=None)
        assert pulse.seen["orders"] == before + 1

    def test_an_object_that_nobody_else_keeps_is_kept_by_the_signal(self) -> None:
        tally = _rows_of("book_published")["shop.receivers.plain.Tally.__call__"]
        # Asked, not tried out: under DEBUG, Django happens to keep weak ones alive as well.
        assert tally["weak"] is False
        before = pulse.seen["books published"]
        with signalkit.muted():
            book_published.send(sender=Book, book=Book(), author=Author())
        assert pulse.seen["books published"] == before + 1
