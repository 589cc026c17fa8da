"""Backfill: what existing owners lack is made, by whatever means it is stopped."""

from __future__ import annotations

import io
import signal
import threading
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection, connections, transaction
from django.db.models import Model, QuerySet
from django.db.models.signals import post_save
from django.test.utils import CaptureQueriesContext

import signalkit
from signalkit.management.commands.signalkit import Command
from signalkit.profiles.models import Profile
from signalkit.receivers import EnsureRelated
from signalkit.receivers.backfilling import backfill
from signalkit.registry import registry
from tests.receivers.related_models import Card, Customer, Firm, Locker, Regular, Wholesaler
from tests.runs.reading.processes import start


def command(*arguments: str, **options: Any) -> str:
    output = io.StringIO()
    call_command("signalkit", "backfill", *arguments, stdout=output, stderr=output, **options)
    return output.getvalue()


def customers(number: int, using: str = "default", **fields: Any) -> None:
    Customer.objects.using(using).bulk_create(
        Customer(name=f"{each}", **fields) for each in range(number)
    )


@pytest.fixture
def cards() -> type[EnsureRelated[Customer]]:
    class OpenCard(EnsureRelated[Customer]):
        name = "shop.OpenCard"
        sender = Customer
        related_model = Card

        def defaults_for(self, owner: Customer) -> Mapping[str, Any]:
            return {"points": int(owner.name)}

        def fill(self, related: Card, owner: Customer) -> None:
            related.number = f"N{related.points}"

    return OpenCard


@pytest.mark.django_db(databases=["default", "other"])
@pytest.mark.usefixtures("cards")
class TestBackfill:
    def test_hooks_fill_what_is_missing(self) -> None:
        customers(5)
        Card.objects.create(customer=Customer.objects.get(name="2"), number="mine")
        said = command()

        assert said.startswith("shop.OpenCard: 4 made for 5 owners, in ")
        assert list(Card.objects.order_by("customer__name").values_list("number", flat=True)) == [
            "N0",
            "N1",
            "mine",
            "N3",
            "N4",
        ]
        assert command().startswith("shop.OpenCard: 0 made for 5 owners")

    def test_nobody(self) -> None:
        assert command().startswith("shop.OpenCard: 0 made for 0 owners")

    def test_proxies_and_children_are_owners_once(self) -> None:
        customers(2)
        with signalkit.muted():
            Wholesaler(name="7").save()
            Regular(name="8").save()

        assert command().startswith("shop.OpenCard: 4 made for 4 owners")
        assert Card.objects.count() == 4

    def test_dry_run(self) -> None:
        customers(3)
        with CaptureQueriesContext(connection) as queries:
            assert command("--dry-run").startswith("shop.OpenCard: 3 missing for 3 owners")
        assert not any(each["sql"].startswith(("INSERT", "SAVEPOINT")) for each in queries)
        assert not Card.objects.exists()

    def test_another_database(self) -> None:
        customers(1)
        customers(2, using="other")
        assert command("--database", "other").startswith("shop.OpenCard: 2 made for 2 owners")

        assert [Card.objects.using(each).count() for each in ("default", "other")] == [0, 2]

    def test_batches(self) -> None:
        customers(25)
        lines = command("--batch", "10", verbosity=2).splitlines()

        assert lines[:3] == [" 40%  10 made", " 80%  20 made", "100%  25 made"]
        assert Card.objects.count() == 25

    def test_statements_do_not_grow_with_those_who_have_theirs(
        self, django_assert_num_queries: Any
    ) -> None:
        customers(20)
        command()
        # How many, two batches and one that is empty, and who has theirs of each.
        with django_assert_num_queries(6):
            command("--batch", "10")

    def test_from_code(self) -> None:
        customers(1)
        with pytest.raises(CommandError, match="'none' is not a number above 0"):
            command(batch="none")
        assert command(receiver="shop.OpenCard", batch=5).startswith("shop.OpenCard: 1 made")

    def test_a_terminal_is_shown_one_line(self) -> None:
        class Terminal(io.StringIO):
            def isatty(self) -> bool:
                return True

        customers(4)
        terminal = Terminal()
        call_command(Command(stdout=terminal, no_color=True), "backfill", "--batch", "2")

        assert terminal.getvalue().startswith(
            "\r 50%  2 made\r100%  4 made\nshop.OpenCard: 4 made for 4 owners"
        )

    def test_quietly(self) -> None:
        customers(1)

        assert command(verbosity=0) == ""
        assert Card.objects.count() == 1


