"""What ``"signalkit.runs"`` in INSTALLED_APPS stands for."""

from django.apps import AppConfig


class RunsConfig(AppConfig):
    """Puts the runs of receivers on record."""

    name = "signalkit.runs"
    label = "signalkit_runs"
    verbose_name = "Receiver runs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Watch the runs, see :mod:`signalkit.runs.recording`, and register the system checks."""
        from signalkit.runs import checks, recording

        checks.register()
        recording.install()
