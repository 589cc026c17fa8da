"""The wiring that ``ready()`` asks for."""

from __future__ import annotations

from signalkit import conf
from signalkit.discovery import autodiscover
from signalkit.dispatch import switches
from signalkit.dispatch.connect import connector
from signalkit.receivers.profile import declare_profile_receiver
from signalkit.transactions import watch


def wire() -> None:
    """Put signalkit to work: watch the connections, find the receivers, connect them.

    It runs in signalkit's own ``ready()``. Every model is loaded by then; the ``ready()`` of apps
    that stand before signalkit in INSTALLED_APPS has run, that of the others has not. Receivers
    that are declared later, for instance in such a ``ready()``, are connected when declared.

    Raises:
        ConfigurationError: the ``SIGNALKIT`` setting is not usable.
        DeclarationError: a receiver cannot work as it was declared.
    """
    settings = conf.config()
    switches.install()
    watch.install()
    autodiscover(settings.AUTODISCOVER)
    declare_profile_receiver()
    connector.wire()