@pytest.mark.django_db
class TestWhichOwners:
    def test_hooks_that_choose(self) -> None:
        customers(3, kind="person")
        customers(2, kind="firm")
        customers(2, kind="guest")
        customers(4, kind="ghost")
        asked: list[Any] = []

        class Chosen(EnsureRelated[Customer]):
            name = "shop.Chosen"
            sender = Customer

            def owners(self, queryset: QuerySet[Customer]) -> QuerySet[Customer]:
                return queryset.exclude(kind="ghost")

            def when(self, event: Any) -> bool:
                asked.append((event.signal, event.sender, event.created, event.raw, event.using))
                return bool(event.instance.name != "0")

            def model_for(self, owner: Customer) -> type[Model] | None:
                if owner.kind == "guest":
                    return None
                return Card if owner.kind == "person" else Firm

        assert command().startswith("shop.Chosen: 3 made for 7 owners")
        assert Card.objects.count() == 2
        assert Firm.objects.count() == 1
        assert set(asked) == {(post_save, Customer, True, False, "default")}

    def test_a_sender_in_parts(self) -> None:
        class Some(EnsureRelated[Customer]):
            name = "shop.Some"
            sender = (Regular, Wholesaler)
            related_model = Card
            include_subclasses = False

        with signalkit.muted():
            Wholesaler(name="7").save()

        # The wholesaler is among the rows of the proxy, too.
        assert command().startswith("shop.Some: 1 made for 2 owners")


@pytest.mark.django_db
class TestWhichReceivers:
    @pytest.fixture
    def several(self, cards: type[EnsureRelated[Customer]]) -> None:
        class Found(EnsureRelated[Customer]):
            name = "shop.Found"
            sender = Customer
            related_model = Firm

        class Better(Found, replaces=Found):
            name = "shop.Better"

    def test_none(self) -> None:
        assert command() == "No receiver inherits from EnsureRelated, so there is nothing to do.\n"

    @pytest.mark.usefixtures("several")
    def test_all_that_are_not_replaced(self) -> None:
        customers(1)
        lines = command().splitlines()

        assert [each.split(", in")[0] for each in lines] == [
            "shop.OpenCard: 1 made for 1 owners",
            "shop.Better: 1 made for 1 owners",
        ]

    @pytest.mark.usefixtures("several")
    def test_those_that_are_named(self) -> None:
        customers(1)
        assert command("shop.Better").startswith("shop.Better: 1 made")
        assert not Card.objects.exists()

    @pytest.mark.usefixtures("several")
    @pytest.mark.parametrize("name", ["shop.Found", "shop.Beter"])
    def test_one_that_is_not_there(self, name: str) -> None:
        with pytest.raises(CommandError, match=r"There are: shop\.OpenCard, shop\.Bet") as error:
            command(name)
        assert error.value.returncode == 2

    @pytest.mark.usefixtures("several")
    def test_one_that_is_switched_off(self) -> None:
        customers(1)
        with signalkit.muted("shop.OpenCard"):
            assert command().startswith("shop.OpenCard is switched off: passed over.\nshop.Better")
            with pytest.raises(CommandError, match="switched off"):
                command("shop.OpenCard")
        assert not Card.objects.exists()

    def test_a_database_that_is_not_there(self) -> None:
        with pytest.raises(CommandError, match=r"alias 'othr'\. Did you mean 'other'"):
            command("--database", "othr")


