"""``MigrateReceiver``: what is done around the migrations of an app."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models.signals import post_migrate, pre_migrate
from django.dispatch import Signal

from signalkit.builtin_events import PostMigrate, PreMigrate
from signalkit.receivers.hooks import HookReceiver


class MigrateReceiver(HookReceiver, abstract=True):
    """Reacts to ``migrate`` and ``flush``. Write the methods that are wanted.

    ::

        class Genres(MigrateReceiver):
            sender = "shop"

            def on_post_migrate(self, event):
                for name in ("Novel", "Poetry"):
                    Genre.objects.using(event.using).get_or_create(name=name)

    It is called once for each app and database, also when there was nothing to migrate; ``sender``
    is an app's label. Tests flush, too, so what it makes has to be there afterwards again:
    ``on_post_migrate`` is called then, without a plan (``event.is_flush``).
    """

    def on_pre_migrate(self, event: PreMigrate) -> Any:
        """React before the migrations run. The tables may not be there yet."""

    def on_post_migrate(self, event: PostMigrate) -> Any:
        """React once they have run, or once the tables were emptied."""

    @classmethod
    def signals_of_hooks(cls) -> Mapping[str, Signal]:
        """Return the signal of each hook."""
        return {"on_pre_migrate": pre_migrate, "on_post_migrate": post_migrate}


MigrateReceiver.hooks_base = MigrateReceiver
