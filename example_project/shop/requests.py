"""What requests are, once a decorator has let them through."""

from django.contrib.auth.models import User
from django.http import HttpRequest


class SignedInRequest(HttpRequest):
    """A request behind `login_required`: its user is somebody."""

    user: User
