"""What the shop knows about the people who sign in."""

from django.conf import settings
from django.db import models

LINE = 200
"""The longest text of a notification, in characters."""


class Profile(models.Model):
    """What belongs to a user but not to signing in. Every user has one: see `receivers`."""

    class Kind(models.TextChoices):
        READER = "reader", "Reader"
        BOOKSELLER = "bookseller", "Bookseller"

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="profile"
    )
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.READER)
    newsletter = models.BooleanField("send me news of new books", default=False)
    wishlist = models.ManyToManyField("shop.Book", blank=True, related_name="wished_by")
    saved_basket = models.JSONField(default=dict, blank=True, editable=False)
    visits = models.PositiveIntegerField(default=0, editable=False)

    def __str__(self) -> str:
        return f"{self.user} ({self.get_kind_display().lower()})"


class Notification(models.Model):
    """A line of news for one user, shown under the bell."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notifications"
    )
    text = models.CharField(max_length=LINE)
    url = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    is_read = models.BooleanField(default=False)

    class Meta:
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return self.text
