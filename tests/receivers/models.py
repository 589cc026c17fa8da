"""Many-to-many relations of other shapes than the test app has."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models


class Person(models.Model):
    name = models.CharField(max_length=50)
    friends = models.ManyToManyField("self")

    objects: ClassVar[models.Manager[Person]]

    class Meta:
        app_label = "testapp"


class Club(models.Model):
    code = models.CharField(max_length=10, unique=True)
    members: Any = models.ManyToManyField(Person, through="Membership", related_name="clubs")

    objects: ClassVar[models.Manager[Club]]

    class Meta:
        app_label = "testapp"


class Membership(models.Model):
    """It refers to a club by something else than its primary key."""

    club = models.ForeignKey(Club, models.CASCADE, to_field="code")
    person = models.ForeignKey(Person, models.CASCADE)
    role = models.CharField(max_length=20, default="member")

    class Meta:
        app_label = "testapp"


class VisibleLabels(models.Manager["Label"]):
    def get_queryset(self) -> models.QuerySet[Label]:
        return super().get_queryset().filter(is_hidden=False)


class Label(models.Model):
    """Its default manager does not show every row."""

    name = models.CharField(max_length=50)
    is_hidden = models.BooleanField(default=False)

    objects = VisibleLabels()
    everything: ClassVar[models.Manager[Label]] = models.Manager()

    class Meta:
        app_label = "testapp"


class Parcel(models.Model):
    labels = models.ManyToManyField(Label)

    objects: ClassVar[models.Manager[Parcel]]

    class Meta:
        app_label = "testapp"


class TagsField(models.Field):  # type: ignore[type-arg]
    """As apps for tagging have: many-to-many without being a ManyToManyField."""

    many_to_many = True

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.through = Parcel.labels.through

    def db_type(self, connection: Any) -> None:
        return None

    def contribute_to_class(self, cls: Any, name: str, private_only: bool = False) -> None:
        super().contribute_to_class(cls, name, private_only=True)


def kinds() -> list[tuple[str, str]]:
    return [("errand", "Errand")]


class Errand(models.Model):
    state = models.CharField(
        max_length=10, choices=[("open", "Open"), ("Ended", [("done", "Done")])], default="open"
    )
    place = models.CharField(max_length=10, choices=[("home", "Home")], null=True, blank=True)  # noqa: DJ001
    kind = models.CharField(max_length=10, choices=kinds, default="errand")
    words = TagsField()

    class Meta:
        app_label = "testapp"
