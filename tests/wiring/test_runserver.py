"""``manage.py runserver`` and a mistake in a declaration that is corrected while it runs."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest

from tests.wiring.project import ROOT, Project

SECONDS = 30
"""What is not there by then will not come. It takes about four."""

RECEIVERS = """
    import signalkit
    from django.db.models.signals import post_save

    @signalkit.receiver(post_save, sender="shop.{model}", order=1)
    def index(**kwargs): pass
"""

FILES = {
    "manage.py": """
        import os, sys
        from django.core.management import execute_from_command_line

        os.environ["DJANGO_SETTINGS_MODULE"] = "config"
        execute_from_command_line(sys.argv)
    """,
    "config.py": """
        from django.http import HttpResponse
        from django.urls import path

        DEBUG, SECRET_KEY, ALLOWED_HOSTS, ROOT_URLCONF = True, "none", ["*"], "config"
        INSTALLED_APPS = ["signalkit", "shop"]
        DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
        DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
        # It then tells of each file that it watches from now on.
        LOGGING = {
            "version": 1,
            "handlers": {"console": {"class": "logging.StreamHandler"}},
            "loggers": {"django.utils.autoreload": {"level": "DEBUG", "handlers": ["console"]}},
        }
        urlpatterns = [path("", lambda request: HttpResponse("open"))]
    """,
    "shop/models.py": """
        from django.db import models

        class Book(models.Model):
            pass
    """,
    "shop/receivers.py": RECEIVERS.format(model="Boook"),
}


class Server:
    """The process and its reloader, killed together when they take too long."""

    def __init__(self, project: Project) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._address = f"127.0.0.1:{free.getsockname()[1]}"
        self._process = subprocess.Popen(
            [sys.executable, "manage.py", "runserver", self._address],
            cwd=project.root,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(map(str, [project.root, ROOT])),
                "PYTHONUNBUFFERED": "1",
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._said: list[str] = []
        self._deadline = threading.Timer(SECONDS, self._kill)
        self._deadline.start()

    def wait_for(self, text: str) -> str:
        """Read on until a line has this text, and return it."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if text in line:
                return line
            if "first seen" not in line:
                self._said.append(line)
        pytest.fail(f"It never said {text!r}, but:\n{''.join(self._said)}")

    def get(self, path: str) -> tuple[int, bytes]:
        """Request a page, and return its status and its body."""
        connection = HTTPConnection(self._address, timeout=SECONDS)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def stop(self) -> None:
        self._deadline.cancel()
        self._kill()
        self._process.communicate()

    def _kill(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)


@pytest.fixture
def server(project: Project) -> Iterator[Server]:
    """Return a server whose receivers name a model that is misspelt."""
    project.write(FILES)
    server = Server(project)
    yield server
    server.stop()


def test_a_mistake_that_is_corrected_brings_it_back(project: Project, server: Server) -> None:
    said = server.wait_for("SenderError: ")
    assert "There is no model 'shop.Boook'. Did you mean 'shop.Book'?" in said
    server.wait_for(f"{project.root / 'shop/receivers.py'} first seen")

    project.write({"shop/receivers.py": RECEIVERS.format(model="Book")})

    server.wait_for("development server at")
    assert server.get("/") == (200, b"open")
