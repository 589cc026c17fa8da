"""Real processes: killed, ended, forked, migrated under, and serving requests."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from django.db import connection

from signalkit.runs.models import ReceiverRun
from tests.testapp.models import Record

pytestmark = pytest.mark.django_db(
    transaction=True, available_apps=["tests.testapp", "signalkit.runs"]
)

ROOT = Path(__file__).resolve().parents[2]

# A process that works with the database of the tests.
PREAMBLE = """\
import json, os, signal, sys, threading
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
from django.conf import settings
for database in settings.DATABASES.values():
    database["NAME"] = json.loads(sys.argv[1])
    database["CONN_MAX_AGE"] = json.loads(sys.argv[2])
settings.SIGNALKIT = {"RUNS": {"RECORD": "all"}}
settings.ALLOWED_HOSTS = ["*"]
import django
django.setup()
from django.db import connection, transaction
from django.db.models.signals import post_save
from django.dispatch import Signal
import signalkit
from signalkit import Phase
from tests.testapp.models import Record

sent = Signal()

@signalkit.receiver(post_save, sender=Record, name="tests.inline")
def inline(**kwargs): ...

@signalkit.receiver(post_save, sender=Record, name="tests.later", phase=Phase.AFTER_COMMIT,
                    announce=True)
def later(**kwargs): ...

@signalkit.receiver(sent, name="tests.sent")
def note(**kwargs): ...

def save(text):
    return Record.objects.create(text=text)

def say(*what):
    print(*what, flush=True)
"""


def command(script: str, max_age: Any = 0) -> list[str]:
    """Return what starts a script in a process of its own."""
    name = json.dumps(str(connection.settings_dict["NAME"]))
    code = PREAMBLE + dedent(script)
    return [sys.executable, "-W", "error", "-c", code, name, json.dumps(max_age)]


def run(script: str, *, max_age: Any = 0, code: int = 0) -> list[str]:
    """Run a script in a process of its own; return what it said."""
    completed = subprocess.run(
        command(script, max_age), cwd=ROOT, capture_output=True, text=True, check=False, timeout=100
    )
    assert completed.returncode == code, completed.stderr
    assert code or completed.stderr == ""
    return completed.stdout.split()


def outcomes() -> list[tuple[str, str]]:
    rows = ReceiverRun.objects.all()
    return sorted((run.receiver.removeprefix("tests."), run.outcome) for run in rows)


@pytest.fixture(autouse=True)
def closed() -> None:
    # SQLite's file is another process's for a while.
    connection.close()


SAVED = [("inline", "succeeded"), ("later", "scheduled"), ("later", "succeeded")]


class TestKilled:
    def test_between_two_transactions(self) -> None:
        run(
            """
            from signalkit.runs import outgoing

            outgoing.LONGEST_WAIT = 3600  # however slow the machine is
            for text in "ab":
                with transaction.atomic():
                    save(text)
            sent.send(None)
            os.kill(os.getpid(), signal.SIGKILL)
            """,
            code=-signal.SIGKILL,
        )
        assert Record.objects.count() == 2
        # What came of the last after the commit was still in the process.
        assert [each for each in outcomes() if each[1] == "scheduled"] == [SAVED[1]] * 2
        assert [each for each in outcomes() if each[0] == "inline"] == [SAVED[0]] * 2
        assert ("sent", "succeeded") not in outcomes()

    def test_in_the_middle_of_one(self) -> None:
        run(
            """
            with transaction.atomic():
                save("kept")
            with transaction.atomic():
                for text in range(50):
                    save(text)
                os.kill(os.getpid(), signal.SIGKILL)
            """,
            code=-signal.SIGKILL,
        )
        [record] = Record.objects.all()
        runs = ReceiverRun.objects.filter(receiver="tests.inline")
        assert [run.object for run in runs] == [f"testapp.Record:{record.pk}"]
        assert [run.outcome for run in runs] == ["succeeded"]

    def test_at_any_moment(self) -> None:
        """For each row that was committed there is a run, and for none that was not."""
        process = subprocess.Popen(
            command(
                """
                for number in range(100_000):
                    with transaction.atomic():
                        save(number)
                        save(number)
                    if number == 20:
                        say("going")
                """
            ),
            cwd=ROOT,
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        process.stdout.readline()
        process.kill()
        process.wait()
        process.stdout.close()
        committed = {f"testapp.Record:{pk}" for pk in Record.objects.values_list("pk", flat=True)}
        runs = ReceiverRun.objects.filter(receiver="tests.inline").values_list("object", "outcome")
        assert len(committed) > 40
        assert sorted(runs) == sorted((each, "succeeded") for each in committed)


class TestEnded:
    def test_normally(self) -> None:
        run('save("a"); sent.send(None)')
        assert outcomes() == [*SAVED[::2], ("sent", "succeeded")]

    def test_with_the_connection_closed(self) -> None:
        run('save("a"); connection.close(); sent.send(None)')
        assert outcomes() == [*SAVED[::2], ("sent", "succeeded")]

    def test_by_an_error(self) -> None:
        run('save("a"); raise ValueError', code=1)
        assert outcomes() == SAVED[::2]

    def test_by_sys_exit_in_a_transaction(self) -> None:
        run(
            """
            save("a")
            with transaction.atomic():
                save("b")
                sys.exit(3)
            """,
            code=3,
        )
        assert [record.text for record in Record.objects.all()] == ["a"]
        assert outcomes() == [
            ("inline", "rolled_back"),
            ("inline", "succeeded"),
            ("later", "rolled_back"),
            ("later", "succeeded"),
        ]

    def test_threads_leave_theirs_to_others(self) -> None:
        run(
            """
            def work():
                sent.send(None)
                save("a")
                connection.close()
            threads = [threading.Thread(target=work) for _ in range(5)]
            for thread in threads: thread.start()
            for thread in threads: thread.join()
            def without():
                sent.send(None)
            thread = threading.Thread(target=without)
            thread.start()
            thread.join()
            """
        )
        assert outcomes() == [
            *[("inline", "succeeded")] * 5,
            *[("later", "succeeded")] * 5,
            *[("sent", "succeeded")] * 6,
        ]

    def test_a_fork_does_not_write_what_the_parent_has(self) -> None:
        said = run(
            """
            save("parent")
            connection.close()
            sent.send(None)
            from signalkit.runs.outgoing import outgoing
            say("parent", len(outgoing.places()))
            child = os.fork()
            if child == 0:
                save("child")
                sys.exit()
            assert os.waitpid(child, 0)[1] == 0
            """
        )
        assert said == ["parent", "1"]
        assert outcomes() == sorted([*SAVED[::2] * 2, ("sent", "succeeded")])

    def test_where_it_is_not_asked_for_nothing_is_written(self) -> None:
        run(
            """
            from django.test import override_settings
            with override_settings(SIGNALKIT={"RUNS": {"RECORD": "off"}}):
                save("a")
            """
        )
        assert outcomes() == []


SERVER = """
import urllib.request
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path
from wsgiref.simple_server import WSGIServer, WSGIRequestHandler, make_server

