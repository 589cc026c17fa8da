"""``include_subclasses``: proxies and children of a sender, whenever they are defined."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import models
from django.db.models.base import ModelBase
from django.db.models.signals import post_save, pre_save
from django.dispatch import Signal
from django.test import override_settings
from django.test.utils import isolate_apps

import signalkit
from signalkit import Event, ModelReceiver
from signalkit.dispatch import changed, connector
from signalkit.exceptions import DeclarationError, NameClash, SenderError
from signalkit.registry import registry
from tests.testapp.models import Article, Audiobook, Author, Bestseller, Book, Dated

Define = Callable[..., type[models.Model]]


@pytest.fixture
def define() -> Iterator[Define]:
    """Define a model of the test app, and forget it afterwards."""
    made: list[str] = []

    def define_model(name: str, base: type[models.Model], **meta: Any) -> type[models.Model]:
        made.append(name.lower())
        body = {"__module__": __name__, "Meta": type("Meta", (), {"app_label": "testapp", **meta})}
        model = ModelBase(name, (base,), body)
        assert issubclass(model, models.Model)
        return model

    yield define_model
    for name in made:
        apps.all_models["testapp"].pop(name, None)
    apps.clear_cache()


def sent_to(signal: Any, sender: Any) -> list[Any]:
    """Return what signalkit's receivers answer; nobody else's are asked."""
    return [
        receiver(signal=signal, sender=sender, raw=False)
        for receiver in signal._live_receivers(sender)[0]
        if hasattr(receiver, "signalkit_declaration")
    ]


def listen(sender: Any, **options: Any) -> None:
    @signalkit.receiver(post_save, sender=sender, include_subclasses=True, **options)
    def f(sender: Any, **kwargs: Any) -> Any:
        return sender


@pytest.mark.parametrize("model", [Book, Audiobook, Bestseller])
def test_existing_ones(model: type[models.Model]) -> None:
    listen(Book)
    assert sent_to(post_save, model) == [model]
    assert sent_to(post_save, Author) == []


def test_without_it_only_the_class_itself() -> None:
    @signalkit.receiver(post_save, sender=Book, order=1)
    def f(sender: Any, **kwargs: Any) -> Any:
        return sender

    assert sent_to(post_save, Bestseller) == []


def test_those_defined_later(define: Define) -> None:
    listen("testapp.Book")
    proxy = define("LaterProxy", Book, proxy=True)
    child = define("LaterChild", Book)
    grandchild = define("LaterGrandchild", child)
    for model in (proxy, child, grandchild):
        assert sent_to(post_save, model) == [model]


def test_those_defined_later_beside_senders_that_are_compared(define: Define) -> None:
    class Desk: ...

    signal = Signal()

    @signalkit.receiver(signal, sender=[Book, Desk, "checkout"], include_subclasses=True)
    def f(sender: Any, **kwargs: Any) -> Any:
        return sender

    later = define("LaterBeside", Book, proxy=True)
    heard: list[Any] = [answer for each in (later, Author) for _, answer in signal.send(each)]
    assert heard == [later, None]


def test_an_abstract_base_with_nothing_below_it_yet(define: Define) -> None:
    base = define("LaterBase", models.Model, abstract=True)
    listen(base)
    middle = define("LaterMiddle", base, abstract=True)
    concrete = define("LaterConcrete", middle)
    assert sent_to(post_save, concrete) == [concrete]


def test_an_abstract_base_with_children() -> None:
    listen(Dated)
    assert sent_to(post_save, Article) == [Article]


def test_a_sender_and_its_child_named_both() -> None:
    listen([Book, Audiobook])
    assert sent_to(post_save, Audiobook) == [Audiobook]


def test_a_swapped_one_is_no_sender(define: Define) -> None:
    with override_settings(TESTAPP_SWAP="testapp.Author"):
        swapped = define("LaterSwapped", Dated, swappable="TESTAPP_SWAP")
        with pytest.raises(
            SenderError, match=r"out for testapp.Author .* Use settings.TESTAPP_SWAP"
        ):
            listen(swapped)
        listen(Dated)
        assert sent_to(post_save, swapped) == []


def test_historical_and_isolated_models_are_left_alone() -> None:
    listen(Book)
    with isolate_apps("tests.testapp"):

        class Isolated(Book):
            class Meta:
                app_label = "testapp"

    assert sent_to(post_save, Isolated) == []


def test_the_order_holds_for_a_model_that_came_later(define: Define) -> None:
    for position, name in enumerate(["third", "first", "second"]):
        signalkit.receiver(
            post_save,
            # The middle one hears everyone, so that it was connected for the new model before.
            sender=None if name == "second" else Book,
            include_subclasses=name != "second",
            name=f"order.{name}",
            order=["first", "second", "third"].index(name),
        )(lambda name=name, position=position, **kwargs: name)
    later = define("LaterInOrder", Book, proxy=True)
    assert sent_to(post_save, later) == ["first", "second", "third"]


def test_disconnected_from_all_of_them(define: Define) -> None:
    listen(Book)
    later = define("LaterGone", Book, proxy=True)
    registry.remove(registry.all()[-1])
    assert sent_to(post_save, later) == sent_to(post_save, Book) == []


class TestChanged:
    @pytest.mark.django_db
    def test_later_ones_are_watched_and_forgotten(self, define: Define) -> None:
        heard: list[str] = []

        class Retitled(ModelReceiver):
            signal = (pre_save, post_save)
            sender = Book
            include_subclasses = True
            changed = ["title"]

            def handle(self, event: Event) -> None:
                heard.append("post" if event.signal is post_save else "pre")

        later = define("LaterWatched", Book, proxy=True)
        row = later.objects.create(title="one")  # type: ignore[attr-defined]  # a model
        row.title = "two"
        row.save()
        row.save()
        assert heard == ["pre", "post"]
        assert later in changed._watched
        registry.remove(registry.all()[-1])
        assert not {later, Book, Audiobook} & {*changed._watched}

    def test_a_later_one_without_the_field_is_refused(self, define: Define) -> None:
        base = define("LaterTitled", Dated, abstract=True)
        listen(base, changed=["changed_at"])
        before = connector.connections()
        with pytest.raises(DeclarationError, match="changed names 'changed_at', which"):

            class LaterUntitled(base):  # type: ignore[valid-type, misc]  # made above
                changed_at = None

                class Meta:
                    app_label = "testapp"

        assert connector.connections() == before

    @pytest.mark.django_db
    def test_stored_values_are_read_ahead_of_whoever_asks(self) -> None:
        """Also of a receiver that is declared later and put before those that were there."""
        heard: list[str] = []

        def declare(name: str, **options: Any) -> None:
            @signalkit.receiver(pre_save, sender=Book, name=f"shop.{name}", **options)
            def f(**kwargs: Any) -> None:
                heard.append(name)

        declare("plain", order=0)
        declare("watching", order=1, changed=["title"])
        declare("early", order=-1, changed=["title"])
        book = Book.objects.create(title="one")
        heard.clear()
        book.title = "two"
        book.save()
        assert heard == ["early", "plain", "watching"]


def test_a_later_model_whose_place_is_taken(define: Define) -> None:
    def f(**kwargs: Any) -> None: ...

    def connects(sender: Any, **kwargs: Any) -> None:
        if sender.__name__ == "LaterTaken":
            post_save.connect(f, sender=sender)

    # It stands before signalkit's own receiver of class_prepared.
    models.signals.class_prepared.connect(connects)
    own = models.signals.class_prepared.receivers
    own.insert(0, own.pop())
    signalkit.receiver(post_save, sender=Book, include_subclasses=True, changed=["title"])(f)
    watched = {model: +counts for model, counts in changed._watched.items()}
    try:
        with pytest.raises(NameClash, match="cannot be connected to post_save"):
            define("LaterTaken", Book, proxy=True)
    finally:
        models.signals.class_prepared.disconnect(connects)
    assert changed._watched == watched


def test_a_dropped_model_is_freed_with_the_receiver() -> None:
    """As long as the receiver is declared it keeps the model: Django 5.2 tells senders by an id."""
    listen(Book)
    made: dict[str, Any] = {"__module__": __name__}
    made["Meta"] = type("Meta", (), {"app_label": "testapp", "proxy": True})
    model = ModelBase("LaterDropped", (Book,), made)
    gone = weakref.ref(model)
    apps.all_models["testapp"].pop("laterdropped")
    apps.clear_cache()
    del model, made
    gc.collect()
    assert gone() is not None
    registry.remove(registry.all()[-1])
    apps.clear_cache()
    gc.collect()
    assert gone() is None


@pytest.mark.django_db
def test_a_real_save_of_a_child_tells_once() -> None:
    heard: list[Any] = []

    @signalkit.receiver(post_save, sender=Book, include_subclasses=True)
    def f(sender: Any, **kwargs: Any) -> None:
        heard.append(sender)

    Audiobook.objects.create(title="Heard", minutes=3)
    Bestseller.objects.create(title="Sold")
    assert heard == [Audiobook, Bestseller]
