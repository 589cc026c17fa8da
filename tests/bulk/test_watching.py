"""Which models are watched, and that Django is as it was while none is."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.db.migrations.state import ModelState, ProjectState
from django.db.models import Model, QuerySet
from django.db.models.signals import class_prepared
from django.db.models.sql import UpdateQuery
from django.dispatch import receiver as django_receiver
from django.test import override_settings

import signalkit
from signalkit import Event, ModelReceiver, Receiver, bulk
from signalkit.bulk.state import state
from signalkit.bulk.watching import watching
from signalkit.exceptions import DeclarationError, SenderError
from signalkit.registry import registry
from tests.bulk.models import Item, Shelf
from tests.bulk.recording import ALL, UPDATE, names
from tests.dispatch.recording import listen, real_commits
from tests.testapp.models import Audiobook, Author, Bestseller, Book, Dated, Tag

METHODS = [
    (QuerySet, "bulk_create"),
    (QuerySet, "bulk_update"),
    (QuerySet, "update"),
    (UpdateQuery, "update_batch"),
]
FOLDER = str(Path(bulk.__file__).parent)
DJANGOS = [vars(owner)[name] for owner, name in METHODS]


def in_place() -> list[Callable[..., Any]]:
    return [vars(owner)[name] for owner, name in METHODS]


def watched_models() -> set[type[Model]]:
    return {model for model in apps.get_models(include_auto_created=True) if id(model) in state.ids}


@pytest.fixture(autouse=True)
def nothing_is_left(only_own_receivers: None) -> Iterator[None]:
    """See that Django is as it was before and after each test, and while nothing is watched."""
    assert in_place() == DJANGOS
    assert all(function.__module__.startswith("django.") for function in DJANGOS)
    yield
    for declaration in registry.all():
        if declaration.origin.module == __name__ or declaration.name.startswith("tests."):
            registry.remove(declaration)
    gc.collect()
    bulk.unwatch(*apps.get_models())
    assert state.ids == frozenset()
    assert in_place() == DJANGOS
    assert "signalkit.bulk" not in [entry[0][0] for entry in class_prepared.receivers]


class TestDjangoIsAsItWas:
    def test_until_a_model_is_watched_and_afterwards(self) -> None:
        with bulk.watched(Tag):
            assert all(one is not other for one, other in zip(in_place(), DJANGOS, strict=True))
        assert in_place() == DJANGOS

    def test_what_stands_in_its_place_looks_like_it(self) -> None:
        with bulk.watched(Tag):
            for ours, django in zip(in_place(), DJANGOS, strict=True):
                assert (ours.__name__, ours.__doc__) == (django.__name__, django.__doc__)
                assert vars(ours).items() >= vars(django).items()

    def test_a_receiver_that_goes_leaves_nothing(self) -> None:
        names(Tag)
        assert in_place() != DJANGOS

        registry.remove(registry.all()[-1])

        assert in_place() == DJANGOS

    def test_receivers_of_other_signals_change_nothing(self) -> None:
        listen(models.signals.post_save, Tag)

        assert in_place() == DJANGOS

    def test_a_catch_all_alone_changes_nothing(self) -> None:
        names(None)

        assert in_place() == DJANGOS

    def test_managers_are_never_replaced(self) -> None:
        before = [Tag.objects.__class__, Tag._base_manager.__class__, vars(Tag)["objects"]]

        with bulk.watched(Tag):
            assert [
                Tag.objects.__class__,
                Tag._base_manager.__class__,
                vars(Tag)["objects"],
            ] == before

    @real_commits
    def test_somebody_elses_patch_on_top_stays(self, monkeypatch: pytest.MonkeyPatch) -> None:
        seen, called = names(Tag), []
        ours = vars(QuerySet)["update"]

        @wraps(ours)
        def theirs(self: Any, **kwargs: Any) -> Any:
            called.append(kwargs)
            return ours(self, **kwargs)

        monkeypatch.setattr(QuerySet, "update", theirs)
        registry.remove(registry.all()[-1])
        Tag.objects.update(name="a")
        assert vars(QuerySet)["update"] is theirs
        assert (len(called), len(seen)) == (1, 0)

        again = names(Tag)
        Tag.objects.update(name="b")
        assert vars(QuerySet)["update"] is theirs
        assert (len(called), len(again)) == (2, 2)

        monkeypatch.undo()
        registry.remove(registry.all()[-1])
        assert in_place() == DJANGOS


@real_commits
class TestUnwatchedModels:
    def test_are_not_told_of_and_cost_nothing_but_a_look(self) -> None:
        seen = names(Tag)
        everything = names(None)
        shelf = Shelf.objects.create(name="a")
        Item.objects.create(name="a", shelf=shelf, spare=shelf)
        calls = []

        def count(frame: FrameType, event: str, argument: object) -> None:
            if event == "call" and frame.f_code.co_filename.startswith(FOLDER):
                calls.append(frame.f_code.co_name)

        sys.setprofile(count)
        try:
            Author.objects.bulk_create([Author(name="Ada")])
            Author.objects.update(name="Eve")
            Author.objects.bulk_update(Author.objects.all(), ["name"])
            Author.objects.all().delete()
            shelf.delete()
        finally:
            sys.setprofile(None)

        # What stands before each method, and nothing behind it.
        assert calls[:4] == ["bulk_create", "update", "bulk_update", "update"]
        assert {*calls[4:]} == {"update", "update_batch"}
        assert (seen, everything) == ([], [])

    def test_the_historical_models_of_migrations(self) -> None:
        seen = [*map(names, [Tag, None])]
        history = ProjectState()
        history.add_model(ModelState.from_model(Tag))
        historical: Any = history.apps.get_model("testapp", "Tag")

        historical.objects.bulk_create([historical(name="a")])
        assert historical.objects.update(name="b") == 1

        assert seen == [[], []]


class TestWhoIsWatched:
    def test_the_sender_of_any_of_the_signals(self) -> None:
        for signal in ALL:
            with_one = names(Tag, [signal])
            assert watched_models() == {Tag}
            assert with_one == []
            registry.remove(registry.all()[-1])
            assert watched_models() == set()

    def test_by_a_class(self) -> None:
        class Index(Receiver):
            signal = bulk.post_update
            sender = ["testapp.Tag", Author]

            def handle(self, event: Event) -> None: ...

        assert watched_models() == {Tag, Author}

    def test_with_its_subclasses(self) -> None:
        names(Book, include_subclasses=True)

        assert watched_models() == {Book, Audiobook, Bestseller}

    def test_by_djangos_decorator_until_it_is_gone(self) -> None:
        @django_receiver(bulk.post_update, sender="testapp.Tag")
        def index(**kwargs: Any) -> None: ...

        assert watched_models() == {Tag}
        bulk.post_update.disconnect(index, sender="testapp.Tag")
        assert watched_models() == set()

    def test_by_our_decorator_which_is_djangos(self) -> None:
        @signalkit.receiver(bulk.post_update, sender=Tag)
        def index(**kwargs: Any) -> None: ...

        assert watched_models() == {Tag}
        assert bulk.post_update.disconnect(index, sender=Tag)

    def test_one_that_has_died_watches_nothing(self) -> None:
        def connect() -> None:
            def index(**kwargs: Any) -> None: ...

            bulk.post_update.connect(index, sender=Tag)

        connect()
        gc.collect()
        # Of another signal, so that Django itself has not forgotten it yet.
        names(Author, [bulk.pre_update])

        assert watched_models() == {Author}

    def test_two_receivers_and_one_goes(self) -> None:
        names(Tag)
        first = registry.all()[-1]
        names(Tag)

        registry.remove(first)

        assert watched_models() == {Tag}

    @real_commits
    def test_a_catch_all_hears_every_watched_model(self) -> None:
        seen = listen(list(UPDATE), None, note=lambda named: named["sender"])
        names(Tag, UPDATE[:1])

        with bulk.watched(Author):
            Tag.objects.update(name="a")
            Author.objects.update(name="a")
            Book.objects.update(title="a")

        assert seen == [Tag, Tag, Author, Author]


class TestWatch:
    def test_classes_and_labels(self) -> None:
        bulk.watch(Tag, "testapp.Author", settings.AUTH_USER_MODEL)

        assert watched_models() == {Tag, Author, User}

    def test_an_auto_created_model(self) -> None:
        through = Book.tags.through

        with bulk.watched(through):
            assert watched_models() == {through}

    def test_twice_is_once(self) -> None:
        bulk.watch(Tag)
        bulk.watch(Tag)
        bulk.unwatch("testapp.Tag")

        assert watched_models() == set()

    def test_unwatch_leaves_those_whom_a_receiver_names(self) -> None:
        names(Tag)
        bulk.watch(Tag, Author)
        bulk.unwatch(Tag, Author, Book)

        assert watched_models() == {Tag}

    def test_a_block_undoes_what_it_did_and_no_more(self) -> None:
        bulk.watch(Tag)
        with bulk.watched(Tag, Author, pks=True):
            assert state.with_pks == {Tag, Author}
            bulk.watch(Book)
            with bulk.watched(Tag):
                assert state.with_pks == {Tag, Author}

        assert watched_models() == {Tag, Book}
        assert state.with_pks == set()

    def test_keys_once_asked_for_are_not_forgotten(self) -> None:
        bulk.watch(Tag, pks=True)
        bulk.watch(Tag)

        assert state.with_pks == {Tag}

    @pytest.mark.parametrize(
        ("model", "message"),
        [
            ("testapp.Bok", r"There is no model 'testapp.Bok'. Did you mean 'testapp.Book'\?"),
            ("testapp", "'testapp' is no model; expected 'app_label.ModelName'."),
            ("testapp.Book.tags", "names a field"),
            (Dated, "Dated is abstract and never sends post_update"),
            (Model, "Model itself never sends anything"),
            (Event, "cannot send post_update; expected a model class"),
            (Tag.objects, "cannot send post_update; expected a model class"),
            (None, "None cannot send post_update; expected a model class"),
        ],
    )
    def test_what_is_no_model_is_refused(self, model: Any, message: str) -> None:
        with pytest.raises(SenderError, match=message):
            bulk.watch(Tag, model)

        assert watched_models() == set()
        with pytest.raises(SenderError, match=message), bulk.watched(model):
            pass

    def test_a_model_that_comes_later(self) -> None:
        labels = ("testapp.Comet", "testapp.comet2")
        apps.models_ready = False
        try:
            bulk.watch(*labels, pks=True)
        finally:
            apps.models_ready = True
        assert in_place() == DJANGOS

        with forgotten("comet"):
            comet = type("Comet", (Model,), {"__module__": "tests.testapp.models"})

            assert id(comet) in state.ids
            assert state.with_pks == {comet}
            bulk.unwatch(comet)
        apps.models_ready = False
        try:
            bulk.unwatch(*labels)
        finally:
            apps.models_ready = True

    def test_the_historical_model_of_one_that_comes_later_is_not_meant(self) -> None:
        apps.models_ready = False
        try:
            with bulk.watched("testapp.Eclipse"):
                history = ProjectState()
                history.add_model(ModelState("testapp", "Eclipse", []))
                assert history.apps.get_model("testapp", "Eclipse")
                assert state.ids == frozenset()
        finally:
            apps.models_ready = True

    def test_a_plain_receiver_of_a_model_that_comes_later(self) -> None:
        seen = []

        def index(**kwargs: Any) -> None:
            seen.append(kwargs)

        bulk.post_update.connect(index, sender="testapp.Meteor")
        assert in_place() == DJANGOS

        with forgotten("meteor"):
            meteor = type("Meteor", (Model,), {"__module__": "tests.testapp.models"})
            assert id(meteor) in state.ids
            assert in_place() != DJANGOS
            assert bulk.post_update.disconnect(index, sender=meteor)

    def test_refuses_a_label_that_is_none_before_models_are_loaded_too(self) -> None:
        apps.models_ready = False
        try:
            for label in ("testapp", "testapp.", ".Tag", "testapp.Book.tags"):
                with pytest.raises(SenderError, match="is no model; expected"):
                    bulk.watch(label)
            bulk.watch("testapp.Tag")
        finally:
            apps.models_ready = True

        assert watched_models() == {Tag}

    @override_settings(AUTH_USER_MODEL="testapp.Author")
    def test_one_that_is_swapped_out(self) -> None:
        message = "auth.User is swapped out for testapp.Author"
        with pytest.raises(SenderError, match=message):
            bulk.watch(User)
        apps.models_ready = False
        try:
            with bulk.watched("auth.User"):
                # Left for the check to complain of.
                assert state.ids == frozenset()
                assert [*watching.awaited()] == ["auth.user"]
        finally:
            apps.models_ready = True

    @override_settings(INSTALLED_APPS=["signalkit"])
    def test_while_the_app_is_out(self) -> None:
        bulk.watch(Tag)
        assert id(Tag) in state.ids
        bulk.unwatch(Tag)

    @real_commits
    def test_threads_may_watch_while_others_write(self) -> None:
        stop, errors = threading.Event(), []

        def write() -> None:
            try:
                while not stop.is_set():
                    QuerySet.update.__get__(Tag.objects.none())()
            except BaseException as error:  # noqa: BLE001  (whatever it is, it is shown)
                errors.append(error)

        def watch(model: type[Model]) -> None:
            try:
                for _ in range(200):
                    with bulk.watched(model):
                        assert id(model) in state.ids
            except BaseException as error:  # noqa: BLE001  (whatever it is, it is shown)
                errors.append(error)

        writer = threading.Thread(target=write)
        watchers = [threading.Thread(target=watch, args=[each]) for each in (Tag, Author, Book)]
        writer.start()
        for thread in watchers:
            thread.start()
        for thread in watchers:
            thread.join()
        stop.set()
        writer.join()

        assert errors == []
        assert in_place() == DJANGOS


class forgotten:  # noqa: N801  (a block, like those of contextlib)
    """A block at whose end the app registry forgets a model that was defined in it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None: ...

    def __exit__(self, *error: object) -> None:
        del apps.all_models["testapp"][self.name]
        apps.clear_cache()


class TestDeclarations:
    """Options that a bulk signal cannot mean are refused at once."""

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (
                {"changed": ["name"]},
                "has no such thing; pre_save, post_save have. What it writes is in its 'fields'",
            ),
            ({"created": True}, "post_update does not say what was created"),
            ({"raw": False}, "post_update has no such thing"),
            ({"using": "other"}, "the signal carries the alias that it is about"),
        ],
    )
    def test_of_a_function(self, options: dict[str, Any], message: str) -> None:
        with pytest.raises(DeclarationError, match=message):
            listen(bulk.post_update, Tag, **options)

    def test_of_a_class(self) -> None:
        with pytest.raises(DeclarationError, match="What it writes is in its 'fields'"):

            class Index(ModelReceiver):
                signal = bulk.post_update
                sender = Tag
                changed = ("name",)

                def handle(self, event: Event) -> None: ...

    @pytest.mark.parametrize("sender", ["testapp.Tog", Dated, Event, "testapp.Book.tags"])
    def test_senders_that_never_send(self, sender: Any) -> None:
        with pytest.raises(SenderError):
            names(sender)
        assert in_place() == DJANGOS
