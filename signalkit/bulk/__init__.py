"""Signals of the writes that Django tells nobody of: ``bulk_create``, ``bulk_update``, ``update``.

They are sent for the models that ask for them: those that a receiver names as its sender, and those
that are given to :func:`watch`. For all others, and as long as there is none, Django is as it was.
"""

from signalkit.bulk.signals import (
    post_bulk_create,
    post_bulk_update,
    post_update,
    pre_bulk_create,
    pre_bulk_update,
    pre_update,
)
from signalkit.bulk.watching import unwatch, watch, watched

__all__ = [
    "post_bulk_create",
    "post_bulk_update",
    "post_update",
    "pre_bulk_create",
    "pre_bulk_update",
    "pre_update",
    "unwatch",
    "watch",
    "watched",
]
