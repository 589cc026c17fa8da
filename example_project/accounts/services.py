"""What happens to accounts, each from top to bottom."""

from django.contrib.auth.models import User
from django.db import transaction

from .forms import SignUpForm
from .models import Profile


def sign_up(form: SignUpForm) -> User:
    """Make a user of a valid form, with what they chose.

    The profile is there as soon as the user is saved: `accounts.GiveProfile` runs inline. The
    welcome waits for the commit: `accounts.Welcome`.
    """
    with transaction.atomic():
        user: User = form.save()
        user.profile.newsletter = form.cleaned_data["newsletter"]
        user.profile.save(update_fields=["newsletter"])
    return user


def profile_of(user: User) -> Profile:
    """Return a user's profile, also for users who came before there were any, or by a fixture."""
    return Profile.objects.get_or_create(user=user)[0]
