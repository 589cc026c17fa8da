"""Django's own signals, and signalkit's: what they are called and which keywords they carry.

Read from Django's source; a signal that the running Django lacks is not listed. What signalkit
sends itself is added by who sends it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from django.contrib.auth import signals as auth
from django.core import signals as core
from django.db.backends import signals as backends
from django.db.models import signals as models
from django.dispatch import Signal
from django.utils import autoreload


@dataclass(frozen=True, slots=True)
class BuiltinSignal:
    """One of Django's signals, or of signalkit's."""

    signal: Signal
    module: str
    """Where it is defined, dotted."""

    name: str
    """Its name in that module."""

    keywords: frozenset[str]
    """The keywords it may carry, besides ``signal`` and ``sender``."""

    sender_kind: SenderKind
    """What sends it."""

    @property
    def sender(self) -> str:
        """What sends it, in words."""
        return _SENDERS[self.sender_kind]

    @property
    def is_about_many(self) -> bool:
        """Whether it is about rows of a model of which nobody says which object each is."""
        return self in _added


SenderKind: TypeAlias = Literal["model", "user", "app", "class", "instance", "other"]

_SENDERS: dict[SenderKind, str] = {
    "model": "a model class, 'app_label.ModelName' or settings.AUTH_USER_MODEL",
    "user": "the class of a user, such as settings.AUTH_USER_MODEL",
    "app": "an app label or an AppConfig",
    "class": "a class, such as that of the handler, backend or connection at work",
    "instance": "the one object that sends it; leave sender out",
    "other": "whatever sends it, which in Django is no model",
}


def _entry(
    module: str, name: str, signal: Signal, sender_kind: SenderKind, keywords: str = ""
) -> BuiltinSignal:
    return BuiltinSignal(signal, module, name, frozenset(keywords.split()), sender_kind)


_MODELS = "django.db.models.signals"
_CORE = "django.core.signals"
_AUTH = "django.contrib.auth.signals"
_MIGRATE = "app_config verbosity interactive using stdout plan apps"

_ALWAYS: tuple[BuiltinSignal, ...] = (
    _entry(_MODELS, "class_prepared", models.class_prepared, "model"),
    _entry(_MODELS, "pre_init", models.pre_init, "model", "args kwargs"),
    _entry(_MODELS, "post_init", models.post_init, "model", "instance"),
    _entry(_MODELS, "pre_save", models.pre_save, "model", "instance raw using update_fields"),
    _entry(
        _MODELS, "post_save", models.post_save, "model", "instance created raw using update_fields"
    ),
    _entry(_MODELS, "pre_delete", models.pre_delete, "model", "instance using origin"),
    _entry(_MODELS, "post_delete", models.post_delete, "model", "instance using origin"),
    _entry(
        _MODELS,
        "m2m_changed",
        models.m2m_changed,
        "model",
        "action instance reverse model pk_set using raw",
    ),
    _entry(_MODELS, "pre_migrate", models.pre_migrate, "app", _MIGRATE),
    _entry(_MODELS, "post_migrate", models.post_migrate, "app", _MIGRATE),
    _entry(_CORE, "request_started", core.request_started, "class", "environ scope"),
    _entry(_CORE, "request_finished", core.request_finished, "class"),
    _entry(_CORE, "got_request_exception", core.got_request_exception, "other", "request"),
    _entry(_CORE, "setting_changed", core.setting_changed, "class", "setting value enter"),
    _entry(_AUTH, "user_logged_in", auth.user_logged_in, "user", "request user"),
    _entry(_AUTH, "user_logged_out", auth.user_logged_out, "user", "request user"),
    _entry(_AUTH, "user_login_failed", auth.user_login_failed, "other", "credentials request"),
    _entry(
        "django.db.backends.signals",
        "connection_created",
        backends.connection_created,
        "class",
        "connection",
    ),
    _entry(
        "django.utils.autoreload", "autoreload_started", autoreload.autoreload_started, "instance"
    ),
    _entry(
        "django.utils.autoreload", "file_changed", autoreload.file_changed, "instance", "file_path"
    ),
)

_TEMPLATE = "django.test.signals"
_TASKS = "django.tasks.signals"


def _tasks() -> tuple[BuiltinSignal, ...]:
    """Return the signals of Django's task framework (since 6.0), if anything has loaded that.

    Whoever holds one of them has; importing the module would connect Django's own receivers.
    """
    module = sys.modules.get(_TASKS)
    if module is None:
        return ()
    names = ("task_enqueued", "task_started", "task_finished")
    return tuple(
        _entry(_TASKS, name, getattr(module, name), "class", "task_result") for name in names
    )


def _template_rendered() -> tuple[BuiltinSignal, ...]:
    """Return the one signal of ``django.test``, if a test has loaded that.

    Importing the module would connect Django's own test receivers to ``setting_changed``.
    """
    module = sys.modules.get(_TEMPLATE)
    if module is None:
        return ()
    return (
        _entry(
            _TEMPLATE, "template_rendered", module.template_rendered, "instance", "template context"
        ),
    )


def builtin_signals() -> tuple[BuiltinSignal, ...]:
    """Return every signal that the running Django sends.

    Returns:
        One entry for each. Those of the test framework and of tasks are left out until something
        has imported their modules.
    """
    return _ALWAYS + _template_rendered() + _tasks()


_added: tuple[BuiltinSignal, ...] = ()


def add_bulk_signals(module: str, signals: Iterable[tuple[str, Signal, str]]) -> None:
    """Add signals about many rows of a model at once.

    Args:
        module: where they are found, dotted.
        signals: of each the name, the signal and its keywords, with spaces between them.
    """
    global _added
    _added = tuple(_entry(module, name, signal, "model", words) for name, signal, words in signals)


def known_signals() -> tuple[BuiltinSignal, ...]:
    """Return Django's signals, and those of signalkit that are loaded."""
    return builtin_signals() + _added


def find(signal: Signal) -> BuiltinSignal | None:
    """Return what is known of a signal.

    Returns:
        Its entry; None when it is neither one of Django's nor of signalkit's.
    """
    for builtin in known_signals():
        if builtin.signal is signal:
            return builtin
    return None


def carries(signal: Signal, keyword: str) -> bool | None:
    """Say whether a signal carries a keyword.

    Args:
        signal: any signal.
        keyword: the name of the keyword, such as ``"created"``.

    Returns:
        None when nobody knows: the signal is neither one of Django's nor of signalkit's.
    """
    builtin = find(signal)
    return None if builtin is None else keyword in builtin.keywords


FIELDS = "signalkit_fields"
"""The attribute of a typed signal that has the names of the keywords that it carries."""


def lacks(signal: Signal, keyword: str) -> bool:
    """Say whether a signal is known never to carry a keyword: one of Django's, or a typed one.

    Args:
        signal: any signal.
        keyword: the name of the keyword, such as ``"created"``.
    """
    fields = getattr(signal, FIELDS, None)
    return carries(signal, keyword) is False or (fields is not None and keyword not in fields)
