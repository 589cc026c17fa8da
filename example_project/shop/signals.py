"""The shop's own signals: what other apps may react to without the shop knowing them.

Whoever builds on the shop writes receivers for these in a `receivers` module of their own app, as
`accounts` does. Each signal says when it is sent, which is what a receiver must know first.

That a book has come out is told by a signal that signalkit brings along, so that an app may hear
of it from any shop: `signalkit.signals.book_published`, sent by `shop.AnnouncePublication`.
"""

from django.dispatch import Signal

order_placed = Signal()
"""Sent with `send` inside the order's transaction: a receiver that raises undoes the order.

Arguments: sender (Order), order, using.
"""

shop_searched = Signal()
"""Sent with `asend` by the search that answers while one types.

Arguments: sender (None), term, found (number of books).
"""
