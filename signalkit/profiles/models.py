"""What is known about a user beside what it takes to sign in."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Profile(models.Model):
    """A user's profile."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="profile"
    )
    display_name = models.CharField(max_length=150, blank=True)
    about = models.TextField(blank=True)

    def __str__(self) -> str:
        return self.display_name or str(self.user)
