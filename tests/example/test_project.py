"""The example project, run as its reader runs it: by its commands."""

import subprocess
import sys

from tests.example.running import PROJECT, manage


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
        assert manage(site, "migrate", "--verbosity=0").returncode == 0
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

    def test_tells_of_a_letter_in_one_line(self, environment: dict[str, str]) -> None:
        send = (
            "from django.core.mail import send_mail; send_mail('Hello', '-', None, ['ada@e.org'])"
        )
        done = manage(environment, "shell", "--command", send)
        assert (done.returncode, done.stderr) == (0, "✉ letter to ada@e.org: Hello\n")
