"""What follows from people signing up, in and out, and from what the shop tells."""

from collections.abc import Iterable, Mapping
from textwrap import shorten
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in
from django.db.models import F
from django.http import HttpRequest

import signalkit
from shop.basket import Basket
from shop.models import Book, Order
from shop.money import money
from shop.signals import order_placed
from signalkit import Event
from signalkit.builtin_events import PostSave, UserLoggedOut, UserLoginFailed
from signalkit.receivers import AuthReceiver, CreateProfile, Mail, Notification, NotifyOnCommit
from signalkit.signals import book_published

from . import models
from .guard import count_failure, forget_failures
from .models import Profile
from .services import profile_of


class GiveProfile(CreateProfile[User], replaces="signalkit.CreateProfile"):
    """Give every new user a profile.

    Inline, so that `user.profile` is there on the next line. What an inline of the admin brings
    along is kept, and users from a fixture are left alone.
    """

    related_model = "accounts.Profile"

    def defaults_for(self, owner: User) -> Mapping[str, Any]:
        """The kind that fits the user."""
        return {"kind": Profile.Kind.BOOKSELLER if owner.is_staff else Profile.Kind.READER}

    def fill(self, related: Any, owner: User) -> None:
        """Send the news to those who work here, unasked."""
        related.newsletter = owner.is_staff


class Welcome(NotifyOnCommit[PostSave[User]]):
    """E-mail a new reader a welcome.

    After commit: a sign-up that is rolled back must not have been welcomed. Who gave no address is
    passed over.
    """

    sender = settings.AUTH_USER_MODEL
    created = True
    template = "accounts/mail/welcome"

    def recipients(self, event: PostSave[User]) -> list[User]:
        return [event.instance]

    def subject(self, event: PostSave[User]) -> str:
        return f"Welcome to {settings.SHOP_NAME}"

    def context(self, event: PostSave[User]) -> Mapping[str, Any]:
        return {"shop_name": settings.SHOP_NAME}


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


class KeepBasket(AuthReceiver):
    """Keep the basket of a user who leaves.

    It is sent before the session is flushed: the last moment at which the basket can be read.
    Signing out without being signed in sends it as well, with no user.
    """

    def when(self, event: UserLoggedOut) -> bool:
        return event.user is not None

    def on_logged_out(self, event: UserLoggedOut) -> None:
        """Write it into the profile."""
        saved = Basket(event.request.session).as_saved()
        Profile.objects.filter(user=event.user).update(saved_basket=saved)


class CountFailedLogins(AuthReceiver):
    """Count the failed attempts of a name, so that nobody guesses for long.

    Of the credentials the name alone is shown here; everything else is stars.
    """

    def on_login_failed(self, event: UserLoginFailed) -> None:
        """Count one more."""
        if username := event.credentials.get("username"):
            count_failure(str(username))


def put_under_the_bell(notification: Notification) -> None:
    """Leave each recipient a line on their own page: a channel, as mail is one.

    `bulk_create` sends none of Django's signals, which here is the point: nobody reacts to it.
    """
    book: Book = notification.context["book"]
    models.Notification.objects.bulk_create(
        models.Notification(
            user=user,
            text=shorten(notification.subject_for(user), models.LINE, placeholder="…"),
            url=book.get_absolute_url(),
        )
        for user in notification.recipients or ()
    )


class TellOfNewPrice(NotifyOnCommit[PostSave[Book]]):
    """Notify readers that a book on their wish list has a new price.

    Of the many saves of a book only those that changed the price are looked at, and only once
    they are committed.
    """

    sender = "shop.Book"
    changed = ("price",)
    created = False
    channels = (put_under_the_bell,)

    def when(self, event: PostSave[Book]) -> bool:
        return event.instance.is_published

    def recipients(self, event: PostSave[Book]) -> Iterable[User]:
        return User.objects.filter(profile__wishlist=event.pk)

    def subject(self, event: PostSave[Book]) -> str:
        book = event.instance
        return f"“{book}”, on your wish list, is now {money(book.price)}."

    def context(self, event: PostSave[Book]) -> Mapping[str, Any]:
        return {"book": event.instance}


@signalkit.receiver(order_placed, name="accounts.fulfil_wishes")
def fulfil_wishes(sender: type, order: Order, **kwargs: Any) -> None:
    """Take what was bought off the wish list.

    The shop's own signal is sent inside the order's transaction: should the order fail after all,
    the wishes come back with it.
    """
    profile = Profile.objects.filter(user=order.customer).first()
    if profile is not None:
        profile.wishlist.remove(*Book.objects.filter(order_lines__order=order))


class SendNewsletter(NotifyOnCommit[Event]):
    """E-mail the readers who want to know of new books, and leave them a line under the bell.

    Each gets a letter of their own. The shop tells of a publication once it is committed, so there
    is nothing to wait for.
    """

    signal = book_published
    channels = (Mail(), put_under_the_bell)

    def recipients(self, event: Event) -> Iterable[User]:
        return User.objects.filter(profile__newsletter=True)

    def subject(self, event: Event) -> str:
        return f"New: {event.book} by {event.author}"

    def body(self, event: Event) -> str:
        return str(event.book.blurb)

    def context(self, event: Event) -> Mapping[str, Any]:
        return {"book": event.book}
