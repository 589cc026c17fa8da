"""``created=``, ``raw=`` and ``when=``, and the order in which they are asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import django
import pytest
from django.core import serializers
from django.core.management import call_command
from django.core.serializers.python import Deserializer
from django.db.models.signals import m2m_changed, post_save, pre_save
from django.dispatch import Signal, receiver

import signalkit
from signalkit import Event, ModelReceiver, Receiver
from signalkit.dispatch.entrance import DECLARATION
from signalkit.exceptions import DeclarationError
from signalkit.registry import registry
from tests.dispatch.models import Page
from tests.dispatch.recording import listen
from tests.testapp.models import Author, Book, Record, Tag

imported = Signal()

pytestmark = pytest.mark.django_db


def answers(responses: list[tuple[Any, Any]]) -> list[Any]:
    return [answer for _, answer in responses]


class TestCreated:
    @pytest.mark.parametrize(
        ("created", "expected"),
        [(True, [True]), (False, [False]), (None, [True, False])],
    )
    def test_of_a_function(self, created: bool | None, expected: list[bool]) -> None:
        seen = listen(post_save, Tag, created=created, note=lambda named: named["created"])
        Tag.objects.create(name="a").save()
        assert seen == expected

    @pytest.mark.parametrize(
        ("wanted", "expected"),
        [(True, [True]), (False, [False]), (None, [True, False])],
    )
    def test_of_a_class(self, wanted: bool | None, expected: list[bool]) -> None:
        seen: list[bool] = []

        class Seen(ModelReceiver):
            signal = post_save
            sender = Tag
            created = wanted

            def handle(self, event: Event) -> None:
                seen.append(event.created)

        Tag.objects.create(name="a").save()
        assert seen == expected

    @pytest.mark.parametrize("options", [{}, {"on_error": "isolate"}], ids=["plain", "full"])
    @pytest.mark.parametrize("created", [True, False])
    def test_a_send_that_does_not_say(self, created: bool, options: dict[str, Any]) -> None:
        """It could never be met, and to skip it would lose it without a word."""
        seen = listen(imported, name="shop.index", created=created, **options)
        with pytest.raises(DeclarationError) as error:
            imported.send(sender=None)
        message = str(error.value)
        assert message.startswith("shop.index (tests.dispatch.recording.listen.")
        assert f"has created={created}, but tests.dispatch.test_conditions.imported" in message
        assert message.endswith("or put the condition into when=.")
        imported.send(sender=None, created=created)
        imported.send(sender=None, created=not created)
        assert len(seen) == 1

    def test_a_save_sent_by_hand_that_does_not_say(self) -> None:
        listen(post_save, Tag, created=True)
        post_save.send(sender=Page, instance=Page())
        with pytest.raises(DeclarationError, match="post_save was sent without created"):
            post_save.send(sender=Tag, instance=Tag())


FORWARD = [
    {
        "model": "testapp.page",
        "fields": {"name": "first", "next": ["second"], "see_also": [["second"]]},
    },
    {"model": "testapp.page", "fields": {"name": "second", "next": None, "see_also": []}},
]


@pytest.fixture(params=["json", "xml"])
def fixture(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a fixture whose first page refers to the second: by a foreign key, by an m2m."""
    path = tmp_path / f"pages.{request.param}"
    if request.param == "json":
        path.write_text(json.dumps(FORWARD))
        return path
    objects = [each.object for each in Deserializer(FORWARD, handle_forward_references=True)]
    for page in objects:
        page.save()
    first, second = objects
    first.next = second
    first.save()
    first.see_also.add(second)
    path.write_text(serializers.serialize("xml", [first, second], use_natural_foreign_keys=True))
    Page.objects.all().delete()
    return path


def raw_of(named: dict[str, Any]) -> tuple[str, Any]:
    return named["signal"], named.get("raw")


