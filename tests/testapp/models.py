"""One model for every shape of sender."""

from __future__ import annotations

import uuid

from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=100)
    email = models.EmailField(blank=True)

    def __str__(self) -> str:
        return self.name


class Tag(models.Model):
    name = models.CharField(max_length=50, unique=True)

    def __str__(self) -> str:
        return self.name


class Book(models.Model):
    title = models.CharField(max_length=100)
    status = models.CharField(max_length=20, default="draft")
    price = models.DecimalField(max_digits=8, decimal_places=2, default=0)
    stock = models.IntegerField(default=0)
    author = models.ForeignKey(Author, models.CASCADE, null=True, related_name="books")
    tags = models.ManyToManyField(Tag, related_name="books")

    def __str__(self) -> str:
        return self.title


class Audiobook(Book):
    """Multi-table inheritance: a row of its own, and the parent's."""

    minutes = models.IntegerField(default=0)


class Bestseller(Book):
    """A proxy: the parent's row under another class."""

    class Meta:
        proxy = True


class Dated(models.Model):
    """Abstract: never a sender itself."""

    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True


class Article(Dated):
    headline = models.CharField(max_length=100)
    body = models.JSONField(default=dict)


class Ticket(models.Model):
    """A primary key that exists before the row does."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    state = models.CharField(max_length=20, default="open")


class Record(models.Model):
    """What receivers under test write, so that commits and rollbacks show."""

    text = models.CharField(max_length=200)

    def __str__(self) -> str:
        return self.text


class DeferredCheck(models.Model):
    """Its constraint is checked at COMMIT, where the database supports that."""

    author = models.ForeignKey(Author, models.CASCADE, db_constraint=True)
