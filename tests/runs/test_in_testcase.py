"""In the tests of an adopter: what they count stays, they can read the record, and none leaks."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import transaction
from django.db.models.signals import post_save
from django.dispatch import Signal
from django.test import TestCase, override_settings

from signalkit import Phase
from signalkit.registry import registry
from signalkit.runs.health import health
from signalkit.runs.models import ReceiverRun
from signalkit.runs.outgoing import outgoing
from signalkit.testing import run_on_commit
from tests.dispatch.recording import listen, undone
from tests.testapp.models import Tag
from tests.wiring.project import Project

sent = Signal()


def record(policy: str) -> Any:
    return override_settings(SIGNALKIT={"RUNS": {"RECORD": policy}})


def outcomes() -> list[tuple[str, str]]:
    rows = ReceiverRun.objects.order_by("id")
    return [(run.receiver.removeprefix("tests."), run.outcome) for run in rows]


class TestWhatATestCounts(TestCase):
    def act(self, policy: str) -> tuple[list[str], list[str]]:
        """Return the queries and the callbacks that a test sees, by name."""
        with (
            record(policy),
            self.captureOnCommitCallbacks() as callbacks,
            self.assertNumQueries(8) as queries,
        ):
            transaction.on_commit(self.foreign)
            with transaction.atomic():
                Tag.objects.create(name=f"a {policy}")
                with undone():
                    Tag.objects.create(name=f"b {policy}")
                transaction.on_commit(self.foreign)
            Tag.objects.create(name=f"c {policy}")
            sent.send(sender=None)
        shown = [each["sql"].partition(" ")[0] for each in queries.captured_queries]
        return shown, [str(each) for each in callbacks]

    def foreign(self) -> None: ...

    def test_stays_what_it_was(self) -> None:
        listen(post_save, Tag, name="tests.inline")
        listen(sent, name="tests.sent")
        listen(post_save, Tag, name="tests.before", phase=Phase.BEFORE_COMMIT)
        listen(post_save, Tag, name="tests.later", phase=Phase.AFTER_COMMIT, announce=True)
        queries, callbacks = self.act("off")
        more_queries, same_callbacks = self.act("all")
        assert more_queries == queries
        assert same_callbacks == callbacks
        # One of ours for each of two rows in each of two phases.
        assert len(callbacks) == 6

    def test_also_while_the_record_is_read(self) -> None:
        listen(post_save, Tag, name="tests.inline")
        Tag.objects.create(name="a")
        with self.assertNumQueries(1):
            assert ReceiverRun.objects.count() == 1


class TestReading(TestCase):
    def test_runs_are_readable_at_once(self) -> None:
        listen(post_save, Tag, name="tests.inline")
        Tag.objects.create(name="a")
        assert outcomes() == [("inline", "succeeded")]
        with transaction.atomic():
            Tag.objects.create(name="b")
            assert outcomes() == [("inline", "succeeded")] * 2
        assert outcomes() == [("inline", "succeeded")] * 2

    def test_what_was_undone_is_rolled_back(self) -> None:
        listen(post_save, Tag, name="tests.inline")
        with undone():
            Tag.objects.create(name="a")
        assert outcomes() == [("inline", "rolled_back")]

    def test_also_if_it_was_read_before(self) -> None:
        listen(post_save, Tag, name="tests.inline")
        with undone():
            Tag.objects.create(name="a")
            assert outcomes() == [("inline", "succeeded")]
        assert outcomes() == [("inline", "rolled_back")]

    def test_in_a_failed_transaction_nothing_is_added(self) -> None:
        listen(post_save, Tag, name="tests.inline")
        with undone():
            Tag.objects.create(name="a")
            transaction.set_rollback(True)
            with pytest.raises(transaction.TransactionManagementError):
                ReceiverRun.objects.count()
        assert outcomes() == [("inline", "rolled_back")]

    def test_after_what_a_helper_has_run(self) -> None:
        listen(post_save, Tag, name="tests.later", phase=Phase.AFTER_COMMIT, announce=True)
        with self.captureOnCommitCallbacks(execute=True):
            Tag.objects.create(name="a")
        assert outcomes() == [("later", "scheduled"), ("later", "succeeded")]

    def test_after_an_acted_out_commit(self) -> None:
        listen(post_save, Tag, name="tests.before", phase=Phase.BEFORE_COMMIT)
        listen(post_save, Tag, name="tests.later", phase=Phase.AFTER_COMMIT)
        with transaction.atomic():
            Tag.objects.create(name="a")
        assert outcomes() == []
        run_on_commit()
        assert outcomes() == [("before", "succeeded"), ("later", "succeeded")]
        run_on_commit()
        assert len(outcomes()) == 2

    async def test_what_a_coroutine_has_sent(self) -> None:
        listen(sent, name="tests.sent")
        sent.send(sender=None)
        await Tag.objects.acreate(name="a")
        assert await sync_to_async(outcomes)() == [("sent", "succeeded")]
        # What waits is written by who reads where that is allowed.
        assert await ReceiverRun.objects.acount() == 1

    def test_many(self) -> None:
        listen(sent, name="tests.sent")
        for _ in range(2_100):
            sent.send(sender=None)
        assert ReceiverRun.objects.count() == 2_100


class TestSetUp(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        # What pytest sets up around each test comes later.
        with record("all"):
            listen(post_save, Tag, name="tests.of_all")
            Tag.objects.create(name="of all")

    @classmethod
    def tearDownClass(cls) -> None:
        super().tearDownClass()
        registry.remove(next(each for each in registry.all() if each.name == "tests.of_all"))

    def test_one(self) -> None:
        assert outcomes() == [("of_all", "succeeded")]
        Tag.objects.create(name="of one")
        assert outcomes() == [("of_all", "succeeded")] * 2

    def test_two(self) -> None:
        assert outcomes() == [("of_all", "succeeded")]


def test_nothing_of_a_testcase_waits_after_it() -> None:
    assert outgoing.places() == []
    assert not sum(health.lost.values())


RECEIVERS = """
from django.contrib.contenttypes.models import ContentType
from django.db.models.signals import post_save
from django.dispatch import Signal

