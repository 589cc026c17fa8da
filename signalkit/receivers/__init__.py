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
from signalkit.receivers.transitions import ABSENT, ANY, StatusChanged, Transition

__all__ = [
    "ABSENT",
    "ANY",
    "Channel",
    "InvalidateCache",
    "Links",
    "M2MChange",
    "M2MReceiver",
    "Mail",
    "Message",
    "Notification",
    "NotifyOnCommit",
    "StatusChanged",
    "Transition",
    "aversioned_key",
    "notify_on_commit",
    "versioned_key",
]
