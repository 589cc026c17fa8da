"""Signing up and signing in."""

from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.contrib.auth.forms import AuthenticationForm, UserCreationForm
from django.core.exceptions import ValidationError

from .guard import must_wait


class SignUpForm(UserCreationForm):
    """A new reader, and whether they want news."""

    email = forms.EmailField(label="E-mail address", required=False)
    newsletter = forms.BooleanField(label="Send me news of new books", required=False)

    class Meta(UserCreationForm.Meta):
        model = get_user_model()
        fields = ("username", "email")


class SignInForm(AuthenticationForm):
    """Signing in, with a pause for who has failed too often."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Begin with the name; after a failure with the password, which has to be typed again."""
        super().__init__(*args, **kwargs)
        if self.is_bound:
            del self.fields["username"].widget.attrs["autofocus"]
            self.fields["password"].widget.attrs["autofocus"] = True

    def clean(self) -> dict[str, Any]:
        """Ask for the password to be checked, unless the name has to wait."""
        if must_wait(self.cleaned_data.get("username", "")):
            raise ValidationError("Too many attempts. Please try again in a few minutes.")
        return super().clean()
