"""The example project, run as its reader runs it: by its commands, each in a process of its own."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import django
import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker

from tests.settings import DATABASE_SERVERS, TEST_DB, TEST_RUN

ROOT = Path(__file__).resolve().parents[2]
PROJECT = ROOT / "example_project"
SIGNALS = 24 if django.VERSION >= (6, 0) else 21


DATABASE = f"example_{TEST_RUN}"


@pytest.fixture(scope="module", autouse=True)
def database(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """A database of the shop's own, where it takes a server to have one."""
    if TEST_DB == "sqlite":
        yield
        return
    with django_db_blocker.unblock(), connection._nodb_cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {DATABASE}")
        cursor.execute(f"CREATE DATABASE {DATABASE}")
    yield
    with django_db_blocker.unblock(), connection._nodb_cursor() as cursor:
        cursor.execute(f"DROP DATABASE {DATABASE}")


def database_url(directory: Path) -> str:
    """Return the address of the shop's database, on the server that the tests run on."""
    if TEST_DB == "sqlite":
        return f"sqlite:///{directory / 'shop.sqlite3'}"
    server = os.environ.get("SIGNALKIT_TEST_DB_URL", DATABASE_SERVERS[TEST_DB])
    return urlunsplit(urlsplit(server)._replace(path=f"/{DATABASE}"))


def environment_in(directory: Path) -> dict[str, str]:
    """Return the shop's environment variables, and none that the tests were started with."""
    ours = ("DJANGO_", "SECRET_KEY", "DEBUG", "ALLOWED_HOSTS", "PYTEST_", "COLUMNS")
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    return inherited | {
        "DATABASE_URL": database_url(directory),
        # Where signalkit is installed this changes nothing; where it is not, the tests still run.
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        "PYTHONIOENCODING": "utf-8",
    }


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment with a database of the test's own."""
    return environment_in(tmp_path)


def manage(
    environment: dict[str, str], *arguments: str, flags: tuple[str, ...] = ("-W", "error")
) -> subprocess.CompletedProcess[str]:
    """Run manage.py from somewhere else, with every warning an error."""
    return subprocess.run(
        [sys.executable, *flags, str(PROJECT / "manage.py"), *arguments],
        capture_output=True,
        check=False,
        cwd=ROOT,
        encoding="utf-8",
        env=environment,
    )


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """One run of the demo as it is."""
    return manage(environment_in(tmp_path_factory.mktemp("demo")), "demo")


class TestDemo:
    def test_observes_every_built_in_signal(self, demo: subprocess.CompletedProcess[str]) -> None:
        assert (demo.returncode, demo.stderr) == (0, "")
        assert demo.stdout.splitlines()[-1] == f"{SIGNALS} of {SIGNALS} built-in signals observed"

    def test_tells_what_ran_when_and_what_did_not(
        self, demo: subprocess.CompletedProcess[str]
    ) -> None:
        told = demo.stdout
        took = r"\s+\d+\.\d\d ms"
        assert re.search(rf"✓ post_save Order +shop\.HoldPayment +at once{took}", told)
        assert re.search(rf"✓ post_save OrderLine +shop\.AddUp +before commit{took}", told)
        assert re.search(rf"✓ post_save Order +shop\.ConfirmOrder +after commit{took}", told)
        assert re.search(rf"✓ post_save Order +shop\.ReleasePayment +after rollback{took}", told)
        assert re.search(rf"✗ .* shop\.TellTheWarehouse +after commit{took}  failed", told)
        assert re.search(r"↩ post_save Order +shop\.ConfirmOrder +will not run: rolled back", told)
        assert "- E-mail the customer that the order is confirmed.  (shop.ConfirmOrder)" in told
        assert "≠" not in told

    def test_is_coloured_where_that_is_asked_for_and_not_in_a_file(
        self, environment: dict[str, str], demo: subprocess.CompletedProcess[str]
    ) -> None:
        assert "\x1b[" not in demo.stdout
        assert "\x1b[" in manage(environment, "demo", "--force-color").stdout

    def test_prints_in_a_terminal_that_knows_ascii_only(self, environment: dict[str, str]) -> None:
        done = manage(environment | {"PYTHONIOENCODING": "ascii"}, "demo", "--no-color")
        assert done.returncode == 0
        assert done.stdout.endswith("built-in signals observed\n")

    def test_fails_and_names_what_it_did_not_observe(self, environment: dict[str, str]) -> None:
        done = manage(
            environment,
            "demo",
            *("--without", "shop.RememberPages"),
            *("--without", "shop.note_response"),
            *("--without", "accounts.count_failed_login"),
        )
        assert done.returncode == 1
        last = done.stdout.splitlines()[-1]
        assert last == f"{SIGNALS - 3} of {SIGNALS} built-in signals observed"
        assert done.stderr.startswith(
            "CommandError: No receiver ran for: django.db.models.signals.class_prepared, "
            "django.core.signals.request_finished, "
            "django.contrib.auth.signals.user_login_failed. This was not so: "
        )

    def test_fails_when_a_receiver_did_not_do_its_work(self, environment: dict[str, str]) -> None:
        done = manage(environment, "demo", "--without", "shop.ReleasePayment")
        assert done.returncode == 1
        assert done.stderr == "CommandError: This was not so: her money was let go.\n"

    def test_refuses_a_receiver_that_there_is_not(self, environment: dict[str, str]) -> None:
        done = manage(environment, "demo", "--without", "shop.Nobody")
        assert done.returncode == 1
        assert "shop.Nobody" in done.stderr

    @pytest.mark.skipif(TEST_DB != "sqlite", reason="the file of the user's data is looked at")
    def test_leaves_the_data_of_its_user_alone(
        self, environment: dict[str, str], tmp_path: Path
    ) -> None:
        assert manage(environment, "migrate", "--verbosity=0").returncode == 0
        file = tmp_path / "shop.sqlite3"
        before = file.read_bytes()
        assert manage(environment, "demo").returncode == 0
        assert file.read_bytes() == before
        assert [path.name for path in tmp_path.iterdir()] == ["shop.sqlite3"]


class TestProject:
    def test_passes_its_own_tests(self, environment: dict[str, str]) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-c", "pytest.ini", "--create-db"],
            capture_output=True,
            check=False,
            cwd=PROJECT,
            encoding="utf-8",
            env=environment,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def test_passes_the_checks_of_a_deployment(self, environment: dict[str, str]) -> None:
        site = environment | {
            "DEBUG": "off",
            "SECRET_KEY": "x9-" * 20,
            "ALLOWED_HOSTS": "a.example",
        }
        done = manage(site, "check", "--database=default", "--fail-level=WARNING")
        assert done.returncode == 0, done.stderr

    def test_does_not_start_in_production_with_the_key_for_development(
        self, environment: dict[str, str]
    ) -> None:
        done = manage(environment | {"DEBUG": "off"}, "check")
        assert done.returncode != 0
        assert "SECRET_KEY" in done.stderr

    def test_has_a_migration_for_every_model(self, environment: dict[str, str]) -> None:
        done = manage(environment, "makemigrations", "--check", "--dry-run")
        assert (done.returncode, done.stdout) == (0, "No changes detected\n"), done.stderr
