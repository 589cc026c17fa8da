"""Shapes of columns and keys that the test app has not."""

from __future__ import annotations

from typing import ClassVar

from django.core.files.storage import InMemoryStorage
from django.db import models
from django.db.models import F


class PageManager(models.Manager["Page"]):
    def get_by_natural_key(self, name: str) -> Page:
        return self.get(name=name)


class Page(models.Model):
    """Found by name in fixtures, so that they may refer to what comes later."""

    name = models.CharField(max_length=50, unique=True)
    next = models.ForeignKey("self", models.SET_NULL, null=True)
    see_also = models.ManyToManyField("self", symmetrical=False)

    objects = PageManager()

    class Meta:
        app_label = "testapp"

    def natural_key(self) -> tuple[str]:
        return (self.name,)


class Cover(models.Model):
    image = models.FileField(storage=InMemoryStorage())

    objects: ClassVar[models.Manager[Cover]]

    class Meta:
        app_label = "testapp"


class Line(models.Model):
    pk = models.CompositePrimaryKey("invoice", "number")
    invoice = models.IntegerField()
    number = models.IntegerField()
    quantity = models.IntegerField(default=1)

    objects: ClassVar[models.Manager[Line]]

    class Meta:
        app_label = "testapp"


class Rectangle(models.Model):
    width = models.IntegerField()
    height = models.IntegerField()
    area = models.GeneratedField(
        expression=F("width") * F("height"), output_field=models.IntegerField(), db_persist=True
    )

    objects: ClassVar[models.Manager[Rectangle]]

    class Meta:
        app_label = "testapp"


class Coin(models.Model):
    """Its primary key is an expression until the row is there."""

    number = models.IntegerField(primary_key=True, db_default=1)

    objects: ClassVar[models.Manager[Coin]]

    class Meta:
        app_label = "testapp"