class TestFixtures:
    """Real ``loaddata``, on whatever Django runs."""

    def load(self, path: Path) -> None:
        call_command("loaddata", path, verbosity=0)
        first = Page.objects.get(name="first")
        assert first.next is not None
        assert list(first.see_also.values_list("name", flat=True)) == ["second"]

    def test_functions_are_told_by_default(self, fixture: Path) -> None:
        saved = listen([pre_save, post_save], Page, name="a", note=lambda named: named["raw"])
        linked = listen(m2m_changed, Page.see_also.through, note=lambda named: named["action"])
        self.load(fixture)
        assert len(saved) >= 4
        assert all(saved)
        assert linked == ["pre_add", "post_add"]

    def test_functions_may_decline(self, fixture: Path) -> None:
        saved = listen([pre_save, post_save], Page, raw=False)
        linked = listen(m2m_changed, Page.see_also.through, raw=False)
        self.load(fixture)
        assert saved == linked == []

    def test_classes_decline_by_default(self, fixture: Path) -> None:
        seen: list[Event] = []

        class Saved(ModelReceiver):
            signal = (pre_save, post_save)
            sender = Page

            def handle(self, event: Event) -> None:
                seen.append(event)

        class Linked(ModelReceiver):
            signal = m2m_changed
            sender = "testapp.Page.see_also"

            def handle(self, event: Event) -> None:
                seen.append(event)

        self.load(fixture)
        assert seen == []

    def test_classes_may_ask_for_it(self, fixture: Path) -> None:
        seen: list[Signal] = []

        class Everything(ModelReceiver):
            signal = (post_save, m2m_changed)
            raw = True

            def handle(self, event: Event) -> None:
                seen.append(event.signal)

        self.load(fixture)
        assert post_save in seen
        assert m2m_changed in seen

    def test_everything_else_is_told(self) -> None:
        saved = listen([pre_save, post_save], Page, raw=False)
        linked = listen(m2m_changed, Page.see_also.through, raw=False)
        first, second = Page.objects.create(name="first"), Page.objects.create(name="second")
        first.see_also.set([second])
        first.see_also.clear()
        assert len(saved) == 4
        assert [each["action"] for each in linked] == [
            "pre_add",
            "post_add",
            "pre_clear",
            "post_clear",
        ]

    def test_what_a_receiver_of_a_fixture_does_itself_is_no_fixture(self, fixture: Path) -> None:
        linked = listen(m2m_changed, Book.tags.through, raw=False)

        @receiver(post_save, sender=Page)
        def tag(sender: type[Page], instance: Page, **kwargs: Any) -> None:
            book = Book.objects.create(title=instance.name)
            book.tags.add(Tag.objects.get_or_create(name="page")[0])

        self.load(fixture)
        assert len(linked) >= 2

    def test_a_signal_sent_by_hand(self) -> None:
        seen = listen([post_save, m2m_changed], None, raw=False)
        post_save.send(sender=Page, instance=Page())
        m2m_changed.send_robust(sender=Page.see_also.through, instance=Page())
        assert len(seen) == 2

    def test_a_receiver_called_without_any_signal(self) -> None:
        listen(m2m_changed, Page.see_also.through, raw=False)
        (entrance,) = m2m_changed._live_receivers(Page.see_also.through)[0]
        assert entrance(signal=m2m_changed, sender=Page.see_also.through, instance=None) == 1

    def test_django_says_so_itself_from_6_1(self, fixture: Path) -> None:
        linked = listen(m2m_changed, Page.see_also.through, note=raw_of)
        self.load(fixture)
        told = True if django.VERSION >= (6, 1) else None
        assert [raw for _, raw in linked] == [told, told]


