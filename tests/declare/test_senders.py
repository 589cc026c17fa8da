"""Senders: what each kind of signal takes, and what it would never be sent with."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import django
import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth import authenticate, get_user_model
from django.contrib.auth.models import AbstractUser, User
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.core.handlers.wsgi import WSGIHandler
from django.core.management.sql import emit_post_migrate_signal
from django.core.signals import got_request_exception, request_started, setting_changed
from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.backends.signals import connection_created
from django.db.models.signals import (
    ModelSignal,
    class_prepared,
    m2m_changed,
    post_init,
    post_migrate,
    post_save,
    pre_save,
)
from django.dispatch import Signal
from django.template import Context, Template
from django.test import Client, override_settings
from django.test.signals import template_rendered
from django.utils import autoreload
from django.utils.autoreload import StatReloader, file_changed

import signalkit
from signalkit.exceptions import SenderError
from tests.testapp.models import Article, Audiobook, Author, Bestseller, Book, Dated, Tag


def hears(signal: Signal, sender: Any, *, sent_with: Any, **options: Any) -> list[Any]:
    """Declare a receiver and return which of some senders it hears."""
    heard: list[Any] = []

    def f(sender: Any, **kwargs: Any) -> None:
        heard.append(sender)

    # order= makes it signalkit's own.
    signalkit.receiver(signal, sender=sender, order=1, **options)(f)
    for each in sent_with:
        signal.send(each)
    return heard


def refused(signal: Any, sender: Any, **options: Any) -> str:
    with pytest.raises(SenderError) as error:
        signalkit.receiver(signal, sender=sender, order=1, **options)(lambda **kwargs: None)
    message = str(error.value)
    assert "test_senders.py" in message
    return message


def fresh(text: str) -> str:
    """Return an equal string that is another object."""
    return "".join([*text])


class TestModels:
    @pytest.mark.parametrize(
        ("sender", "expected"),
        [
            (Book, [Book]),
            ("testapp.Book", [Book]),
            ("testapp.book", [Book]),
            ([Book, "testapp.Author"], [Book, Author]),
            ((Book, Book, "testapp.Book"), [Book]),
            ({Book}, [Book]),
            (frozenset({Book}), [Book]),
            (None, [Book, Author, Audiobook, Bestseller]),
            (Audiobook, [Audiobook]),
            ("testapp.Bestseller", [Bestseller]),
        ],
    )
    def test_every_shape(self, sender: Any, expected: list[Any]) -> None:
        signal = ModelSignal()
        everyone = [Book, Author, Audiobook, Bestseller]
        assert hears(signal, sender, sent_with=everyone) == expected

    def test_the_user_model(self) -> None:
        signal = ModelSignal()
        assert hears(signal, settings.AUTH_USER_MODEL, sent_with=[User, Book]) == [User]
        assert get_user_model() is User

    def test_every_model_of_one_name_in_two_apps(self) -> None:
        assert "no model 'testapp.User'" in refused(post_save, "testapp.User")

    @pytest.mark.parametrize(
        ("sender", "message"),
        [
            ("testapp.Boook", "There is no model 'testapp.Boook'. Did you mean 'testapp.Book'?"),
            ("testap.Book", "There is no model 'testap.Book'. Did you mean 'testapp.Book'?"),
            ("Book", "'Book' is no model; expected 'app_label.ModelName'."),
            ("", "'' is no model"),
            ("testapp.Book.tags", "only m2m_changed has fields as its senders. Write 'testapp.B"),
            (Dated, "Dated is abstract and never sends post_save. Name its concrete models, or"),
            (AbstractUser, "AbstractUser is abstract"),
            (models.Model, "Model itself never sends anything"),
            (Book.tags.through, "testapp.Book_tags was made by Django for a many-to-many field"),
            ("testapp.Book_tags", "Use m2m_changed."),
            (WSGIHandler, "cannot send post_save; expected a model class"),
            (object(), "cannot send post_save; expected a model class"),
            (Book(title="One"), "<Book: One> cannot send post_save"),
            (sys, "cannot send post_save; expected a model class"),
            ([], "the list of senders is empty. Leave sender out to hear everyone."),
            ([Book, None], "None cannot be a sender; expected a class, 'app_label.ModelName'"),
            ([[Book]], "cannot be a sender"),
            (1, "1 cannot be a sender"),
            (True, "True cannot be a sender"),
            (b"testapp.Book", "cannot be a sender"),
            ({"a": Book}, "cannot be a sender"),
            ({"a": Book}.values(), "cannot be a sender"),
            ((model for model in [Book]), "cannot be a sender"),
        ],
    )
    def test_what_never_saves(self, sender: Any, message: str) -> None:
        assert message in refused(post_save, sender)

    def test_one_wrong_among_several(self) -> None:
        assert "Dated is abstract" in refused(post_save, [Book, Dated])
        assert "Dated is abstract" in refused([post_init, post_save], [Book, Dated])

    def test_a_model_signal_of_ones_own(self) -> None:
        assert "expected a model class" in refused(ModelSignal(), WSGIHandler)
        assert "is abstract" in refused(ModelSignal(), Dated)

    def test_auto_created_models_do_send_init(self) -> None:
        through = Book.tags.through
        assert hears(post_init, through, sent_with=[]) == []


class TestManyToMany:
    @pytest.mark.parametrize(
        "sender",
        [
            Book.tags.through,
            "testapp.Book.tags",
            "testapp.Audiobook.tags",
            "testapp.Tag.books",
            "testapp.Book_tags",
        ],
    )
    @pytest.mark.django_db
    def test_the_through_model_however_it_is_named(self, sender: Any) -> None:
        heard: list[str] = []

        @signalkit.receiver(m2m_changed, sender=sender, order=1)
        def f(action: str, **kwargs: Any) -> None:
            heard.append(action)

        Book.objects.create(title="One").tags.add(Tag.objects.create(name="a"))
        assert heard == ["pre_add", "post_add"]

    @pytest.mark.parametrize(
        ("sender", "message"),
        [
            (Book, "its sender is the through model. Write 'testapp.Book.tags'."),
            ("testapp.Book", "its sender is the through model. Write 'testapp.Book.tags'."),
            (Author, "It has no many-to-many field."),
            (User, "Write 'auth.User.groups' or 'auth.User.user_permissions'."),
            ("testapp.Book.tag", "names no many-to-many field. Did you mean 'testapp.Book.tags'?"),
            ("testapp.Book.author", "names no many-to-many field."),
            ("testapp.Book.title", "names no many-to-many field."),
            ("testapp.Boook.tags", "There is no model"),
        ],
    )
    def test_what_never_changes(self, sender: Any, message: str) -> None:
        assert message in refused(m2m_changed, sender)

    def test_an_abstract_one_with_its_subclasses(self) -> None:
        assert hears(m2m_changed, Dated, include_subclasses=True, sent_with=[]) == []


class TestMigrations:
    @pytest.mark.django_db
    @pytest.mark.parametrize("by", ["label", "config"])
    def test_an_app(self, by: str) -> None:
        config = apps.get_app_config("testapp")
        heard: list[Any] = []

        @signalkit.receiver(post_migrate, sender="testapp" if by == "label" else config, order=1)
        def f(sender: Any, **kwargs: Any) -> None:
            heard.append(sender)

        emit_post_migrate_signal(verbosity=0, interactive=False, db=DEFAULT_DB_ALIAS)
        assert heard == [config]

    @pytest.mark.parametrize(
        ("sender", "message"),
        [
            ("testap", "No installed app has the label 'testap'. Did you mean 'testapp'?"),
            ("tests.testapp", "No installed app has the label 'tests.testapp'. Did you mean 'tes"),
            (Book, "cannot send post_migrate; expected an app label or an AppConfig."),
            ("messages", "The app 'messages' has no models, and post_migrate is only sent for"),
        ],
    )
    def test_what_never_migrates(self, sender: Any, message: str) -> None:
        assert message in refused(post_migrate, sender)


class TestClassPrepared:
    @pytest.fixture
    def forget(self) -> Iterator[None]:
        yield
        apps.all_models["testapp"].pop("late", None)
        apps.clear_cache()

    @pytest.mark.parametrize("sender", ["testapp.Late", "testapp.late"])
    @pytest.mark.usefixtures("forget")
    def test_a_model_to_come(self, sender: str) -> None:
        heard: list[str] = []

        @signalkit.receiver(class_prepared, sender=sender, order=1)
        def f(sender: type, **kwargs: Any) -> None:
            heard.append(sender.__name__)

        class Late(models.Model):
            class Meta:
                app_label = "testapp"

        assert heard == ["Late"]

    @pytest.mark.parametrize(
        ("sender", "message"),
        [
            (Book, "Book is a class already, so its class_prepared was sent. Write 'testapp.Book'"),
            (Dated, "Dated is a class already"),
            ("testapp.Book", "testapp.book is loaded already, so its class_prepared was sent. Dec"),
            ("Book", "'Book' is no model"),
            ("testap.Late", "No installed app has the label 'testap'. Did you mean 'testapp'?"),
            (WSGIHandler, "cannot send class_prepared"),
        ],
    )
    def test_what_is_too_late(self, sender: Any, message: str) -> None:
        assert message in refused(class_prepared, sender)


class TestUsers:
    @pytest.mark.django_db
    @pytest.mark.parametrize("sender", [User, "auth.User", settings.AUTH_USER_MODEL])
    def test_a_login(self, sender: Any, client: Client) -> None:
        heard = hears(user_logged_in, sender, sent_with=[])
        user = User.objects.create_user("reader")
        client.force_login(user)
        assert heard == [User]

    def test_anonymous_logouts(self) -> None:
        none_type = type(None)
        heard = hears(user_logged_out, [none_type, "auth.User"], sent_with=[none_type, User, Book])
        assert heard == [none_type, User]

    @pytest.mark.django_db
    def test_a_failed_login_by_value(self) -> None:
        heard = hears(user_login_failed, fresh("django.contrib.auth"), sent_with=[])
        authenticate(username="nobody", password="wrong")
        assert heard == ["django.contrib.auth"]

    def test_other_failed_logins(self) -> None:
        heard = hears(
            user_login_failed, ["allauth", WSGIHandler], sent_with=["allauth", WSGIHandler]
        )
        assert heard == ["allauth", WSGIHandler]

    @pytest.mark.parametrize(
        ("signal", "sender", "message"),
        [
            (user_logged_in, "auth.Usr", "There is no model 'auth.Usr'. Did you mean 'auth.User'?"),
            (user_logged_in, AbstractUser, "AbstractUser is abstract and never sends user_logged"),
            (user_logged_in, User(), "expected the class of a user"),
            (user_login_failed, User, "expected whatever sends it, which in Django is no model"),
        ],
    )
    def test_what_never_logs_in(self, signal: Signal, sender: Any, message: str) -> None:
        assert message in refused(signal, sender)


class TestOtherSignals:
    def test_a_handler_class(self) -> None:
        assert hears(request_started, WSGIHandler, sent_with=[]) == []

    @pytest.mark.django_db
    def test_a_request(self, client: Client) -> None:
        heard = hears(request_started, type(client.handler), sent_with=[])
        client.get("/nowhere/")
        assert heard == [type(client.handler)]

    def test_a_connection(self) -> None:
        real = connections[DEFAULT_DB_ALIAS]
        heard = hears(connection_created, type(real), sent_with=[])
        connection_created.send(type(real), connection=real)
        connection_created.send(object, connection=real)
        assert heard == [type(real)]

    def test_a_settings_holder(self) -> None:
        from django.conf import UserSettingsHolder

        heard = hears(setting_changed, UserSettingsHolder, sent_with=[])
        with override_settings(LANGUAGE_CODE="de"):
            pass
        assert heard

    def test_a_rendered_template(self) -> None:
        template = Template("")
        heard = hears(template_rendered, template, sent_with=[])
        template_rendered.send(template, template=template, context=Context())
        assert heard == [template]

    def test_a_reloader(self) -> None:
        reloader = StatReloader()
        heard: list[Any] = hears(autoreload.autoreload_started, reloader, sent_with=[reloader])
        assert heard == [reloader]

    @pytest.mark.skipif(django.VERSION < (6, 0), reason="tasks came with Django 6.0")
    def test_a_task_backend(self) -> None:
        from django.tasks import task_backends
        from django.tasks.signals import task_enqueued

        backend = type(task_backends["default"])
        assert "expected a class" in refused(task_enqueued, "default")

        # Not sent by hand: Django's own receivers want a real result.
        assert hears(task_enqueued, backend, sent_with=[]) == []

    @pytest.mark.parametrize(
        ("signal", "sender", "message"),
        [
            (request_started, "WSGIHandler", "'WSGIHandler' cannot send request_started; expected"),
            (request_started, WSGIHandler.__new__(WSGIHandler), "expected a class, such as that"),
            (request_started, Book, "expected a class, such as that of the handler"),
            (connection_created, "default", "'default' cannot send connection_created"),
            (got_request_exception, "x", "cannot send got_request_exception"),
            (template_rendered, Template, "the one object that sends it; leave sender out"),
            (file_changed, StatReloader, "the one object that sends it; leave sender out"),
        ],
    )
    def test_what_never_sends_them(self, signal: Signal, sender: Any, message: str) -> None:
        assert message in refused(signal, sender)


class TestSignalsOfOnesOwn:
    def test_objects_modules_and_classes(self) -> None:
        thing, module = object(), ModuleType("shop")
        everything = [thing, module, Book, Dated, object(), ModuleType("shop"), None, "shop"]
        assert hears(Signal(), [thing, module, Book, Dated], sent_with=everything) == [
            thing,
            module,
            Book,
            Dated,
        ]

    def test_strings_by_value(self) -> None:
        everything = ["checkout", fresh("checkout"), "other", None, Book, 3]
        assert hears(Signal(), "checkout", sent_with=everything) == ["checkout", "checkout"]

    @pytest.mark.parametrize("sender", ["testapp", "auth", "testapp.views", "no.Such", ""])
    def test_strings_that_look_like_no_model(self, sender: str) -> None:
        assert hears(Signal(), sender, sent_with=[sender, "x"]) == [sender]

    @pytest.mark.parametrize("sender", ["testapp.Book", "testapp.book"])
    def test_a_label_is_the_model_too(self, sender: str) -> None:
        everything = [Book, sender, Author, Book(pk=1), Audiobook]
        assert hears(Signal(), sender, sent_with=everything) == [Book, sender]

    def test_a_misspelt_label(self) -> None:
        assert "Did you mean 'testapp.Book'?" in refused(Signal(), "testapp.Boook")

    def test_strings_beside_objects(self) -> None:
        class Desk: ...

        everything = ["checkout", Desk, Book, None, Author]
        heard = hears(Signal(), ["checkout", Desk, "testapp.Book"], sent_with=everything)
        assert heard == ["checkout", Desk, Book]

    def test_without_keywords_of_ours_a_list_is_still_understood(self) -> None:
        signal, heard = Signal(), []

        @signalkit.receiver(signal, sender=[Book, "checkout"])
        def f(sender: Any, **kwargs: Any) -> None:
            heard.append(sender)

        signal.send(Book)
        signal.send("checkout")
        signal.send(Author)
        assert heard == [Book, "checkout"]

    def test_later_subclasses_of_plain_classes(self) -> None:
        class Plugin: ...

        class Early(Plugin): ...

        signal = Signal()
        heard = hears(signal, Plugin, include_subclasses=True, sent_with=[Plugin, Early, Book])

        class Late(Early): ...

        signal.send(Late)
        signal.send(Late())
        assert heard == [Plugin, Early, Late]

    def test_metaclasses(self) -> None:
        class Meta(type): ...

        heard = hears(Signal(), type, include_subclasses=True, sent_with=[type, Meta, int])
        assert heard == [type, Meta]

    @pytest.mark.parametrize("sender", [object(), ModuleType("shop")])
    def test_what_has_no_subclasses(self, sender: Any) -> None:
        assert "is no class" in refused(Signal(), sender, include_subclasses=True)


def test_a_signal_between_both() -> None:
    """One receiver, a model signal and one of its own: each takes what it can be sent with."""
    signal = Signal()
    heard: list[Any] = []

    @signalkit.receiver([pre_save, signal], sender="testapp.Article", order=1)
    def f(sender: Any, **kwargs: Any) -> None:
        heard.append(sender)

    signal.send(Article)
    signal.send("testapp.Article")
    signal.send(Author)
    assert heard == [Article, "testapp.Article"]