class Quiet(WSGIRequestHandler):
    def log_message(self, *args): ...

def view(request):
    sent.send(None)
    save(request.GET["text"])
    return HttpResponse("ok")

urlpatterns = [path("", view)]
settings.ROOT_URLCONF = __name__
settings.MIDDLEWARE = []
server = make_server("127.0.0.1", 0, get_wsgi_application(), handler_class=Quiet)
"""

COUNT = """
def count():
    # Of another process, which sees what is committed.
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT receiver, outcome FROM signalkit_runs_receiverrun ORDER BY 1, 2")
        rows = cursor.fetchall()
    other.close()
    return len(rows)
"""


class TestServed:
    @pytest.mark.parametrize("max_age", [0, None])
    def test_after_a_request_the_runs_are_there(self, max_age: Any) -> None:
        said = run(
            SERVER
            + COUNT
            + """
def serve():
    server.handle_request()
    say(count())
    connection.close()
for number in range(3):
    thread = threading.Thread(target=serve)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}/?text={number}"
    with urllib.request.urlopen(url) as response:
        assert response.read() == b"ok"
    thread.join()
server.server_close()
os._exit(0)
""",
            max_age=max_age,
        )
        assert said == ["3", "6", "9"]

    @pytest.mark.parametrize("max_age", [0, None])
    def test_with_the_client_of_the_tests(self, max_age: Any) -> None:
        said = run(
            SERVER.replace("server = ", "0 and ")
            + COUNT
            + """
from django.test import Client
for number in range(2):
    assert Client().get("/", {"text": number}).content == b"ok"
    say(count() >= 0)
