"""What surrounds a migration of the shop's database."""

from typing import Any

from django.apps import AppConfig, apps
from django.contrib.auth.management import create_permissions
from django.core.management import CommandError
from django.db import connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.models.signals import post_migrate, pre_migrate

import signalkit
from signalkit import Event, Receiver


class RefuseOlderCode(Receiver):
    """Refuse to migrate a database that newer code has already migrated.

    After a deployment is taken back, the older code does not know the newer migrations. Django
    goes on without a word; here the person at the keyboard is asked first.
    """

    signal = pre_migrate
    sender = "shop"

    def handle(self, event: Event) -> None:
        """Compare the migrations on record with those on the disk."""
        recorder = MigrationRecorder(connections[event.payload["using"]])
        known = MigrationLoader(None).disk_migrations
        unknown = [
            f"{app}.{name}"
            for app, name in recorder.applied_migrations()
            if app == event.sender.label and (app, name) not in known
        ]
        if unknown:
            raise CommandError(
                f"The database {event.using!r} has migrations that this code does not know: "
                f"{', '.join(sorted(unknown))}. Deploy the code that brought them, or undo them "
                "with it."
            )


@signalkit.receiver(post_migrate, sender="shop", name="shop.prepare_booksellers")
def prepare_booksellers(sender: AppConfig, using: str, **kwargs: Any) -> None:
    """Make sure that there is a group for the staff, with its permissions.

    post_migrate comes after every `migrate`, and after `flush` with fewer arguments, so what it
    does must bear repetition. The permissions are made by a receiver of the same signal that may
    come later than this one; asking for them here makes the order not matter.

    `apps` in the arguments are the models as the migrations left them. They are used here instead
    of an import, because the code may already be ahead of the database.
    """
    models = kwargs.get("apps", apps)
    create_permissions(sender, using=using, apps=models, verbosity=0)
    groups = models.get_model("auth", "Group")._default_manager.using(using)
    permissions = models.get_model("auth", "Permission")._default_manager.using(using)
    group, _ = groups.get_or_create(name="Booksellers")
    group.permissions.add(*permissions.filter(content_type__app_label=sender.label))
