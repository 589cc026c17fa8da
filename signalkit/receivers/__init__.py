"""Receivers that are ready to be subclassed. Importing them loads no model."""

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
    "Mail",
    "Message",
    "Notification",
    "NotifyOnCommit",
    "notify_on_commit",
]
