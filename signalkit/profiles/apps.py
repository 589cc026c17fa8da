"""What ``"signalkit.profiles"`` in INSTALLED_APPS stands for."""

from django.apps import AppConfig


class ProfilesConfig(AppConfig):
    """Brings the model; ``signalkit`` itself makes a row of it with each user."""

    name = "signalkit.profiles"
    label = "signalkit_profiles"
    verbose_name = "Profiles"
    default_auto_field = "django.db.models.BigAutoField"