from signalkit.runs.models import ReceiverRun
say(ReceiverRun.objects.count())
""",
            max_age=max_age,
        )
        assert said[-1] == "6"


class TestMigrated:
    """An empty database, in a real ``manage.py migrate``."""

    APP = {
        "shop/models.py": """
            from django.db import models

            class Book(models.Model):
                title = models.CharField(max_length=100)
        """,
        "shop/migrations/0001_initial.py": """
            from django.db import migrations, models

            def fill(apps, schema_editor):
                from shop.models import Book
                apps.get_model("shop", "Book").objects.create(title="historical")
                Book.objects.create(title="real")

            class Migration(migrations.Migration):
                initial = True
                dependencies = []
                operations = [
                    migrations.CreateModel("Book", [
                        ("id", models.BigAutoField(primary_key=True)),
                        ("title", models.CharField(max_length=100)),
                    ]),
                    migrations.RunPython(fill),
                ]
        """,
        "shop/receivers.py": """
            from django.db.backends.signals import connection_created
            from django.db.models.signals import post_migrate, post_save, pre_migrate
            import signalkit

            @signalkit.receiver(
                [pre_migrate, post_migrate, post_save, connection_created], on_error="isolate"
            )
            def note(**kwargs): ...
        """,
        "manage.py": """
            import json, os, sys
            from django.conf import settings
            settings.configure(
                INSTALLED_APPS=json.loads(os.environ["APPS"]),
                DATABASES={"default": {
                    "ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3",
                    "OPTIONS": json.loads(os.environ.get("OPTIONS", "{}")),
                }},
            )
            from django.core.management import execute_from_command_line
            execute_from_command_line(sys.argv)
        """,
    }

    @pytest.mark.parametrize(
        "apps",
        [
            ["signalkit", "signalkit.runs", "django.contrib.contenttypes", "shop"],
            ["shop", "django.contrib.contenttypes", "signalkit.runs", "signalkit"],
        ],
    )
    def test_an_empty_one(self, tmp_path: Path, apps: list[str]) -> None:
        from tests.wiring.project import Project

        project = Project(tmp_path)
        project.write(self.APP)
        (tmp_path / "shop" / "migrations" / "__init__.py").touch()
        assert "OK" in self.manage(tmp_path, apps, "migrate")
        shown = self.manage(
            tmp_path,
            apps,
            "shell",
            "--verbosity=0",
            "-c",
            "from signalkit.runs.models import ReceiverRun as R; from shop.models import Book;"
            "print(Book.objects.count(), sorted(set(R.objects.values_list('signal', 'outcome'))))",
        )
        assert shown.startswith("2 ")
        assert "('post_migrate', 'succeeded')" in shown
        assert "failed" not in shown
        assert self.manage(tmp_path, apps, "migrate", "signalkit_runs", "zero")
        assert self.manage(tmp_path, apps, "migrate")

    def manage(self, root: Path, apps: list[str], *arguments: str, **env: str) -> str:
        completed = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=root,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join([str(root), str(ROOT)]),
                "APPS": json.dumps(apps),
                **env,
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )
        assert completed.returncode == 0, completed.stderr
        return completed.stdout

    def test_deployed_before_it_is_migrated(self, tmp_path: Path) -> None:
        """The process goes on as it is, and records once another one has migrated."""
        from tests.wiring.project import Project

        project = Project(tmp_path)
        project.write(self.APP)
        (tmp_path / "shop" / "migrations" / "__init__.py").touch()
        apps = ["django.contrib.contenttypes", "signalkit", "signalkit.runs", "shop"]
        self.manage(tmp_path, apps, "migrate", "shop")
        (tmp_path / "deployed.py").write_text(
            dedent(
                """
                import subprocess, sys
                from django.db import transaction
                from shop.models import Book
                from signalkit.runs import tables
                from signalkit.runs.health import health
                from signalkit.runs.models import ReceiverRun

                def save():
                    with transaction.atomic():
                        Book.objects.create(title="a")

                save(); save()
                lost = dict(health.lost)
                subprocess.run([sys.executable, "manage.py", "migrate"], check=True,
                               stdout=subprocess.DEVNULL)
                # As if that time had passed.
                tables.AGAIN = 0
                save()
                print(Book.objects.count(), sum(lost.values()) >= 2,
                      ReceiverRun.objects.filter(object="shop.Book:5").count())
                """
            )
        )
        code = "exec(open('deployed.py').read(), globals())"
        shown = self.manage(tmp_path, apps, "shell", "--verbosity=0", "-c", code)
        assert shown.split() == ["5", "True", "1"]

    def test_a_file_that_is_only_read(self, tmp_path: Path) -> None:
        from tests.wiring.project import Project

        project = Project(tmp_path)
        project.write(self.APP)
        (tmp_path / "shop" / "migrations" / "__init__.py").touch()
        apps = ["django.contrib.contenttypes", "signalkit", "signalkit.runs", "shop"]
        self.manage(tmp_path, apps, "migrate")
        code = (
            "from django.db import connection as c, transaction\n"
            "from django.db.models.signals import post_save\n"
            "from shop.models import Book\n"
            "c.settings_dict['NAME'] = 'file:db.sqlite3?mode=ro'\n"
            "c.settings_dict['OPTIONS'] = {'uri': True}\n"
            "c.close()\n"
            "book = Book.objects.first()\n"
            "for _ in range(30):\n"
            "    with transaction.atomic():\n"
            "        Book.objects.count()\n"
            "        post_save.send(Book, instance=book, created=True, raw=False, using='default',"
            " update_fields=None)\n"
            "c.close()\n"
            "from signalkit.runs.health import health\n"
            "print(sum(health.lost.values()))\n"
        )
        shown = self.manage(tmp_path, apps, "shell", "--verbosity=0", "-c", code)
        assert int(shown) >= 30
