"""EnsureRelated: one row for each owner, whoever else is about to make it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any

import pytest
from django.core import serializers
from django.core.management import call_command
from django.db import IntegrityError, connection, connections, transaction
from django.db.models import Model
from django.db.models.signals import post_save
from django.test.utils import CaptureQueriesContext

from signalkit import Phase
from signalkit.exceptions import DeclarationError, RelatedNotCreated, UnknownOption
from signalkit.receivers import EnsureRelated
from signalkit.receivers.backfilling import backfill
from signalkit.registry import registry
from tests.receivers.related_models import (
    Card,
    Customer,
    Firm,
    GoldCard,
    Guarantee,
    Locker,
    PlainCard,
    Rack,
    Regular,
    Visit,
    Wholesaler,
)
from tests.testapp.models import Dated, Record


def instance_of(cls: type[EnsureRelated[Any]]) -> EnsureRelated[Any]:
    """Return the one instance that a class has."""
    (found,) = [
        each.call.__self__  # type: ignore[attr-defined]
        for each in registry
        if type(getattr(each.call, "__self__", None)) is cls
    ]
    assert isinstance(found, EnsureRelated)
    return found


@pytest.fixture
def cards() -> type[EnsureRelated[Customer]]:
    class OpenCard(EnsureRelated[Customer]):
        sender = Customer
        related_model = Card

    return OpenCard


@pytest.mark.django_db
@pytest.mark.usefixtures("cards")
class TestCreation:
    def test_it_is_there_on_the_next_line(self) -> None:
        customer = Customer.objects.create(name="Ada")

        with CaptureQueriesContext(connection) as queries:
            assert customer.card.pk is not None
        assert len(queries) == 0
        assert Customer.objects.get(pk=customer.pk).card == customer.card

    def test_an_update_makes_none(self) -> None:
        customer = Customer.objects.create(name="Ada")
        Card.objects.all().delete()
        Customer.objects.get(pk=customer.pk).save()

        assert not Card.objects.exists()

    @pytest.mark.parametrize("model", [Regular, Wholesaler])
    def test_proxies_and_children(self, model: type[Customer]) -> None:
        customer = model(name="Ada")
        customer.save()

        assert Card.objects.get().customer_id == customer.pk
        assert customer.card == Card.objects.get()

    def test_a_child_of_an_owner_who_has_one(self) -> None:
        customer = Customer.objects.create(name="Ada")
        Wholesaler(customer_ptr=customer, name="Ada").save()

        assert Card.objects.get().customer_id == customer.pk

    def test_an_owner_of_whom_little_is_loaded(self) -> None:
        customer = Customer.objects.create(name="Ada")
        Card.objects.all().delete()
        deferred = Customer.objects.only("pk").get()
        post_save.send(Customer, instance=deferred, created=True, raw=False, using="default")

        assert Card.objects.get().customer_id == customer.pk

    def test_a_row_that_somebody_made_before_is_left_as_it_is(self) -> None:
        customer = Customer.objects.create(name="Ada")
        Card.objects.update(number="7")
        again = Customer.objects.get()
        post_save.send(Customer, instance=again, created=True, raw=False, using="default")

        assert Card.objects.get(customer=customer).number == "7"

    def test_an_owner_whose_creation_was_rolled_back(self) -> None:
        customer = Customer(name="Ada")
        with transaction.atomic():
            customer.save()
            transaction.set_rollback(True)
        customer.save()

        assert Card.objects.get() == customer.card

    def test_what_it_costs(self, django_assert_num_queries: Any) -> None:
        # The owner, a look, and the row within a savepoint.
        with transaction.atomic(), django_assert_num_queries(5):
            Customer.objects.create(name="Ada")

    def test_bulk_create_sends_no_signal(self) -> None:
        Customer.objects.bulk_create([Customer(name="Ada")])

        assert not Card.objects.exists()


@pytest.mark.django_db
class TestInheritedLinks:
    """The field belongs to another model than the one that is named."""

    def test_a_child_is_made_with_its_parent(self) -> None:
        class OpenGold(EnsureRelated[Customer]):
            sender = Customer
            related_model = GoldCard

            def defaults_for(self, owner: Customer) -> Mapping[str, Any]:
                return {"limit": 5, "number": "G"}

        customer = Customer.objects.create(name="Ada")

        gold = GoldCard.objects.get()
        assert (gold.customer_id, gold.limit, gold.number) == (customer.pk, 5, "G")
        assert Card.objects.count() == 1
        assert type(customer.card) is GoldCard

    def test_a_proxy_is_what_is_saved(self) -> None:
        class OpenPlain(EnsureRelated[Customer]):
            sender = Customer
            related_model = PlainCard

        senders: list[type[Model]] = []

        def note(sender: type[Model], **kwargs: Any) -> None:
            senders.append(sender)

        post_save.connect(note)
        try:
            Customer.objects.create(name="Ada")
        finally:
            post_save.disconnect(note)
        assert senders == [PlainCard, Customer]

    def test_somebody_is_quicker(self) -> None:
        class OpenGold(EnsureRelated[Customer]):
            sender = Customer
            related_model = GoldCard

            def fill(self, related: GoldCard, owner: Customer) -> None:
                GoldCard.objects.create(customer=Customer(pk=owner.pk), number="first")

        customer = Customer.objects.create(name="Ada")

        assert customer.card == GoldCard.objects.get()
        assert customer.card.number == "first"

    def test_a_parent_alone_is_not_it(self) -> None:
        class OpenGold(EnsureRelated[Customer]):
            sender = Customer
            related_model = GoldCard

            def fill(self, related: GoldCard, owner: Customer) -> None:
                Card.objects.create(customer=Customer(pk=owner.pk))

        with pytest.raises(RelatedNotCreated, match=r"cannot make the testapp\.GoldCard of"):
            Customer.objects.create(name="Ada")

    def test_backfill(self) -> None:
        class OpenGold(EnsureRelated[Customer]):
            sender = Customer
            related_model = GoldCard

        Customer.objects.bulk_create([Customer(name="Ada"), Customer(name="Bo")])
        having = Customer.objects.get(name="Bo")
        GoldCard.objects.create(customer=having)

        assert [each.made for each in backfill(instance_of(OpenGold), "default")] == [1]
        assert GoldCard.objects.count() == 2


@pytest.mark.django_db(databases=["default", "other"])
@pytest.mark.usefixtures("cards")
class TestAliases:
    def test_the_row_is_where_its_owner_is(self) -> None:
        customer = Customer(name="Ada")
        customer.save(using="other")

        assert Card.objects.using("other").get() == customer.card
        assert customer.card._state.db == "other"
        assert not Card.objects.exists()

    def test_whatever_a_router_says_of_new_rows(self, settings: Any) -> None:
        settings.DATABASE_ROUTERS = [f"{__name__}.WritesElsewhere"]
        customer = Customer(name="Ada")
        customer.save(using="default")

        assert Card.objects.using("default").get().customer_id == customer.pk

    def test_a_model_that_is_kept_away_from_the_alias(self, settings: Any) -> None:
        settings.DATABASE_ROUTERS = [f"{__name__}.NoCardsElsewhere"]
        Customer(name="Ada").save(using="other")
        Customer(name="Bo").save(using="default")

        assert [Card.objects.using(each).count() for each in ("default", "other")] == [1, 0]


class WritesElsewhere:
    def db_for_write(self, model: type[Model], **hints: Any) -> str:
        return "other"


class NoCardsElsewhere:
    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        return db == "default" if hints.get("model_name") == "card" else None


@pytest.mark.django_db
class TestHooks:
    def test_defaults_and_other_attributes(self) -> None:
        class OpenCard(EnsureRelated[Customer]):
            sender = Customer
            related_model = "testapp.Card"

            @staticmethod
            def defaults_for(owner: Customer) -> Mapping[str, Any]:
                return {"points": len(owner.name)}

            def fill(self, related: Card, owner: Customer) -> None:
                related.number = f"{related.customer.name}-{related.points}-{related.pk}"

        Customer.objects.create(name="Ada")

        assert Card.objects.values_list("points", "number").get() == (3, "Ada-3-None")

    def test_another_model_by_the_kind_of_owner(self) -> None:
        class ByKind(EnsureRelated[Customer]):
            sender = Customer
            link = "customer"

            def model_for(self, owner: Customer) -> type[Model] | str | None:
                if owner.kind == "person":
                    return Card
                return "testapp.Firm" if owner.kind == "firm" else None

        for kind in ("person", "firm", "guest"):
            Customer.objects.create(name=kind, kind=kind)

        assert [each.customer.name for each in Card.objects.all()] == ["person"]
        assert [each.customer.name for each in Firm.objects.all()] == ["firm"]

    def test_a_link_that_is_named(self) -> None:
        class Guard(EnsureRelated[Customer]):
            sender = Customer
            related_model = Guarantee
            link = "by"

        customer = Customer.objects.create(name="Ada")

        assert Guarantee.objects.values_list("by", "of").get() == (customer.pk, None)

    def test_only_some_owners(self) -> None:
        class OpenCard(EnsureRelated[Customer]):
            sender = Customer
            related_model = Card

            def when(self, event: Any) -> bool:
                return bool(event.instance.name == "Ada")

        Customer.objects.create(name="Ada")
        Customer.objects.create(name="Bo")

        assert Card.objects.get().customer.name == "Ada"

    def test_later(self, django_capture_on_commit_callbacks: Any) -> None:
        class OpenCard(EnsureRelated[Customer]):
            sender = Customer
            related_model = Card
            phase = Phase.BEFORE_COMMIT

        with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
            customer = Customer.objects.create(name="Ada")
            Card.objects.create(customer=customer, number="mine")

        assert Card.objects.get().number == "mine"


@pytest.mark.django_db
class TestUpdates:
    def test_a_missing_row_is_made_at_the_next_save(self) -> None:
        Customer.objects.bulk_create([Customer(name="Ada")])

        class OpenCard(EnsureRelated[Customer]):
            sender = Customer
            related_model = Card
            created = None

        Customer.objects.get().save(update_fields=["name"])
        Customer.objects.get().save()

        assert Card.objects.count() == 1

    @pytest.fixture
    def along(self) -> None:
        class OpenCard(EnsureRelated[Customer]):
            sender = Customer
            related_model = Card
            save_along = True

    @pytest.mark.usefixtures("cards")
    def test_it_is_not_saved_along_by_default(self) -> None:
        customer = Customer.objects.create(name="Ada")
        customer.card.points = 5
        customer.save()

        assert Card.objects.get().points == 0

    @pytest.mark.usefixtures("along")
    def test_saved_along_if_it_is_asked_for(self) -> None:
        customer = Customer.objects.create(name="Ada")
        customer.card.points = 5
        customer.save()

        assert Card.objects.get().points == 5

    @pytest.mark.usefixtures("along")
    def test_what_is_not_loaded_or_as_it_is_stored_is_not_written(self) -> None:
        Customer.objects.create(name="Ada")
        saved: list[Any] = []

        def hear(**kwargs: Any) -> None:
            saved.append(kwargs)

        post_save.connect(hear, sender=Card)
        try:
            Customer.objects.get().save()
            loaded = Customer.objects.select_related("card").get()
            loaded.save()
            assert saved == []
            loaded.card.points = 1
            loaded.save()
            assert len(saved) == 1
        finally:
            post_save.disconnect(hear, sender=Card)

    @pytest.mark.usefixtures("along")
    def test_a_row_that_is_gone_is_made_again(self) -> None:
        customer = Customer.objects.create(name="Ada")
        Card.objects.all().delete()
        customer.save()

        assert Card.objects.get().customer == customer

    @pytest.mark.usefixtures("along")
    def test_a_missing_one_is_made(self) -> None:
        Customer.objects.bulk_create([Customer(name="Ada")])
        Customer.objects.get().save()

        assert Card.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("cards")
class TestBroughtByOthers:
    """Somebody gives the owner a row that is not saved yet, and saves it later."""

    @pytest.mark.parametrize("around", [transaction.atomic, nullcontext])
    def test_it_is_the_one(self, around: Callable[[], Any]) -> None:
        with around():
            card = Card(customer=Customer(name="Ada"), number="mine")
            card.customer.save()
            assert card.customer.card is card
            card.save()

        assert Card.objects.get().number == "mine"
        assert card == Card.objects.get()

    @pytest.mark.parametrize("around", [transaction.atomic, nullcontext])
    def test_one_that_is_never_saved(self, around: Callable[[], Any]) -> None:
        with around():
            customer = Customer(name="Ada")
            Card(customer=customer, number="never")
            customer.save()

        # In a transaction the receiver makes one of its own at the end. Without one, that which
        # it was given is all there will ever be.
        assert Card.objects.get().customer == customer
        assert Card.objects.get().number == ("" if around is transaction.atomic else "never")

    @pytest.mark.parametrize("phase", [Phase.INLINE, Phase.BEFORE_COMMIT])
    @pytest.mark.parametrize("at_once", [True, False])
    def test_an_owner_who_is_deleted_again(self, phase: Phase, at_once: bool) -> None:
        declared = {"sender": Customer, "related_model": Firm, "phase": phase}
        type("Found", (EnsureRelated,), {"__module__": __name__, **declared})
        with transaction.atomic():
            customer = Customer(name="Ada")
            Firm(customer=customer)
            customer.save()
            if at_once:
                Customer.objects.all().delete()
            else:
                customer.delete()

        assert not Firm.objects.exists()

    def test_another_that_nobody_can_ask_the_owner_for(self) -> None:
        """Django keeps all of those in one place."""

        class GiveLocker(EnsureRelated[Customer]):
            sender = Customer
            related_model = Locker

            def defaults_for(self, owner: Customer) -> Mapping[str, Any]:
                return {"number": 1}

        customer = Customer(name="Ada")
        rack = Rack(customer=customer)
        customer.save()

        assert Locker.objects.get().customer_id == customer.pk
        assert rack.pk is None

    def test_one_that_the_database_refuses(self) -> None:
        customer = Customer(name="Ada")
        Card(customer=customer, points=None)

        with pytest.raises(RelatedNotCreated, match="points must have a value"):
            customer.save()
        assert not Card.objects.exists()


@pytest.mark.django_db(transaction=True)
class TestFixtures:
    FIXTURE = [
        {"model": "testapp.customer", "pk": 5, "fields": {"name": "Ada", "kind": "person"}},
        {
            "model": "testapp.card",
            "pk": 9,
            "fields": {
                "customer": 5,
                "number": "from the fixture",
                "opened": "2026-01-01T00:00:00Z",
                "edited": "2026-01-01T00:00:00Z",
            },
        },
        {"model": "testapp.customer", "pk": 6, "fields": {"name": "Bo", "kind": "person"}},
    ]

    @pytest.fixture
    def fixture(self, tmp_path: Any) -> str:
        path = tmp_path / "customers.json"
        path.write_text(json.dumps(self.FIXTURE))
        return str(path)

    @pytest.mark.usefixtures("cards")
    def test_left_alone(self, fixture: str) -> None:
        call_command("loaddata", fixture, verbosity=0)

        assert Card.objects.get().number == "from the fixture"

    def test_those_that_bring_none_get_one_if_asked_for(self, fixture: str) -> None:
        class OpenCard(EnsureRelated[Customer]):
            sender = Customer
            related_model = Card
            raw = True

        call_command("loaddata", fixture, verbosity=0)

        assert list(Card.objects.order_by("customer").values_list("customer", "number")) == [
            (5, "from the fixture"),
            (6, ""),
        ]

    def test_without_a_transaction(self) -> None:
        class OpenCard(EnsureRelated[Customer]):
            sender = Customer
            related_model = Card
            raw = True

        data = serializers.serialize("json", [Customer(pk=5, name="Ada")])
        for each in serializers.deserialize("json", data):
            each.save()

        assert Card.objects.get().customer_id == 5


@pytest.mark.django_db
class TestErrors:
    def test_a_required_field(self) -> None:
        class GiveLocker(EnsureRelated[Customer]):
            sender = Customer
            related_model = Locker

        with transaction.atomic():
            with pytest.raises(RelatedNotCreated) as error, transaction.atomic():
                Customer.objects.create(name="Ada")
            # Neither the transaction nor the owner is spoilt.
            Record.objects.create(text="after")

        assert "GiveLocker cannot make the testapp.Locker of testapp.Customer:" in str(error.value)
        assert "number must have a value. Return it from defaults_for()" in str(error.value)
        assert isinstance(error.value, IntegrityError)
        assert isinstance(error.value.__cause__, IntegrityError)

    def test_a_value_that_is_taken(self) -> None:
        class GiveLocker(EnsureRelated[Customer]):
            sender = Customer
            related_model = Locker

            def defaults_for(self, owner: Customer) -> Mapping[str, Any]:
                return {"number": 1}

        Customer.objects.create(name="Ada")
        with (
            pytest.raises(RelatedNotCreated, match="the database refuses it"),
            transaction.atomic(),
        ):
            Customer.objects.create(name="Bo")

    @pytest.mark.parametrize(
        ("points", "error"),
        [("many", ValueError), (None, RelatedNotCreated), ([], ArithmeticError)],
    )
    def test_an_owner_does_not_hold_what_was_refused(
        self, points: Any, error: type[Exception]
    ) -> None:
        class OpenCard(EnsureRelated[Customer]):
            sender = Customer
            related_model = Card

            def fill(self, related: Card, owner: Customer) -> None:
                related.points = points
                if error is ArithmeticError:
                    raise error

        customer = Customer(name="Ada")
        with pytest.raises(error), transaction.atomic():
            customer.save()
        with pytest.raises(Card.DoesNotExist):
            customer.card  # noqa: B018  (to look is what fails)

    def test_one_whose_key_is_that_of_its_owner_is_never_overwritten(self) -> None:
        class Found(EnsureRelated[Customer]):
            sender = Customer
            related_model = Firm

        customer = Customer.objects.create(name="Ada")
        Firm.objects.update(tax_number="7")
        owner = Customer.objects.get(pk=customer.pk)

        assert instance_of(Found).ensure(owner, "default", look_first=False) is False
        assert Firm.objects.get().tax_number == owner.firm.tax_number == "7"

    def test_an_unknown_field(self) -> None:
        class OpenCard(EnsureRelated[Customer]):
            sender = Customer
            related_model = Card

            def defaults_for(self, owner: Customer) -> Mapping[str, Any]:
                return {"colour": "red"}

        with pytest.raises(TypeError, match="'colour'") as error:
            Customer.objects.create(name="Ada")
        assert "OpenCard made it with what its defaults_for() returned." in error.value.__notes__[0]

    def test_a_model_that_does_not_fit(self) -> None:
        class OpenCard(EnsureRelated[Customer]):
            sender = Customer

            def model_for(self, owner: Customer) -> str:
                return "testapp.Visit"

        with pytest.raises(DeclarationError, match=r"OpenCard: testapp\.Visit has no One"):
            Customer.objects.create(name="Ada")


class TestDeclaring:
    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ({"sender": None}, "names no sender"),
            ({"related_model": None}, "names no model. Set related_model = 'app_label.ModelName'"),
            ({"related_model": "testapp.Crad"}, "There is no model 'testapp.Crad'. Did you mean"),
            ({"related_model": "Card"}, "There is no model 'Card'"),
            ({"related_model": 3}, "related_model is 3"),
            ({"related_model": Visit}, "testapp.Visit has no OneToOneField to testapp.Customer"),
            ({"related_model": Wholesaler}, "has no OneToOneField to testapp.Customer, and only"),
            ({"related_model": Dated}, "testapp.Dated is abstract, so it has no rows."),
            ({"related_model": "testapp.Dated"}, "There is no model 'testapp.Dated'"),
            ({"related_model": Guarantee}, "several OneToOneFields to testapp.Customer: by, of."),
            ({"link": "costumer"}, "no OneToOneField 'costumer' to testapp.Customer. Did you mean"),
            ({"link": 3}, "link is 3"),
            ({"save_along": "yes"}, "save_along is 'yes'"),
            ({"save_along": True, "created": True}, "has save_along and created=True"),
            ({"sender": "testapp.Costumer"}, "There is no model 'testapp.Costumer'"),
        ],
    )
    def test_what_cannot_work(self, body: dict[str, Any], message: str) -> None:
        before = registry.all()
        with pytest.raises(DeclarationError) as error:
            type(
                "Impossible",
                (EnsureRelated,),
                {"__module__": __name__, "sender": Customer, "related_model": Card, **body},
            )
        assert message in str(error.value)
        assert registry.all() == before

    def test_a_hook_that_nobody_awaits(self) -> None:
        with pytest.raises(DeclarationError, match="fill is an `async def`"):

            class OpenCard(EnsureRelated[Customer]):
                sender = Customer
                related_model = Card

                async def fill(  # type: ignore[override]
                    self, related: Card, owner: Customer
                ) -> None: ...

    @pytest.mark.parametrize(
        ("name", "wanted"),
        [("fill", "fill(self, related, owner)"), ("owners", "owners(self, queryset)")],
    )
    def test_a_hook_that_nobody_could_call(self, name: str, wanted: str) -> None:
        with pytest.raises(DeclarationError) as error:
            type(
                "OpenCard",
                (EnsureRelated,),
                {
                    "__module__": __name__,
                    "sender": Customer,
                    "related_model": Card,
                    name: lambda self: None,
                },
            )
        assert f"{name} cannot be called (too many positional arguments)" in str(error.value)
        assert f"Write it as {wanted}." in str(error.value)

    @pytest.mark.parametrize("name", ["default_for", "models_for", "fil", "owner"])
    def test_a_misspelt_hook(self, name: str) -> None:
        with pytest.raises(UnknownOption, match=f"sets '{name}', which means nothing. Did you"):
            type(
                "OpenCard",
                (EnsureRelated,),
                {
                    "__module__": __name__,
                    "sender": Customer,
                    "related_model": Card,
                    name: lambda self, owner: {},
                },
            )

    def test_a_misspelt_attribute(self) -> None:
        with pytest.raises(UnknownOption, match="Did you mean 'save_along'"):

            class OpenCard(EnsureRelated[Customer]):
                sender = Customer
                related_model = Card
                save_alone = True

    def test_a_keyword_of_the_class_statement(self) -> None:
        with pytest.raises(UnknownOption, match=r"takes no 'replace'\. Did you mean 'replaces'"):

            class OpenCard(EnsureRelated[Customer], replace="x"):
                sender = Customer
                related_model = Card

    def test_a_base_of_ones_own(self) -> None:
        class Base(EnsureRelated[Customer], abstract=True):
            sender = Customer

        assert all(not each.name.endswith(".Base") for each in registry)


def in_thread(work: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    """Start work in a thread; what it returns or raises is put into the list."""
    said: list[Any] = []

    def run() -> None:
        try:
            said.append(work())
        except BaseException as error:  # noqa: BLE001  (for the test to look at)
            said.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    return thread, said


@pytest.fixture
def owner(cards: type[EnsureRelated[Customer]]) -> Customer:
    """A customer without a card, committed."""
    (customer,) = Customer.objects.bulk_create([Customer(name="Ada")])
    return Customer.objects.get(pk=customer.pk)


@pytest.mark.django_db(transaction=True)
class TestRaces:
    @pytest.mark.parametrize("level", ["READ COMMITTED", "REPEATABLE READ"])
    @pytest.mark.parametrize("others", [1, 2])
    @pytest.mark.parametrize("inside", [True, False])
    def test_who_is_slower_goes_on_with_the_row_of_who_was_quicker(
        self, owner: Customer, inside: bool, others: int, level: str
    ) -> None:
        """They looked before the row was there, and write when it is, or is about to be."""
        if inside and connection.vendor == "sqlite":
            pytest.skip("a transaction of SQLite that has read cannot write after another has")
        if level == "REPEATABLE READ" and connection.vendor != "mysql":
            pytest.skip("a level that is the server's own on MySQL and MariaDB alone")
        looked = threading.Barrier(others + 1, timeout=30)

        class Slow(EnsureRelated[Customer]):
            sender = "testapp.Regular"
            related_model = Card

            def fill(self, related: Card, owner: Customer) -> None:
                looked.wait()

        slow = instance_of(Slow)

        def ensure() -> Any:
            if connection.vendor == "mysql":
                with connection.cursor() as cursor:
                    cursor.execute(f"SET SESSION TRANSACTION ISOLATION LEVEL {level}")
            customer = Customer.objects.get(pk=owner.pk)
            with transaction.atomic() if inside else nullcontext():
                # What MariaDB shows to the transaction from now on.
                assert Card.objects.count() == 0
                made = slow.ensure(customer, "default")
                Record.objects.create(text="the transaction is usable")
            return made, customer.card.number

        threads = [in_thread(ensure) for _ in range(others)]
        with transaction.atomic():
            Card.objects.create(customer=owner, number="quick")
            looked.wait()
        for thread, _ in threads:
            thread.join(30)

        assert [said for _, said in threads] == [[(False, "quick")]] * others
        assert Card.objects.count() == 1
        assert Record.objects.count() == others

    @pytest.mark.parametrize("inside", [True, False])
    def test_who_was_quicker_rolls_back(self, owner: Customer, inside: bool) -> None:
        if inside and connection.vendor == "sqlite":
            pytest.skip("a transaction of SQLite that has read cannot write after another has")
        looked = threading.Barrier(2, timeout=30)

        class Slow(EnsureRelated[Customer]):
            sender = "testapp.Regular"
            related_model = Card

            def fill(self, related: Card, owner: Customer) -> None:
                related.number = "slow"
                looked.wait()

        slow = instance_of(Slow)

        def ensure() -> bool:
            with transaction.atomic() if inside else nullcontext():
                return slow.ensure(Customer.objects.get(pk=owner.pk), "default")

        thread, said = in_thread(ensure)
        with transaction.atomic():
            Card.objects.create(customer=owner, number="quick")
            looked.wait()
            transaction.set_rollback(True)
        thread.join(30)

        assert said == [True]
        assert Card.objects.get().number == "slow"

    @pytest.mark.parametrize("around", [transaction.atomic, nullcontext])
    def test_many_who_save_one_owner(self, owner: Customer, around: Callable[[], Any]) -> None:
        class Healed(EnsureRelated[Customer]):
            sender = Customer
            related_model = Card
            created = None

        begin = threading.Barrier(6, timeout=30)

        def save() -> Any:
            customer = Customer.objects.get(pk=owner.pk)
            begin.wait()
            with around():
                customer.save()
                Record.objects.create(text="the transaction is usable")
            return customer.card.pk

        threads = [in_thread(save) for _ in range(6)]
        for thread, _ in threads:
            thread.join(60)

        card = Card.objects.get()
        assert [said for _, said in threads] == [[card.pk]] * 6
        assert Record.objects.count() == 6
