"""What ``"signalkit"`` in INSTALLED_APPS stands for."""

from django.apps import AppConfig


class SignalkitConfig(AppConfig):
    """Wires the receivers of the project once every model is loaded."""

    name = "signalkit"
    verbose_name = "Signalkit"

    def ready(self) -> None:
        """Do the wiring, see :func:`signalkit.signals.wire`, and register the system checks."""
        from signalkit import signals
        from signalkit.diagnosis import checks

        checks.register()
        signals.wire()
