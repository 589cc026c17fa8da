"""The forms of the shop."""

from collections.abc import Mapping
from typing import Any

from django import forms

from .basket import MOST_COPIES, Basket


class BasketForm(forms.Form):
    """How many copies of each book in the basket; none takes it out."""

    def __init__(self, basket: Basket, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data)
        self.basket = basket
        for book, copies in basket:
            self.fields[self.name(book.pk)] = forms.IntegerField(
                label=f"Copies of {book}",
                min_value=0,
                max_value=MOST_COPIES,
                initial=copies,
                required=False,
            )

    @staticmethod
    def name(pk: int) -> str:
        """The name of the field for the book with this key."""
        return f"copies-{pk}"

    def rows(self) -> list[dict[str, Any]]:
        """The books, each with its field and what it comes to."""
        return [
            {
                "book": book,
                "copies": copies,
                "amount": copies * book.price,
                "field": self[self.name(book.pk)],
            }
            for book, copies in self.basket
        ]

    def save(self) -> None:
        """Put the numbers into the basket; where none was given, what is in it stays."""
        for book, _ in list(self.basket):
            copies = self.cleaned_data[self.name(book.pk)]
            if copies is not None:
                self.basket.put(book, copies)
