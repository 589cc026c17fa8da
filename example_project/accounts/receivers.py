"""What follows from people signing up, in and out, and from what the shop tells."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.core.mail import send_mail, send_mass_mail
from django.db.models import F
from django.db.models.signals import post_save
from django.http import HttpRequest

import signalkit
from shop.basket import Basket
from shop.models import Book, Order
from shop.money import money
from shop.signals import book_published, order_placed
from signalkit import Event, ModelReceiver, Phase, Receiver

from .guard import count_failure, forget_failures
from .models import Notification, Profile
from .services import profile_of


class GiveProfile(ModelReceiver):
    """Give every new user a profile.

    Inline, so that `user.profile` is there on the next line. `get_or_create`, because an admin
    inline or a fixture may have brought one along. Users from a fixture come with `raw`, which
    class-based receivers leave alone.
    """

    signal = post_save
    sender = settings.AUTH_USER_MODEL
    created = True

    def handle(self, event: Event) -> None:
        """Make it, of the kind that fits the user."""
        user = event.instance
        kind = Profile.Kind.BOOKSELLER if user.is_staff else Profile.Kind.READER
        Profile.objects.using(event.using).get_or_create(user=user, defaults={"kind": kind})


class Welcome(ModelReceiver):
    """E-mail a new reader a welcome.

    After commit: a sign-up that is rolled back must not have been welcomed.
    """

    signal = post_save
    sender = settings.AUTH_USER_MODEL
    created = True
    phase = Phase.AFTER_COMMIT

    def when(self, event: Event) -> bool:
        return bool(event.instance.email)

    def handle(self, event: Event) -> None:
        """Write the letter."""
        user = event.instance
        send_mail(
            f"Welcome to {settings.SHOP_NAME}",
            f"Dear {user.get_username()},\n\nthe door is open. Come in and read.\n",
            None,
            [user.email],
        )


@signalkit.receiver(user_logged_in, name="accounts.greet")
def greet(sender: type, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    """Greet the user, and put back what was in the basket when they left.

    Signals of signing in and out bring the request, so a message can be left for the next page.
    They may be sent without one by a script that calls `login()`, hence `fail_silently`.
    """
    forget_failures(user.get_username())
    profile = profile_of(user)
    Profile.objects.filter(pk=profile.pk).update(visits=F("visits") + 1)
    basket = Basket(request.session)
    basket.merge(profile.saved_basket)
    greeting = "Welcome back" if profile.visits else "Welcome"
    messages.success(request, f"{greeting}, {user.get_username()}.", fail_silently=True)


class KeepBasket(Receiver):
    """Keep the basket of a user who leaves.

    It is sent before the session is flushed: the last moment at which the basket can be read.
    Signing out without being signed in sends it as well, with no user.
    """

    signal = user_logged_out

    def when(self, event: Event) -> bool:
        return event.user is not None

    def handle(self, event: Event) -> None:
        """Write it into the profile."""
        saved = Basket(event.request.session).as_saved()
        Profile.objects.filter(user=event.user).update(saved_basket=saved)


@signalkit.receiver(user_login_failed, name="accounts.count_failed_login")
def count_failed_login(sender: str, credentials: dict[str, Any], **kwargs: Any) -> None:
    """Count the failed attempts of a name, so that nobody guesses for long.

    The sender of this signal is a string, and passwords in `credentials` are stars already.
    """
    if username := credentials.get("username"):
        count_failure(str(username))


class TellOfNewPrice(ModelReceiver):
    """Notify readers that a book on their wish list has a new price.

    Of the many saves of a book only those that changed the price are looked at, and only once
    they are committed. `bulk_create` sends no signals, which here is the point: nobody reacts to a
    notification.
    """

    signal = post_save
    sender = "shop.Book"
    phase = Phase.AFTER_COMMIT
    changed = ("price",)
    created = False

    def when(self, event: Event) -> bool:
        return bool(event.instance.is_published)

    def handle(self, event: Event) -> None:
        """Put a line under the bell of each."""
        book: Book = event.instance
        text = f"“{book}”, on your wish list, is now {money(book.price)}."
        Notification.objects.bulk_create(
            Notification(user_id=user, text=text, url=book.get_absolute_url())
            for user in Profile.objects.filter(wishlist=book).values_list("user", flat=True)
        )


@signalkit.receiver(order_placed, name="accounts.fulfil_wishes")
def fulfil_wishes(sender: type, order: Order, **kwargs: Any) -> None:
    """Take what was bought off the wish list.

    The shop's own signal is sent inside the order's transaction: should the order fail after all,
    the wishes come back with it.
    """
    profile = Profile.objects.filter(user=order.customer).first()
    if profile is not None:
        profile.wishlist.remove(*Book.objects.filter(order_lines__order=order))


@signalkit.receiver(book_published, name="accounts.send_newsletter")
def send_newsletter(sender: type, book: Book, **kwargs: Any) -> None:
    """E-mail the readers who want to know of new books.

    Sent by the shop after the publication is committed, and with `send_robust`.
    """
    readers = [
        profile.user
        for profile in Profile.objects.filter(newsletter=True)
        .exclude(user__email="")
        .select_related("user")
    ]
    subject = f"New: {book} by {book.author}"
    send_mass_mail((subject, book.blurb, None, [reader.email]) for reader in readers)
