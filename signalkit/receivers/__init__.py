"""Receivers that are ready to be subclassed. Importing them loads no model."""

from signalkit.receivers.auth import AuthReceiver
from signalkit.receivers.cache import InvalidateCache, aversioned_key, versioned_key
from signalkit.receivers.connections import ConnectionReceiver
from signalkit.receivers.m2m import Links, M2MChange, M2MReceiver
from signalkit.receivers.migrate import MigrateReceiver
from signalkit.receivers.notify import (
    Channel,
    Mail,
    Message,
    Notification,
    NotifyOnCommit,
    notify_on_commit,
)
from signalkit.receivers.profile import CreateProfile
from signalkit.receivers.related import EnsureRelated
from signalkit.receivers.requests import RequestReceiver
from signalkit.receivers.tasks import TaskReceiver
from signalkit.receivers.transitions import ABSENT, ANY, StatusChanged, Transition

__all__ = [
    "ABSENT",
    "ANY",
    "AuthReceiver",
    "Channel",
    "ConnectionReceiver",
    "CreateProfile",
    "EnsureRelated",
    "InvalidateCache",
    "Links",
    "M2MChange",
    "M2MReceiver",
    "Mail",
    "Message",
    "MigrateReceiver",
    "Notification",
    "NotifyOnCommit",
    "RequestReceiver",
    "StatusChanged",
    "TaskReceiver",
    "Transition",
    "aversioned_key",
    "notify_on_commit",
    "versioned_key",
]
