"""Relations and querysets that the test app has not."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.contenttypes.fields import GenericForeignKey, GenericRelation
from django.contrib.contenttypes.models import ContentType
from django.db import models


class Shelf(models.Model):
    name = models.CharField(max_length=50)
    notes = GenericRelation("testapp.Note")

    objects: ClassVar[models.Manager[Shelf]]

    class Meta:
        app_label = "testapp"


def no_shelf() -> None:
    return None


class ItemQuerySet(models.QuerySet["Item"]):
    """Does something of its own, and then what Django does."""

    def update(self, **kwargs: Any) -> int:
        return super().update(**{"touched": True, **kwargs})


class SilentQuerySet(models.QuerySet["Item"]):
    """Does it without ``super()``."""

    def update(self, **kwargs: Any) -> int:
        return len(kwargs)


class Item(models.Model):
    name = models.CharField(max_length=50)
    touched = models.BooleanField(default=False)
    shelf = models.ForeignKey(Shelf, models.SET_NULL, null=True, related_name="items")
    backup = models.ForeignKey(
        Shelf, models.SET_DEFAULT, null=True, default=None, related_name="backups"
    )
    spare = models.ForeignKey(Shelf, models.SET(no_shelf), null=True, related_name="spares")

    objects: ClassVar[models.Manager[Item]] = ItemQuerySet.as_manager()
    silent: ClassVar[models.Manager[Item]] = models.Manager.from_queryset(SilentQuerySet)()

    class Meta:
        app_label = "testapp"


class Part(models.Model):
    """Goes with its shelf, though it could stay without."""

    shelf = models.ForeignKey(Shelf, models.CASCADE, null=True)
    part_of = models.ForeignKey("self", models.CASCADE, null=True)

    objects: ClassVar[models.Manager[Part]]

    class Meta:
        app_label = "testapp"


class Note(models.Model):
    text = models.CharField(max_length=50)
    # Without a constraint: apps that have no migrations get their tables first.
    content_type = models.ForeignKey(ContentType, models.CASCADE, null=True, db_constraint=False)
    object_id = models.PositiveBigIntegerField(null=True)
    about = GenericForeignKey()

    objects: ClassVar[models.Manager[Note]]

    class Meta:
        app_label = "testapp"
