"""Receivers that are ready to be subclassed. Importing them loads no model."""

from signalkit.receivers.cache import InvalidateCache, aversioned_key, versioned_key
from signalkit.receivers.notify import (
    Channel,
    Mail,
    Message,
    Notification,
    NotifyOnCommit,
    notify_on_commit,
)

__all__ = [
    "Channel",
    "InvalidateCache",
    "Mail",
    "Message",
    "Notification",
    "NotifyOnCommit",
    "aversioned_key",
    "notify_on_commit",
    "versioned_key",
]
