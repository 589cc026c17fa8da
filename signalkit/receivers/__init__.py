"""Receivers that are ready to be subclassed. Importing them loads no model."""

from signalkit.receivers.cache import InvalidateCache, aversioned_key, versioned_key
from signalkit.receivers.m2m import Links, M2MChange, M2MReceiver
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
    "Links",
    "M2MChange",
    "M2MReceiver",
    "Mail",
    "Message",
    "Notification",
    "NotifyOnCommit",
    "aversioned_key",
    "notify_on_commit",
    "versioned_key",
]
