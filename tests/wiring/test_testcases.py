"""Django's own test classes, in the suite of somebody who has receivers."""

from __future__ import annotations

from tests.wiring.project import Project

RECEIVERS = """
from django.dispatch import Signal

import signalkit
from signalkit import Phase
from signalkit.transactions import after_commit, after_rollback, before_commit

ordered = Signal()
ran = []


@signalkit.receiver(ordered, phase=Phase.AFTER_COMMIT, on_error="isolate")
def mail(**kwargs):
    ran.append("mail")


def use_everything(using="default"):
    ordered.send(None, using=using)
    for hook in (before_commit, after_commit, after_rollback):
        hook(lambda name=hook.__name__: ran.append(name), using=using)
"""

TESTS = """
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.test import SimpleTestCase, TestCase

from shop.receivers import ran, use_everything


class WithoutADatabase(SimpleTestCase):
    def test(self):
        ran.clear()
        use_everything()
        use_everything("other")
        self.assertEqual(ran, ["mail", "before_commit", "after_commit"] * 2)


class WithOneOfTwo(TestCase):
    def test(self):
        ran.clear()
        use_everything("other")
        self.assertEqual(ran, ["mail", "before_commit", "after_commit"])
        with self.captureOnCommitCallbacks(execute=True):
            use_everything()
        self.assertEqual(sorted(ran[3:]), ["after_commit", "before_commit", "mail"])


class WithBoth(TestCase):
    databases = {"default", "other"}

    def test(self):
        ran.clear()
        for using in self.databases:
            capture = self.captureOnCommitCallbacks(using=using, execute=True)
            with capture, transaction.atomic(using):
                ContentType.objects.using(using).create(app_label="a", model="b")
                use_everything(using)
        self.assertEqual(ran, ["before_commit", "mail", "after_commit"] * 2)
"""


def test_they_set_up_and_clean_up_as_without_signalkit(project: Project) -> None:
    project.write({"shop/receivers.py": RECEIVERS, "shop/tests.py": TESTS})
    name = str(project.root / "%s.sqlite3")
    said = project.run(
        """
        import io, unittest
        from contextlib import redirect_stderr
        from django.test.runner import DiscoverRunner

        django.setup()
        # One after the other: databases that a run does not need are never opened in it.
        for name in ("WithoutADatabase", "WithOneOfTwo", "WithBoth"):
            with redirect_stderr(io.StringIO()) as printed:
                runner = DiscoverRunner(verbosity=0, interactive=False)
                failures = runner.run_tests([f"shop.tests.{name}"])
            said.append([failures, printed.getvalue() if failures else ""])
        """,
        "signalkit",
        "django.contrib.contenttypes",
        "shop",
        DATABASES={
            alias: {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": name % alias,
                "TEST": {"NAME": name % f"test_{alias}"},
            }
            for alias in ("default", "other")
        },
    )
    assert said == [[0, ""]] * 3
