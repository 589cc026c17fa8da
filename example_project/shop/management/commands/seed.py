"""`manage.py seed`: something to look at."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand

from shop.seeding import BOOKSELLER, PASSWORD, READER, missing_migrations, seed


class Command(BaseCommand):
    """Fill the shop with authors, books and two users."""

    help = (
        "Fills the shop with authors, books and two users; adds only what is missing. Runs the "
        "migrations that the database has not seen yet."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        if missing := missing_migrations():
            call_command("migrate", verbosity=0)
            self.stdout.write(f"Ran {missing} migrations that the database had not seen yet.")
        added = seed()
        self.stdout.write(
            self.style.SUCCESS(
                f"Added {added.authors} authors, {added.books} books and {added.users} users."
            )
        )
        self.stdout.write(f'Sign in as "{BOOKSELLER}" or "{READER}", password "{PASSWORD}".')