import signalkit
from signalkit import Phase

sent = Signal()


@signalkit.receiver(sent, on_error="isolate")
def note(**kwargs):
    if kwargs.get("fails"):
        raise ValueError


@signalkit.receiver(post_save, sender=ContentType, phase=Phase.AFTER_COMMIT, announce=True)
def later(**kwargs): ...
"""

TESTS = """
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.test import SimpleTestCase, TestCase, TransactionTestCase

from shop.receivers import sent
from signalkit.runs.models import ReceiverRun


def cause():
    sent.send(None)
    sent.send(None, fails=True)


class A(SimpleTestCase):
    def test(self):
        for _ in range(60):
            cause()


class Base:
    def test_one(self):
        self.assertEqual(ReceiverRun.objects.count(), 0)
        cause()
        with transaction.atomic():
            list(ContentType.objects.all()[:1])
            cause()
        with transaction.atomic():
            ContentType.objects.create(app_label="a", model="b")
            cause()
        try:
            with transaction.atomic():
                ContentType.objects.create(app_label="a", model="c")
                raise LookupError
        except LookupError:
            pass
        cause()
        if "read" in self.id():
            ReceiverRun.objects.count()

    test_two_read = test_three = test_four_read = test_five = test_one


class B(Base, TransactionTestCase): ...
class C(Base, TestCase): ...
class D(Base, TransactionTestCase): ...
class E(SimpleTestCase):
    test = A.test
class F(Base, TransactionTestCase): ...
class G(Base, TestCase): ...
"""


@pytest.fixture
def project(tmp_path: Any) -> Project:
    return Project(tmp_path)


@pytest.mark.parametrize("reverse", [False, True])
def test_djangos_test_classes_leave_nothing_to_each_other(project: Project, reverse: bool) -> None:
    project.write({"shop/receivers.py": RECEIVERS, "shop/tests.py": TESTS})
    name = str(project.root / "db.sqlite3")
    said = project.run(
        f"""
        import io, logging
        from contextlib import redirect_stderr
        from django.test.runner import DiscoverRunner

        django.setup()
        logging.getLogger("signalkit.receivers").disabled = True
        shown = io.StringIO()
        runner = DiscoverRunner(verbosity=0, reverse={reverse})
        # One after the other as they stand, whatever order Django would give them.
        runner.reorder_by = ()
        with redirect_stderr(shown):
            failed = runner.run_tests(["shop.tests"])
        from signalkit.runs.health import health
        said += [failed, shown.getvalue() if failed else "", health.lost]
        """,
        "django.contrib.contenttypes",
        "signalkit",
        "signalkit.runs",
        "shop",
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": name,
                "TEST": {"NAME": f"{name}.test"},
            }
        },
    )
    assert said == [0, "", {}], said[1]
