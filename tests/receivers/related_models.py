"""Owners, and rows of every kind that one may have."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models


class MemberProfile(models.Model):
    """One that nobody makes."""

    # Tables of apps without migrations are made before those that have some.
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_constraint=False
    )

    class Meta:
        app_label = "testapp"


class Customer(models.Model):
    name = models.CharField(max_length=50)
    kind = models.CharField(max_length=20, default="person")
    card: Card
    firm: Firm

    objects: ClassVar[models.Manager[Customer]]

    class Meta:
        app_label = "testapp"


class Regular(Customer):
    class Meta:
        app_label = "testapp"
        proxy = True


class Wholesaler(Customer):
    discount = models.IntegerField(default=0)

    class Meta:
        app_label = "testapp"


class Card(models.Model):
    customer = models.OneToOneField(Customer, models.CASCADE, related_name="card")
    customer_id: int
    number = models.CharField(max_length=20, default="")
    points = models.IntegerField(default=0)
    opened = models.DateTimeField(auto_now_add=True)
    edited = models.DateTimeField(auto_now=True)

    objects: ClassVar[models.Manager[Card]]

    class Meta:
        app_label = "testapp"


class GoldCard(Card):
    """Its link is in the table of its parent."""

    limit = models.IntegerField(default=100)

    objects: ClassVar[models.Manager[GoldCard]]

    class Meta:
        app_label = "testapp"


class PlainCard(Card):
    class Meta:
        app_label = "testapp"
        proxy = True


class Firm(models.Model):
    """Its key is that of its owner."""

    customer = models.OneToOneField(Customer, models.CASCADE, primary_key=True, related_name="firm")
    tax_number = models.CharField(max_length=20, default="", blank=True)

    objects: ClassVar[models.Manager[Firm]]

    class Meta:
        app_label = "testapp"


class Locker(models.Model):
    """It cannot be made of nothing, and nobody else's number is free."""

    customer = models.OneToOneField(Customer, models.CASCADE, related_name="+")
    customer_id: int
    number = models.IntegerField(unique=True)

    objects: ClassVar[models.Manager[Locker]]

    class Meta:
        app_label = "testapp"


class Rack(models.Model):
    customer = models.OneToOneField(Customer, models.CASCADE, related_name="+")

    class Meta:
        app_label = "testapp"


class Guarantee(models.Model):
    """Two customers, and one row for each of both."""

    by = models.OneToOneField(Customer, models.CASCADE, related_name="guarantee")
    of = models.OneToOneField(Customer, models.CASCADE, null=True, related_name="guaranteed_by")

    objects: ClassVar[models.Manager[Guarantee]]

    class Meta:
        app_label = "testapp"


class Visit(models.Model):
    """Nothing keeps a customer from having two."""

    customer: models.ForeignKey[Any, Any] = models.ForeignKey(Customer, models.CASCADE)

    objects: ClassVar[models.Manager[Visit]]

    class Meta:
        app_label = "testapp"
