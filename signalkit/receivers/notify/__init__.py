"""Telling somebody, once what happened is committed."""

from signalkit.receivers.notify.channels import Mail, Message
from signalkit.receivers.notify.function import notify_on_commit
from signalkit.receivers.notify.notification import Channel, Notification
from signalkit.receivers.notify.receiver import NotifyOnCommit

__all__ = ["Channel", "Mail", "Message", "Notification", "NotifyOnCommit", "notify_on_commit"]
