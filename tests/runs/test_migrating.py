"""While a database is being migrated, its table may be yet to come."""

from __future__ import annotations

import logging

import pytest
from django.apps import apps
from django.core.management.sql import emit_post_migrate_signal, emit_pre_migrate_signal
from django.db import connection
from django.db.models.signals import post_save

from signalkit.runs import flushing, storing
from signalkit.runs.health import health
from signalkit.runs.models import ReceiverRun
from signalkit.runs.tables import tables
from tests.dispatch.recording import listen
from tests.testapp.models import Tag

pytestmark = pytest.mark.django_db(
    transaction=True, available_apps=["tests.testapp", "signalkit.runs"]
)


def test_runs_wait_for_the_table_and_nobody_is_warned(caplog: pytest.LogCaptureFixture) -> None:
    listen(post_save, Tag, name="tests.one")
    connection.ensure_connection()
    with connection.schema_editor() as editor:
        editor.delete_model(ReceiverRun)
    tables.forget()
    try:
        with caplog.at_level(logging.WARNING, "signalkit.runs"):
            emit_pre_migrate_signal(0, False, "default", plan=[], apps=apps)
            Tag.objects.create(name="a")
            flushing.write_out(connection)
        assert caplog.text == ""
        assert health.lost == {}
    finally:
        with connection.schema_editor() as editor:
            editor.create_model(ReceiverRun)
        emit_post_migrate_signal(0, False, "default", plan=[], apps=apps)
    assert [run.receiver for run in ReceiverRun.objects.all()] == ["tests.one"]
    assert not storing.migrating
