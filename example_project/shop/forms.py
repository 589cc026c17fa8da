"""The forms of the shop."""

from django import forms

from .basket import MOST_COPIES, Basket


class BasketForm(forms.Form):
    """How many copies of each book in the basket; none takes it out."""

    def __init__(self, basket: Basket, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.basket = basket
        for book, copies in basket:
            self.fields[self.name(book.pk)] = forms.IntegerField(
                label=f"Copies of {book}", min_value=0, max_value=MOST_COPIES, initial=copies
            )

    @staticmethod
    def name(pk: int) -> str:
        """The name of the field for the book with this key."""
        return f"copies-{pk}"

    def rows(self) -> list[dict[str, object]]:
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
        """Put the numbers into the basket."""
        for book, _ in list(self.basket):
            self.basket.put(book, self.cleaned_data[self.name(book.pk)])
