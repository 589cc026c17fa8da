"""Checks of the receivers that make rows for others, profiles above all."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, Warning
from django.db.models import Model
from django.db.models.signals import post_save

from signalkit.conf import SETTING
from signalkit.declaration import Declaration
from signalkit.diagnosis.checks.facts import Facts
from signalkit.exceptions import ConfigurationError, DeclarationError
from signalkit.receivers import profile
from signalkit.receivers.backfilling import ensuring_receivers
from signalkit.receivers.links import find_link
from signalkit.receivers.related import EnsureRelated, owner_models, why_impossible


def check_impossible(facts: Facts) -> Iterator[CheckMessage]:
    """E010: a receiver that was declared before the models were loaded can make no row."""
    for declaration, receiver in ensuring_receivers().items():
        if declaration not in facts.declarations:
            continue
        why = why_impossible(type(receiver), receiver.related_model)
        if why is not None:
            yield Error(
                f"It can make no row, and each creation of an owner raises: {why}",
                hint="Correct related_model or link.",
                obj=declaration,
                id="signalkit.E010",
            )


def check_two_for_one(facts: Facts) -> Iterator[CheckMessage]:
    """W030: two receivers make the same row, so that the one that comes second does nothing."""
    for (one, first), (other, second) in combinations(ensuring_receivers().items(), 2):
        if {one, other}.isdisjoint(facts.declarations) or not _meet(first, second):
            continue
        yield Warning(
            f"It makes the same rows for the same owners as {one}: whichever comes second finds "
            "them made, and what it would have filled in is not.",
            hint=_how_to_choose(one, other),
            obj=other,
            id="signalkit.W030",
        )


def check_no_profile_model(facts: Facts) -> Iterator[CheckMessage]:
    """W031: the settings name a receiver for profiles, and there is no model for it."""
    given = getattr(settings, SETTING, {}) if facts.config else {}
    if facts.config is None or given.get("PROFILE_RECEIVER") is None:
        return
    try:
        cls = profile.refuse_profile_settings(facts.config)
    except ConfigurationError:
        # E001 tells of it.
        return
    if cls and not cls.related_model and profile.profile_model(facts.config) is None:
        yield Warning(
            f"{SETTING}['PROFILE_RECEIVER'] is set, and there is no model of profiles, so that it "
            "is not connected.",
            hint=f"Name one in {SETTING}['PROFILE_MODEL'], or as the receiver's related_model, or "
            'add "signalkit.profiles" to INSTALLED_APPS and migrate.',
            id="signalkit.W031",
        )


def check_profile_of_nobody(facts: Facts) -> Iterator[CheckMessage]:
    """I030: a model of profiles belongs to the user, and nobody makes one with each user."""
    user = _user_model()
    given = getattr(settings, SETTING, {}) if facts.config else {}
    if user is None or "PROFILE_RECEIVER" in given or _is_heard(facts, user):
        return
    for app_config in facts.project_apps:
        for model in app_config.get_models():
            if facts.covers(model.__module__) and _is_profile(model, user):
                label = model._meta.label
                yield Info(
                    f"It belongs to {user._meta.label} one to one, and nothing hears that a user "
                    "is saved: new users have none.",
                    hint=f"To make one with each, say {SETTING} = {{'PROFILE_MODEL': {label!r}}}. "
                    "Where that is meant, say 'PROFILE_RECEIVER': None.",
                    obj=model,
                    id="signalkit.I030",
                )


def _meet(one: EnsureRelated[Any], other: EnsureRelated[Any]) -> bool:
    """Say whether two receivers make rows of one model for one owner, as far as is known."""
    try:
        model = one.get_related_model()
        return (
            model is not None
            and model is other.get_related_model()
            and any(
                issubclass(mine, yours) or issubclass(yours, mine)
                for mine in owner_models(type(one))
                for yours in owner_models(type(other))
            )
        )
    except DeclarationError:
        return False


def _how_to_choose(one: Declaration, other: Declaration) -> str:
    for each, rest in ((one, other), (other, one)):
        if each.name == profile.NAME:
            return f"Say class {rest.origin.qualname}(..., replaces={profile.NAME!r})."
    return "Drop one of them, or let it replace the other (replaces=...)."


def _user_model() -> type[Model] | None:
    try:
        return apps.get_model(settings.AUTH_USER_MODEL)
    except LookupError:
        return None


def _is_heard(facts: Facts, user: type[Model]) -> bool:
    """Say whether somebody hears that a user is saved, and may well make a profile then."""
    return any(
        connection.signal is post_save and connection.sender is user
        for connection in facts.connections
    )


def _is_profile(model: type[Model], user: type[Model]) -> bool:
    if not model.__name__.endswith("Profile"):
        return False
    try:
        find_link(model, user, None)
    except DeclarationError:
        return False
    return True
