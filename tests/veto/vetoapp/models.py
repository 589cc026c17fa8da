"""A small library: books with covers, genres, copies and reviews."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.files import File
from django.db import models


def has_content(file: File[bytes]) -> None:
    """Read the file, as a validator of images does."""
    if not file.read():
        raise ValidationError("The file is empty.")


class Genre(models.Model):
    name = models.CharField(max_length=50)

    def __str__(self) -> str:
        return self.name


class Book(models.Model):
    title = models.CharField(max_length=100)
    price = models.DecimalField(max_digits=8, decimal_places=2, default=0)
    internal = models.CharField(max_length=100, blank=True, editable=False)
    cover = models.FileField(upload_to="covers", blank=True, validators=[has_content])
    genres = models.ManyToManyField(Genre, blank=True)

    def __str__(self) -> str:
        return self.title


class Copy(models.Model):
    book = models.ForeignKey(Book, models.CASCADE, related_name="copies")
    shelf = models.CharField(max_length=20)
    quantity = models.IntegerField(default=1)

    def __str__(self) -> str:
        return self.shelf


class Review(models.Model):
    book = models.ForeignKey(Book, models.CASCADE, related_name="reviews")
    text = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.text


class Note(models.Model):
    """What receivers and admins of another database write."""

    text = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.text
