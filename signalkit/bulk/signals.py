"""The signals. Like those of models, they take a sender as ``"app_label.ModelName"``."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from django.apps.registry import Apps
from django.db.models.signals import ModelSignal

from signalkit import catalogue

OnChange = Callable[[Any], object]


class BulkSignal(ModelSignal):
    """A model signal that tells of each change of its receivers.

    Only the models that one of them names are watched.
    """

    on_change: OnChange
    """Called with the sender, once a receiver was connected or disconnected. The one that knows who
    is watched sets it, for all of them."""

    def __init__(self) -> None:
        """Remember who hears of whom, as Django's own model signals do."""
        super().__init__(use_caching=True)

    def connect(
        self,
        receiver: Callable[..., Any],
        sender: Any = None,
        weak: bool = True,
        dispatch_uid: Hashable | None = None,
        apps: Apps | None = None,
    ) -> None:
        """Connect a receiver, see :meth:`django.dispatch.Signal.connect`.

        Args:
            receiver: what to call.
            sender: a model class, ``"app_label.ModelName"``, or None for every watched model.
            weak: whether to refer to the receiver weakly.
            dispatch_uid: what tells the connection from others.
            apps: where a string is looked up.
        """
        super().connect(receiver, sender, weak, dispatch_uid, apps)
        self.on_change(sender)

    # What Django's own ModelSignal takes and returns, the stubs leave out.
    def disconnect(  # type: ignore[override]
        self,
        receiver: Callable[..., Any] | None = None,
        sender: Any = None,
        dispatch_uid: Hashable | None = None,
        apps: Apps | None = None,
    ) -> bool | None:
        """Disconnect a receiver, see :meth:`django.dispatch.Signal.disconnect`.

        Args:
            receiver: what was connected; not needed with a ``dispatch_uid``.
            sender: as it was connected.
            dispatch_uid: as it was connected.
            apps: where a string is looked up.

        Returns:
            Whether there was such a connection; None, as from Django, where a string stands for
            the sender.
        """
        disconnected = super().disconnect(receiver, sender, dispatch_uid, apps)
        self.on_change(sender)
        return disconnected


pre_bulk_create = BulkSignal()
"""``bulk_create()`` is about to insert ``objs``."""

post_bulk_create = BulkSignal()
"""``bulk_create()`` has inserted ``objs``."""

pre_bulk_update = BulkSignal()
"""``bulk_update()`` is about to write ``fields`` of ``objs``."""

post_bulk_update = BulkSignal()
"""``bulk_update()`` has written ``fields`` of ``objs``, and has met ``rows`` of them."""

pre_update = BulkSignal()
"""``update()`` is about to write ``values`` to the rows of ``queryset``."""

post_update = BulkSignal()
"""``update()`` has written ``values`` to ``rows`` rows."""

_CREATE = "objs batch_size ignore_conflicts update_conflicts update_fields unique_fields using"
_BULK_UPDATE = "objs fields batch_size using"
_UPDATE = "values fields using"

catalogue.add_bulk_signals(
    "signalkit.bulk",
    (
        ("pre_bulk_create", pre_bulk_create, _CREATE),
        ("post_bulk_create", post_bulk_create, _CREATE),
        ("pre_bulk_update", pre_bulk_update, _BULK_UPDATE),
        ("post_bulk_update", post_bulk_update, f"{_BULK_UPDATE} rows"),
        ("pre_update", pre_update, f"{_UPDATE} queryset"),
        ("post_update", post_update, f"{_UPDATE} rows pks"),
    ),
)

SIGNALS = (
    pre_bulk_create,
    post_bulk_create,
    pre_bulk_update,
    post_bulk_update,
    pre_update,
    post_update,
)
"""All of them."""