@pytest.mark.django_db(transaction=True)
class TestTrouble:
    def test_a_row_that_is_refused(self) -> None:
        class GiveLocker(EnsureRelated[Customer]):
            name = "shop.GiveLocker"
            sender = Customer
            related_model = Locker

            def defaults_for(self, owner: Customer) -> Mapping[str, Any]:
                return {"number": None if owner.name == "3" else int(owner.name)}

        customers(5)
        with pytest.raises(CommandError) as error:
            command("--batch", "2")

        assert "shop.GiveLocker cannot make the testapp.Locker of testapp.Custo" in str(error.value)
        assert "number must have a value." in str(error.value)
        # The batches before are kept, and of its own nothing.
        assert Locker.objects.count() == 2

    @pytest.mark.parametrize(("failures", "made"), [(2, 1), (3, 0)])
    def test_a_batch_that_the_database_undoes_is_tried_again(
        self, failures: int, made: int
    ) -> None:
        left = [OperationalError("deadlock found")] * failures

        class OpenCard(EnsureRelated[Customer]):
            name = "shop.OpenCard"
            sender = Customer
            related_model = Card

            def fill(self, related: Card, owner: Customer) -> None:
                if left:
                    raise left.pop()

        customers(1)
        with nullcontext() if made else pytest.raises(OperationalError):
            command()
        assert Card.objects.count() == made

    def test_nothing_is_tried_again_in_a_transaction_of_somebody_else(self) -> None:
        tried: list[Any] = []

        class OpenCard(EnsureRelated[Customer]):
            name = "shop.OpenCard"
            sender = Customer
            related_model = Card

            def fill(self, related: Card, owner: Customer) -> None:
                tried.append(owner)
                raise OperationalError("deadlock found")

        customers(1)
        with pytest.raises(OperationalError), transaction.atomic():
            command()
        assert len(tried) == 1

    def test_two_at_once(self, cards: type[EnsureRelated[Customer]]) -> None:
        customers(300)
        (receiver,) = [
            each.call.__self__  # type: ignore[attr-defined]
            for each in registry
            if each.name == "shop.OpenCard"
        ]
        begin = threading.Barrier(2, timeout=30)
        made: list[Any] = []

        def run() -> None:
            begin.wait()
            try:
                made.append([*backfill(receiver, "default", batch=50)][-1].made)
            except BaseException as error:  # noqa: BLE001  (for the test to look at)
                made.append(error)
            finally:
                connections.close_all()

        threads = [threading.Thread(target=run) for _ in range(2)]
        for each in threads:
            each.start()
        for each in threads:
            each.join(60)

        assert sum(made) == 300, made
        assert Card.objects.count() == 300

    def test_somebody_else_makes_one_between_the_look_and_the_write(self) -> None:
        class OpenCard(EnsureRelated[Customer]):
            name = "shop.OpenCard"
            sender = Customer
            related_model = Card

            def fill(self, related: Card, owner: Customer) -> None:
                meanwhile(lambda: Card.objects.create(customer_id=owner.pk, number="theirs"))

        customers(1)
        if connection.vendor == "sqlite":
            pytest.skip("nobody else writes while a batch does")
        assert command().startswith("shop.OpenCard: 0 made for 1 owners")
        assert Card.objects.get().number == "theirs"


def meanwhile(work: Callable[[], Any]) -> None:
    """Do something in another thread, with a connection of its own."""

    def run() -> None:
        try:
            work()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(30)


@pytest.mark.django_db(
    transaction=True,
    available_apps=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "signalkit",
        "signalkit.runs",
        "signalkit.profiles",
        "tests.testapp",
    ],
)
class TestKilled:
    def test_what_is_there_is_whole_and_the_next_call_finishes(self) -> None:
        User.objects.bulk_create(User(username=f"user{each}") for each in range(3_000))
        process = self.start("--batch", "2", "--verbosity", "2")
        assert process.stdout is not None
        # A batch has just been committed, and of those that are left most do not fit the pipe.
        for _ in range(5):
            assert "made" in process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()

        there = list(Profile.objects.order_by("user").values_list("user", flat=True))
        assert process.returncode == -signal.SIGKILL
        assert 10 <= len(there) < 3_000
        assert len(there) % 2 == 0
        # Of the first, and of none beside.
        first = User.objects.order_by("pk").values_list("pk", flat=True)[: len(there)]
        assert there == list(first)

        again = self.start()
        output, _ = again.communicate()
        assert again.returncode == 0, output
        assert output.startswith(
            f"signalkit.CreateProfile: {3_000 - len(there):,} made for 3,000 owners"
        )
        assert Profile.objects.count() == 3_000

    @staticmethod
    def start(*arguments: str) -> Any:
        return start(
            "backfill",
            *arguments,
            "--skip-checks",
            settings_module="tests.receivers.processes",
        )
