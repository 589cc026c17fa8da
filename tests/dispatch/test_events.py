"""The event: read-only, and silent about values."""

from __future__ import annotations

import copy
import pickle
import re
import traceback
from typing import Any

import pytest
from django.db.models.signals import post_save
from django.dispatch import Signal

from signalkit import Event
from tests.testapp.models import Book

SECRET = "hunter2"


@pytest.fixture
def event() -> Event:
    book = Book(pk=7, title=SECRET)
    return Event(post_save, Book, {"instance": book, "created": True, "using": "other"})


class TestReading:
    def test_its_own_attributes(self, event: Event) -> None:
        assert event.signal is post_save
        assert event.sender is Book
        assert event.using == "other"
        assert event.instance.title == SECRET
        assert event.pk == 7
        assert dict(event.payload) == {
            "instance": event.instance,
            "created": True,
            "using": "other",
        }

    def test_every_keyword_is_an_attribute(self, event: Event) -> None:
        assert event.created is True

    def test_a_signal_without_alias_and_instance(self) -> None:
        event = Event(Signal(), None, {})
        assert (event.using, event.instance, event.pk) == (None, None, None)

    @pytest.mark.parametrize(
        ("payload", "pk"),
        [
            ({"pk": 5}, 5),
            ({"instance": Book(pk=7), "pk": 5}, 7),
            ({"instance": None, "pk": 5}, None),
            ({"instance": "no model"}, None),
        ],
    )
    def test_the_key(self, payload: dict[str, Any], pk: int | None) -> None:
        assert Event(Signal(), None, payload).pk == pk

    def test_an_unknown_attribute_is_named_with_what_there_is(self, event: Event) -> None:
        with pytest.raises(AttributeError) as raised:
            _ = event.creatd
        assert str(raised.value) == (
            "This event carries no 'creatd'; the signal was sent with: created, instance, using"
        )
        assert SECRET not in str(raised.value)

    def test_what_python_adds_to_it_goes_on_with_the_sentence(self, event: Event) -> None:
        with pytest.raises(AttributeError) as raised:
            _ = event.usin
        (said,) = traceback.format_exception_only(raised.value)
        # Not every version of Python adds something here.
        assert re.search(r"created, instance, using(\. Did you mean: 'using'\?)?\n$", said)

    def test_an_unknown_attribute_of_an_empty_event(self) -> None:
        with pytest.raises(AttributeError, match="was sent with: no keywords"):
            _ = Event(Signal(), None, {}).action

    def test_a_keyword_is_not_taken_for_a_special_method(self) -> None:
        assert not hasattr(Event(Signal(), None, {"__len__": 1}), "__len__")

    def test_an_event_that_was_never_made(self) -> None:
        with pytest.raises(AttributeError, match="_payload"):
            Event.__new__(Event).created  # noqa: B018  (reading it is the test)


class TestWriting:
    @pytest.mark.parametrize(
        "name", ["signal", "sender", "payload", "using", "instance", "pk", "created", "other"]
    )
    def test_nothing_can_be_set(self, event: Event, name: str) -> None:
        with pytest.raises(AttributeError):
            setattr(event, name, 1)

    def test_the_payload_is_read_only(self, event: Event) -> None:
        with pytest.raises(TypeError):
            event.payload["created"] = False  # type: ignore[index]  # what must not work

    def test_replace_makes_a_copy(self, event: Event) -> None:
        other = event.replace(created=False, more=1)
        assert (other.created, other.more, other.instance) == (False, 1, event.instance)
        assert (other.signal, other.sender) == (event.signal, event.sender)
        assert event.created is True
        assert not hasattr(event, "more")


class TestCopying:
    def test_a_copy_is_the_event_itself(self, event: Event) -> None:
        assert copy.copy(event) is event

    @pytest.mark.parametrize("leave", [pickle.dumps, copy.deepcopy])
    def test_it_does_not_leave_its_process(self, event: Event, leave: Any) -> None:
        with pytest.raises(TypeError, match=r"cannot be pickled.*event\.pk"):
            leave(event)


class TestRepr:
    def test_names_without_values(self, event: Event) -> None:
        assert repr(event) == "<Event sender=Book payload=['created', 'instance', 'using']>"

    @pytest.mark.parametrize(
        ("sender", "shown"),
        [(None, "None"), ("django.contrib.auth", "'django.contrib.auth'"), (Signal, "Signal")],
    )
    def test_senders_that_say_nothing_secret(self, sender: Any, shown: str) -> None:
        assert repr(Event(Signal(), sender, {})) == f"<Event sender={shown} payload=[]>"

    def test_a_sender_that_is_a_row(self) -> None:
        shown = repr(Event(Signal(), Book(title=SECRET), {}))
        assert shown == "<Event sender=<Book object> payload=[]>"
