"""`manage.py seed`: something to look at."""

from typing import Any

from django.core.management.base import BaseCommand

from shop.seeding import PASSWORD, seed


class Command(BaseCommand):
    """Fill the shop with authors, books and two users."""

    help = "Fills the shop with authors, books and two users; adds only what is missing."

    def handle(self, *args: Any, **options: Any) -> None:
        added = seed()
        self.stdout.write(
            self.style.SUCCESS(
                f"Added {added.authors} authors, {added.books} books and {added.users} users."
            )
        )
        if added.users:
            self.stdout.write(f'Sign in as "bookseller" or "ada", password "{PASSWORD}".')
