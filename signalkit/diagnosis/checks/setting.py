"""Checks of the ``SIGNALKIT`` setting."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.utils.module_loading import module_has_submodule

from signalkit.conf import SETTING, parse
from signalkit.context.middleware import ContextMiddleware
from signalkit.diagnosis.checks.facts import Facts
from signalkit.discovery import chosen_apps
from signalkit.exceptions import ConfigurationError, nearest
from signalkit.receivers.profile import refuse_profile_settings
from signalkit.registry import registry


def check_setting(facts: Facts) -> Iterator[CheckMessage]:
    """E001: the setting is not usable.

    A project does not start with it: receivers that silently do not run are worse than a
    traceback. So this is seen where settings change later, as they do in tests.
    """
    try:
        config = parse(getattr(settings, SETTING, {}))
        list(chosen_apps(config.AUTODISCOVER))
        refuse_profile_settings(config)
    except ConfigurationError as error:
        yield Error(str(error), hint=f"Correct {SETTING} in the settings.", id="signalkit.E001")


def check_disabled(facts: Facts) -> Iterator[CheckMessage]:
    """W001: a receiver is to be switched off that nobody has declared."""
    for name in facts.config.DISABLED if facts.config else ():
        if name not in registry:
            known = [declaration.name for declaration in registry]
            yield Warning(
                f"{SETTING}['DISABLED'] names {name!r}, and no receiver is called that."
                f"{nearest(name, known)}",
                hint="Correct the name or take it out; `manage.py signalkit list` shows all names.",
                id="signalkit.W001",
            )


def check_modules(facts: Facts) -> Iterator[CheckMessage]:
    """W002: autodiscovery is to look for a module that no app has."""
    autodiscover = facts.config.AUTODISCOVER if facts.config else None
    # The default may lead nowhere: a project that has only begun has no receivers yet.
    given = getattr(settings, SETTING, {}).get("AUTODISCOVER") if autodiscover else None
    if autodiscover is None or not given or "MODULES" not in given:
        return
    for name in autodiscover.modules:
        try:
            found = any(
                module_has_submodule(app_config.module, name)
                for app_config in chosen_apps(autodiscover)
            )
        except ConfigurationError:
            return
        if not found:
            yield Warning(
                f"{SETTING}['AUTODISCOVER']['MODULES'] names {name!r}, and none of the apps that "
                "it looks into has such a module.",
                hint="Correct the name, or widen ['AUTODISCOVER']['APPS'].",
                id="signalkit.W002",
            )


def check_context(facts: Facts) -> Iterator[CheckMessage]:
    """W016: the setting says something of requests, and nothing gives them a context."""
    given = getattr(settings, SETTING, {}).get("CONTEXT") if facts.config else None
    if given and not any(map(_gives_context, settings.MIDDLEWARE)):
        yield Warning(
            f"{SETTING}['CONTEXT'] is set, and {_MIDDLEWARE} is not in MIDDLEWARE, so that nothing "
            "reads it.",
            hint=f"Put {_MIDDLEWARE!r} first in MIDDLEWARE, or take the setting out.",
            id="signalkit.W016",
        )


_MIDDLEWARE = f"{ContextMiddleware.__module__}.{ContextMiddleware.__qualname__}"


def _gives_context(path: str) -> bool:
    module, _, name = path.rpartition(".")
    # Not imported for this: a middleware may do anything then.
    found = getattr(sys.modules.get(module), name, None)
    return isinstance(found, type) and issubclass(found, ContextMiddleware)
