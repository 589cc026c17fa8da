"""The demo: what it tells, and that it fails when there is less to tell."""

import re
import subprocess
from pathlib import Path

import django
import pytest

from tests.example.running import environment_in, manage
from tests.settings import TEST_DB

SIGNALS = 24 if django.VERSION >= (6, 0) else 21


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
        assert "- E-mail the customer that the order is confirmed. (shop.ConfirmOrder)" in told
        assert "≠" not in told

    def test_fails_and_names_what_it_did_not_observe(self, environment: dict[str, str]) -> None:
        done = manage(
            environment,
            "demo",
            *("--without", "shop.RememberPages"),
            *("--without", "shop.SoundTheAlarm"),
            *("--without", "accounts.CountFailedLogins"),
        )
        assert done.returncode == 1
        last = done.stdout.splitlines()[-1]
        assert last == f"{SIGNALS - 3} of {SIGNALS} built-in signals observed"
        assert done.stderr.startswith(
            "CommandError: No receiver ran for: django.db.models.signals.class_prepared, "
            "django.core.signals.got_request_exception, "
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

    def test_tells_of_a_letter_where_it_was_sent(
        self, demo: subprocess.CompletedProcess[str]
    ) -> None:
        lines = [line.split() for line in demo.stdout.splitlines()]
        senders = {lines[i - 1][3] for i, line in enumerate(lines) if line[:2] == ["✉", "letter"]}
        assert senders == {
            *("accounts.Welcome", "accounts.SendNewsletter"),
            *("shop.ConfirmOrder", "shop.TellItIsOnItsWay", "shop.TellTheAuthor"),
        }


class TestOnRecord:
    """The closing part: the same day, found again in the table."""

    def test_an_order_is_a_tree_with_its_actor(
        self, demo: subprocess.CompletedProcess[str]
    ) -> None:
        told = _asked(demo.stdout, r"--tree \w{32}")
        assert re.search(
            r"^shop\.TakePayment +shop\.Order:\d+ +succeeded +\S+ [mµ]?s +1 q$", told, re.M
        )
        assert re.search(r"^  shop\.price_the_line +succeeded ", told, re.M)
        assert re.search(r"= \d+ of its \d+ rows name an actor: ada-l", told)

    def test_the_payment_was_announced(self, demo: subprocess.CompletedProcess[str]) -> None:
        told = _asked(demo.stdout, r"--object shop\.Order:\d+ --receiver shop\.TakePayment")
        outcomes = re.findall(r"(succeeded|scheduled) +shop\.TakePayment", told)
        assert outcomes == ["succeeded", "scheduled"]
        assert "ada-l (auth.User:" in told
        assert "request POST /basket/order/" in told

    def test_what_failed_is_found(self, demo: subprocess.CompletedProcess[str]) -> None:
        told = _asked(demo.stdout, "--outcome failed")
        found = re.findall(r"failed +(\S+)", told)
        assert found == ["shop.TellTheWarehouse", "shop.HoldPayment"]
        assert "OSError: The warehouse's share is not mounted" in told

    def test_what_was_rolled_back_is_found(self, demo: subprocess.CompletedProcess[str]) -> None:
        told = _asked(demo.stdout, r"--tree \w{32}", last=True)
        assert re.search(r"^shop\.ConfirmOrder +shop\.Order:\d+ +rolled back$", told, re.M)
        assert re.search(r"^shop\.CheckCredit +shop\.OrderLine:\d+ +vetoed ", told, re.M)
        assert re.search(r"^shop\.ReleasePayment +shop\.Order:\d+ +succeeded ", told, re.M)

    def test_it_fails_when_the_record_lacks_something(self, environment: dict[str, str]) -> None:
        done = manage(environment, "demo", "--without", "shop.TellTheWarehouse")
        assert done.returncode == 1
        assert "the payment, the pick list and the letter are in it" in done.stderr
        assert "the warehouse's failure is found again" in done.stderr


def _asked(told: str, words: str, *, last: bool = False) -> str:
    """Return what was told of a command, to the next one or the end of its step."""
    parts = re.findall(rf"▸ manage\.py signalkit runs {words}\n(.*?)(?=\n\n|▸)", told, re.S)
    return str(parts[-1 if last else 0])


class TestVerbosity:
    def test_0_is_the_verdict_alone(self, environment: dict[str, str]) -> None:
        done = manage(environment, "demo", "--verbosity=0")
        verdict = f"{SIGNALS} of {SIGNALS} built-in signals observed\n"
        assert (done.returncode, done.stdout, done.stderr) == (0, verdict, "")

    def test_1_tells_housekeeping_in_full_once(
        self, demo: subprocess.CompletedProcess[str]
    ) -> None:
        assert len(re.findall("✓ request_started WSGI ", demo.stdout)) == 1
        assert len(re.findall("✓ template_rendered ", demo.stdout)) == 1
        order = demo.stdout.partition("▸ Ada: POST /basket/order/")[2].partition("▸")[0]
        assert re.search(r"\+ \d more: request_started, connection_created, template_ren", order)

    def test_2_is_everything(
        self, environment: dict[str, str], demo: subprocess.CompletedProcess[str]
    ) -> None:
        done = manage(environment, "demo", "--verbosity=2")
        assert " more: " not in done.stdout
        assert len(re.findall("✓ request_started WSGI ", done.stdout)) > 20
        assert len(demo.stdout.splitlines()) < 0.9 * len(done.stdout.splitlines())
