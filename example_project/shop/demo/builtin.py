"""The signals that the running Django has: 21 in 5.2, 24 from 6.0 on."""

import django
from django.contrib.auth import signals as auth
from django.core import signals as core
from django.db.backends import signals as backends
from django.db.models import signals as models
from django.dispatch import Signal
from django.test import signals as test
from django.utils import autoreload

NAMES = {
    models: (
        *("class_prepared", "pre_init", "post_init", "pre_save", "post_save"),
        *("pre_delete", "post_delete", "m2m_changed", "pre_migrate", "post_migrate"),
    ),
    core: ("request_started", "request_finished", "got_request_exception", "setting_changed"),
    auth: ("user_logged_in", "user_logged_out", "user_login_failed"),
    backends: ("connection_created",),
    test: ("template_rendered",),
    autoreload: ("autoreload_started", "file_changed"),
}
if django.VERSION >= (6, 0):
    from django.tasks import signals as tasks

    NAMES[tasks] = ("task_enqueued", "task_started", "task_finished")


def builtin_signals() -> dict[str, Signal]:
    """Return Django's signals by their dotted names.

    The list is written out by hand, so that it does not agree with signalkit's own by accident.
    """
    return {
        f"{module.__name__}.{name}": getattr(module, name)
        for module, names in NAMES.items()
        for name in names
    }
