"""The basket: copies by book, in the visitor's session."""

from collections.abc import Iterator

from django.contrib.sessions.backends.base import SessionBase

from .models import Book

KEY = "basket"
MOST_COPIES = 99


class Basket:
    """What a visitor has put aside, whether signed in or not."""

    def __init__(self, session: SessionBase) -> None:
        self._session = session
        self._copies: dict[str, int] = session.get(KEY, {})

    def __len__(self) -> int:
        return sum(self._copies.values())

    def __iter__(self) -> Iterator[tuple[Book, int]]:
        """Books that are still sold, with the copies wanted, by title."""
        for book in Book.objects.published().filter(pk__in=self._copies).select_related("author"):
            yield book, self._copies[str(book.pk)]

    def put(self, book: Book, copies: int) -> None:
        """Want exactly `copies` of a book; none takes it out."""
        if copies > 0:
            self._copies[str(book.pk)] = min(copies, MOST_COPIES)
        else:
            self._copies.pop(str(book.pk), None)
        self._session[KEY] = self._copies

    def add(self, book: Book) -> None:
        """Want one copy more."""
        self.put(book, self._copies.get(str(book.pk), 0) + 1)

    def merge(self, saved: dict[str, int]) -> None:
        """Add what was put aside another time; what is wanted now wins."""
        self._copies = {**saved, **self._copies}
        self._session[KEY] = self._copies

    def as_saved(self) -> dict[str, int]:
        """Return it in a form that JSON keeps."""
        return dict(self._copies)

    def empty(self) -> None:
        """Take everything out."""
        self._copies = {}
        self._session[KEY] = {}
