"""Connections that are opened, on real databases."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.db import connections

from signalkit import Phase
from signalkit.builtin_events import ConnectionCreated
from signalkit.exceptions import DeclarationError, WriteRefused
from signalkit.receivers import ConnectionReceiver
from tests.dispatch.recording import both_aliases
from tests.testapp.models import Record

pytestmark = both_aliases


def open_anew(using: str = "default") -> None:
    """Open another connection, as a new thread would."""
    connection = connections[using].copy()
    try:
        connection.ensure_connection()
    finally:
        connection.close()


class TestWhichCount:
    def test_all(self) -> None:
        seen: list[Any] = []

        class Opened(ConnectionReceiver):
            def on_connected(self, event: ConnectionCreated) -> None:
                seen.append((event.alias, event.vendor))
                with event.connection.cursor() as cursor:
                    cursor.execute("SELECT 1")
                    assert cursor.fetchone() == (1,)

        for using in ("default", "other"):
            open_anew(using)
        vendor = connections["default"].vendor
        assert seen == [("default", vendor), ("other", vendor)]

    def test_of_one_database(self) -> None:
        seen: list[str] = []

        class Opened(ConnectionReceiver):
            databases = ("other",)

            def on_connected(self, event: ConnectionCreated) -> None:
                seen.append(event.alias)

        for using in ("default", "other"):
            open_anew(using)
        assert seen == ["other"]

    def test_of_one_vendor(self) -> None:
        seen: list[str] = []

        class Opened(ConnectionReceiver, abstract=True):
            def on_connected(self, event: ConnectionCreated) -> None:
                seen.append(type(self).__name__)

        class All(Opened): ...

        class Ours(Opened):
            vendors = (connections["default"].vendor,)

        class Others(Opened):
            vendors = ("oracle",)

        open_anew()
        assert seen == ["All", "Ours"]


class TestWrites:
    def test_are_refused(self) -> None:
        # So that the test's own connection is open before the receiver is there.
        assert Record.objects.count() == 0

        class Opened(ConnectionReceiver):
            def on_connected(self, event: ConnectionCreated) -> None:
                with event.connection.cursor() as cursor:
                    cursor.execute("INSERT INTO testapp_record (text) VALUES ('opened')")

        with pytest.raises(WriteRefused, match="tried to write on the connection"):
            open_anew()
        assert Record.objects.count() == 0

    def test_are_refused_and_logged(self, caplog: pytest.LogCaptureFixture) -> None:
        class Opened(ConnectionReceiver):
            on_error = "isolate"

            def on_connected(self, event: ConnectionCreated) -> None:
                with event.connection.cursor() as cursor:
                    cursor.execute("DELETE FROM testapp_record")

        with caplog.at_level(logging.ERROR, "signalkit.receivers"):
            open_anew()
        assert "WriteRefused" in caplog.text

    def test_temporary_tables_are_none(self) -> None:
        class Opened(ConnectionReceiver):
            def on_connected(self, event: ConnectionCreated) -> None:
                with event.connection.cursor() as cursor:
                    cursor.execute("CREATE TEMPORARY TABLE own (id integer)")

        open_anew()

    def test_only_from_within(self) -> None:
        class Opened(ConnectionReceiver):
            def on_connected(self, event: ConnectionCreated) -> None: ...

        connection = connections["default"].copy()
        try:
            with connection.cursor() as cursor:
                cursor.execute("INSERT INTO testapp_record (text) VALUES ('later')")
        finally:
            connection.close()
        assert Record.objects.count() == 1


class TestRefusals:
    def test_another_phase(self) -> None:
        with pytest.raises(DeclarationError, match=r"it can only be Phase\.INLINE"):

            class Opened(ConnectionReceiver):
                phase = Phase.AFTER_COMMIT

                def on_connected(self, event: ConnectionCreated) -> None: ...

    def test_an_unknown_database(self) -> None:
        with pytest.raises(DeclarationError, match=r"names 'othr'.*Did you mean 'other'"):

            class Opened(ConnectionReceiver):
                databases = ("othr",)

                def on_connected(self, event: ConnectionCreated) -> None: ...

    @pytest.mark.parametrize("option", ["vendors", "databases"])
    def test_one_string(self, option: str) -> None:
        def on_connected(self: Any, event: ConnectionCreated) -> None: ...

        body = {"__module__": __name__, "on_connected": on_connected, option: "other"}
        with pytest.raises(DeclarationError, match=rf"Write {option} = \('other',\)"):
            type("Opened", (ConnectionReceiver,), body)
