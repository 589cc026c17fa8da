"""Makes things for tests: each with as little as it needs, and told apart by a number."""

import factory
from django.contrib.auth import get_user_model
from factory.django import DjangoModelFactory

from .models import Author, Book, Order, OrderLine, Tag


class UserFactory(DjangoModelFactory):
    """A reader with an e-mail address."""

    class Meta:
        model = get_user_model()
        skip_postgeneration_save = True

    username = factory.Sequence(lambda number: f"reader-{number}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@example.org")
    password = factory.django.Password("a quiet page")


class AuthorFactory(DjangoModelFactory):
    """An author."""

    class Meta:
        model = Author

    name = factory.Sequence(lambda number: f"Author {number}")


class TagFactory(DjangoModelFactory):
    """A word."""

    class Meta:
        model = Tag

    name = factory.Sequence(lambda number: f"Tag {number}")


class BookFactory(DjangoModelFactory):
    """A book that could be sold; `tags=[...]` gives it some."""

    class Meta:
        model = Book
        skip_postgeneration_save = True

    title = factory.Sequence(lambda number: f"Book {number}")
    author = factory.SubFactory(AuthorFactory)
    blurb = "Worth reading."
    price = factory.Faker("pydecimal", left_digits=1, right_digits=2, min_value=5)
    stock = 10
    status = Book.Status.PUBLISHED

    @factory.post_generation
    def tags(self, create: bool, tags: list[Tag] | None, **kwargs: object) -> None:
        """Give the book its tags."""
        if create and tags:
            self.tags.set(tags)


class OrderFactory(DjangoModelFactory):
    """An order, as yet without lines."""

    class Meta:
        model = Order

    customer = factory.SubFactory(UserFactory)


class OrderLineFactory(DjangoModelFactory):
    """A line of an order."""

    class Meta:
        model = OrderLine

    order = factory.SubFactory(OrderFactory)
    book = factory.SubFactory(BookFactory)
