"""What surrounds a migration of the shop's database."""

from django.apps import apps
from django.contrib.auth.management import create_permissions
from django.core.management import CommandError
from django.db import connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from signalkit.builtin_events import PostMigrate, PreMigrate
from signalkit.receivers import MigrateReceiver


class RefuseOlderCode(MigrateReceiver):
    """Refuse to migrate a database that newer code has already migrated.

    After a deployment is taken back, the older code does not know the newer migrations. Django
    goes on without a word; here the person at the keyboard is asked first.
    """

    sender = "shop"

    def on_pre_migrate(self, event: PreMigrate) -> None:
        """Compare the migrations on record with those on the disk."""
        recorder = MigrationRecorder(connections[event.using])
        known = MigrationLoader(None).disk_migrations
        unknown = [
            f"{app}.{name}"
            for app, name in recorder.applied_migrations()
            if app == event.app_config.label and (app, name) not in known
        ]
        if unknown:
            raise CommandError(
                f"The database {event.using!r} has migrations that this code does not know: "
                f"{', '.join(sorted(unknown))}. Deploy the code that brought them, or undo them "
                "with it."
            )


class PrepareBooksellers(MigrateReceiver):
    """Make sure that there is a group for the staff, with its permissions.

    post_migrate comes after every `migrate`, and after `flush` with fewer arguments, so what it
    does must bear repetition. The permissions are made by a receiver of the same signal that may
    come later than this one; asking for them here makes the order not matter.

    `event.apps` are the models as the migrations left them. They are used here instead of an
    import, because the code may already be ahead of the database. A `flush` has none.
    """

    sender = "shop"

    def on_post_migrate(self, event: PostMigrate) -> None:
        """Make the group, and give it what the shop's models have."""
        models = event.apps or apps
        create_permissions(event.app_config, using=event.using, apps=models, verbosity=0)
        groups = models.get_model("auth", "Group")._default_manager.using(event.using)
        permissions = models.get_model("auth", "Permission")._default_manager.using(event.using)
        group, _ = groups.get_or_create(name="Booksellers")
        group.permissions.add(*permissions.filter(content_type__app_label=event.app_config.label))
