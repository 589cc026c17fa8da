"""Vetoes in the admin: a mixin for one's own classes, an installer for those of others."""

from signalkit.veto.guard import VetoAdminMixin
from signalkit.veto.installer import NotInstallable, install, uninstall

__all__ = ["NotInstallable", "VetoAdminMixin", "install", "uninstall"]