class TestWhen:
    def test_a_function_takes_what_the_receiver_takes(self) -> None:
        asked: list[dict[str, Any]] = []

        def is_a(**kwargs: Any) -> bool:
            asked.append(kwargs)
            return bool(kwargs["instance"].name == "a")

        seen = listen(post_save, Tag, when=is_a)
        Tag.objects.create(name="a")
        Tag.objects.create(name="b")
        assert len(asked) == 2
        assert asked[0] == seen[0]
        assert asked[0]["signal"] is post_save
        assert asked[0]["sender"] is Tag
        assert [each["instance"].name for each in seen] == ["a"]

    @pytest.mark.parametrize("options", [{}, {"on_error": "isolate"}], ids=["plain", "full"])
    def test_a_function_that_names_its_arguments(self, options: dict[str, Any]) -> None:
        seen = listen(
            post_save, Tag, when=lambda sender, instance, **kwargs: instance.pk > 0, **options
        )
        Tag.objects.create(name="a")
        assert len(seen) == 1

    def test_a_method_takes_the_event(self) -> None:
        seen: list[str] = []

        class OnlyA(ModelReceiver):
            signal = post_save
            sender = Tag

            def when(self, event: Event) -> bool:
                return bool(event.instance.name == "a")

            def handle(self, event: Event) -> None:
                seen.append(event.instance.name)

        Tag.objects.create(name="a")
        Tag.objects.create(name="b")
        assert seen == ["a"]

    @pytest.mark.parametrize("options", [{}, {"on_error": "isolate"}], ids=["plain", "full"])
    def test_a_skipped_receiver_answers_none(self, options: dict[str, Any]) -> None:
        asked = Signal()
        listen(asked, when=lambda yes, **kwargs: yes, **options)
        assert answers(asked.send(sender=None, yes=False)) == [None]
        assert answers(asked.send(sender=None, yes=True)) == [1]

    def test_an_error_in_a_condition_is_the_senders(self) -> None:
        """Whatever on_error says: a condition is asked in the middle of the send."""
        listen(post_save, Tag, when=lambda **kwargs: 1 / 0, on_error="isolate")
        with pytest.raises(ZeroDivisionError):
            Tag.objects.create(name="a")


class TestOrder:
    """The cheapest first, and nothing is asked that need not be."""

    def test_when_is_asked_last(self) -> None:
        asked: list[str] = []

        def when(instance: Book, **kwargs: Any) -> bool:
            asked.append(instance.title)
            return True

        listen(post_save, Book, created=False, changed=("status",), raw=False, when=when)
        book = Book.objects.create(title="created")
        book.title = "unchanged"
        book.save()
        book.title, book.status = "raw", "sold"
        book.save_base(raw=True)
        book.title, book.status = "changed", "draft"
        book.save()
        assert asked == ["changed"]

    def test_a_class_asks_its_condition_before_it_complains_of_reentry(self) -> None:
        class Once(ModelReceiver):
            signal = post_save
            sender = Book
            reentry = "raise"

            def when(self, event: Event) -> bool:
                return bool(event.instance.status == "draft")

            def handle(self, event: Event) -> None:
                event.instance.status = "sold"
                event.instance.save()

        assert Book.objects.create(title="a").status == "sold"

    def test_senders_by_value_come_first(self) -> None:
        from django.contrib.auth.signals import user_login_failed

        asked: list[bool] = []

        def when(**kwargs: Any) -> bool:
            asked.append(True)
            return True

        listen(user_login_failed, "django.contrib.auth", when=when)
        user_login_failed.send(sender="another.backend", credentials={}, request=None)
        assert asked == []
        user_login_failed.send(sender=str(b"django.contrib.auth", "ascii"), credentials={})
        assert asked == [True]


class TestEntrance:
    def test_it_leads_to_its_receiver(self) -> None:
        @signalkit.receiver(post_save, sender=Author, created=True, name="tests.known")
        def known(sender: type[Author], **kwargs: Any) -> None:
            """Do nothing."""

        (entrance,) = post_save._live_receivers(Author)[0]
        assert getattr(entrance, DECLARATION) is registry.get("tests.known")
        assert entrance.__name__ == "known"
        assert entrance.__qualname__ == known.__qualname__
        assert entrance.__module__ == __name__

    def test_values_are_returned(self) -> None:
        asked = Signal()
        listen(asked, name="tests.function")

        class Answer(Receiver):
            signal = asked
            name = "tests.class"

            def handle(self, event: Event) -> str:
                return f"{event.sender}!"

        assert answers(asked.send(sender="me")) == [1, "me!"]

    def test_a_receiver_that_is_switched_off(self) -> None:
        seen = listen(post_save, Record, name="tests.plain")
        full = listen(post_save, Record, name="tests.full", on_error="isolate")
        with signalkit.muted():
            Record.objects.create(text="a")
        assert seen == full == []


@pytest.mark.parametrize(
    ("value", "created"), [(1, True), ("yes", True), (0, False), (None, False)]
)
def test_created_of_a_signal_of_ones_own_is_asked_by_its_truth(value: Any, created: bool) -> None:
    sent = Signal()
    heard = {wanted: listen(sent, created=wanted) for wanted in (True, False)}
    sent.send(sender=None, created=value)
    assert [len(heard[created]), len(heard[not created])] == [1, 0]
