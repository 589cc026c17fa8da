"""What ``ready()`` wires: the profile of each user, and all receivers that the project declares.

Beside it stand what services send and call by themselves: :data:`book_published` and
:func:`~signalkit.receivers.notify_on_commit`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from signalkit import conf
from signalkit.discovery import autodiscover
from signalkit.dispatch import switches
from signalkit.dispatch.connect import connector
from signalkit.receivers.notify import notify_on_commit
from signalkit.receivers.profile import declare_profile_receiver
from signalkit.transactions import watch
from signalkit.typed import TypedSignal
from signalkit.typed.signal import read_payloads

__all__ = ["BookPublished", "book_published", "notify_on_commit", "wire"]


@dataclass(frozen=True, kw_only=True)
class BookPublished:
    """What :data:`book_published` is sent with. signalkit knows no books: both are of any type."""

    book: Any
    """The book, as it is for sale now."""

    author: Any
    """Who wrote it."""


book_published = TypedSignal(BookPublished)
"""A book is for sale that was not before.

Whoever publishes sends it: the code that takes the decision, as a service or a view, and not the
model's ``save()``, which also runs for drafts and corrections. It is sent once per publication, by
the class of the book, when the publication is committed: it tells of what is done, and nobody can
undo it any more. So in a transaction::

    book_published.send_on_commit(sender=type(book), book=book, author=book.author)

and where there is none, or it is over::

    book_published.send_robust(sender=type(book), book=book, author=book.author)

signalkit itself never sends it.
"""


def wire() -> None:
    """Put signalkit to work: watch the connections, find the receivers, connect them.

    It runs in signalkit's own ``ready()``. Every model is loaded by then; the ``ready()`` of apps
    that stand before signalkit in INSTALLED_APPS has run, that of the others has not. Receivers
    that are declared later, for instance in such a ``ready()``, are connected when declared.

    Raises:
        ConfigurationError: the ``SIGNALKIT`` setting is not usable.
        DeclarationError: a receiver, or a typed signal, cannot work as it was declared.
    """
    settings = conf.config()
    switches.install()
    watch.install()
    autodiscover(settings.AUTODISCOVER)
    read_payloads()
    declare_profile_receiver()
    connector.wire()
