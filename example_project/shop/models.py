"""What the shop sells, and to whom."""

import uuid
import zlib
from decimal import Decimal
from typing import Self

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q, QuerySet
from django.urls import reverse


def hue(text: str) -> int:
    """Return a colour angle in degrees (0 to 359) that stays the same for the same text."""
    return zlib.crc32(text.encode()) % 360


class Author(models.Model):
    """Someone who writes books."""

    name = models.CharField(max_length=120, unique=True)
    slug = models.SlugField(max_length=140, unique=True, blank=True)
    born = models.SmallIntegerField(null=True, blank=True)
    died = models.SmallIntegerField(null=True, blank=True)
    bio = models.TextField(blank=True)
    email = models.EmailField("e-mail address", blank=True)
    """Of the author, or of who looks after the estate."""

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("shop:author", args=[self.slug])

    @property
    def years(self) -> str:
        """The years of life, as readers write them: ``1797–1851``."""
        if self.born is None:
            return ""
        return f"{self.born}–{self.died}" if self.died is not None else f"born {self.born}"

    @classmethod
    def in_sitemap(cls) -> QuerySet["Author"]:
        """Those of whom a published book is in the shop."""
        return cls._default_manager.filter(books__status=Book.Status.PUBLISHED).distinct()


class Tag(models.Model):
    """A word that readers look for books by."""

    name = models.CharField(max_length=40, unique=True)
    slug = models.SlugField(max_length=50, unique=True, blank=True)

    hue: int
    """Set by the receiver `shop.colour_the_tag` whenever a tag is made or fetched."""

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return f"{reverse('shop:book-list')}?tag={self.slug}"


class BookQuerySet(models.QuerySet["Book"]):
    """Questions asked of the catalogue."""

    def published(self) -> Self:
        """Books that customers may see."""
        return self.filter(status=Book.Status.PUBLISHED)

    def search(self, term: str) -> Self:
        """Books whose title, author or tags contain every word of `term`."""
        found = self
        for word in term.split():
            found = found.filter(
                Q(title__icontains=word)
                | Q(author__name__icontains=word)
                | Q(keywords__icontains=word)
            )
        return found


class Book(models.Model):
    """A book, on the shelf or still in the drawer."""

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        PUBLISHED = "published", "Published"

    title = models.CharField(max_length=160)
    slug = models.SlugField(max_length=180, unique=True, blank=True)
    author = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="books")
    year = models.SmallIntegerField(null=True, blank=True)
    pages = models.PositiveSmallIntegerField(null=True, blank=True)
    blurb = models.TextField(blank=True)
    excerpt = models.FileField(upload_to="excerpts/", blank=True)
    price = models.DecimalField(
        max_digits=8, decimal_places=2, default=Decimal(0), validators=[MinValueValidator(0)]
    )
    stock = models.PositiveIntegerField(default=0)
    sold = models.PositiveIntegerField(default=0, editable=False)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.DRAFT)
    published_at = models.DateTimeField(null=True, blank=True, editable=False)
    tags = models.ManyToManyField(Tag, blank=True, related_name="books")
    keywords = models.TextField(blank=True, editable=False)
    """The tags as words, for searching; kept by the receiver `shop.KeepKeywords`."""

    objects = BookQuerySet.as_manager()

    class Meta:
        ordering = ["title"]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("shop:book", args=[self.slug])

    @property
    def hue(self) -> int:
        """The colour of the cover."""
        return hue(self.title)

    @property
    def is_published(self) -> bool:
        return self.status == self.Status.PUBLISHED

    @classmethod
    def in_sitemap(cls) -> QuerySet["Book"]:
        """The published ones."""
        return cls._default_manager.filter(status=cls.Status.PUBLISHED)


class Order(models.Model):
    """What one customer bought in one go."""

    class Status(models.TextChoices):
        PLACED = "placed", "Placed"
        SHIPPED = "shipped", "Shipped"

    reference = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="orders"
    )
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PLACED)
    placed_at = models.DateTimeField(auto_now_add=True)
    total = models.DecimalField(max_digits=10, decimal_places=2, default=Decimal(0), editable=False)
    """The sum of the lines; kept by the receiver `shop.AddUp`."""

    class Meta:
        ordering = ["-placed_at", "-pk"]

    def __str__(self) -> str:
        return f"Order {self.number}"

    @property
    def number(self) -> str:
        """The short form of the reference that customers are shown."""
        return str(self.reference)[:8].upper()


class OrderLine(models.Model):
    """One title in an order, at the price of the day it was bought."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    book = models.ForeignKey(Book, on_delete=models.SET_NULL, null=True, related_name="order_lines")
    title = models.CharField(max_length=160)
    quantity = models.PositiveSmallIntegerField(default=1, validators=[MinValueValidator(1)])
    price = models.DecimalField(max_digits=8, decimal_places=2)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["order", "book"], name="one_line_per_book"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.title}"

    @property
    def amount(self) -> Decimal:
        return self.quantity * self.price


class SearchTerm(models.Model):
    """What customers look for, so that the shop knows what it lacks."""

    term = models.CharField(max_length=80, unique=True)
    times = models.PositiveIntegerField(default=0)
    found = models.PositiveIntegerField(default=0)
    """How many books the latest search for it turned up."""

    class Meta:
        ordering = ["-times", "term"]

    def __str__(self) -> str:
        return self.term
