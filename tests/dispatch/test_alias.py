"""A signal of one's own with a keyword ``using`` that is no database alias."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import transaction
from django.dispatch import Signal

from signalkit import Event, Phase, Receiver
from signalkit.exceptions import DeclarationError
from tests.dispatch.recording import both_aliases, listen, undone
from tests.testapp.models import Record

pytestmark = both_aliases

paid = Signal()

NEEDS_ONE: list[dict[str, Any]] = [
    {"phase": Phase.BEFORE_COMMIT},
    {"phase": Phase.AFTER_COMMIT},
    {"phase": Phase.AFTER_ROLLBACK},
    {"on_error": "isolate"},
]


@pytest.mark.parametrize("options", NEEDS_ONE)
@pytest.mark.parametrize("using", ["stripe", "", 3, [], object])
def test_it_is_refused_at_the_send(options: dict[str, Any], using: Any) -> None:
    seen = listen(paid, name="shop.notify", **options)
    with pytest.raises(DeclarationError) as error, transaction.atomic():
        paid.send(sender=None, using=using)
    assert seen == []
    message = str(error.value)
    assert message.startswith("shop.notify (tests.dispatch.recording.listen.")
    assert re.search(r"recording\.py:\d+\)\): tests\.dispatch\.test_alias\.paid was sent", message)
    assert f"with using={using!r}; expected one of the database aliases default, other" in message
    assert message.endswith("give the receiver using=, or rename the keyword.")


@pytest.mark.parametrize("options", NEEDS_ONE)
def test_a_class_as_well(options: dict[str, Any]) -> None:
    namespace = {"signal": paid, "handle": lambda self, event: None, **options}
    type("Notify", (Receiver,), {"__module__": __name__, **namespace})
    with pytest.raises(DeclarationError, match="using='stripe'"):
        paid.send(sender=None, using="stripe")


@pytest.mark.parametrize("options", [{}, {"order": 1}, {"reentry": "raise"}])
def test_who_needs_no_alias_does_not_mind(options: dict[str, Any]) -> None:
    seen = listen(paid, note=lambda named: named["using"], **options)
    paid.send(sender=None, using="stripe")
    assert seen == ["stripe"]


@pytest.mark.parametrize("using", [None, "default", "other"])
@pytest.mark.parametrize("options", NEEDS_ONE)
def test_an_alias_is_none_of_that(options: dict[str, Any], using: str | None) -> None:
    seen = listen(paid, **options)
    with undone(using or "default"):
        paid.send(sender=None, using=using)
    assert len(seen) == (options.get("phase") in (None, Phase.AFTER_ROLLBACK))


def test_what_the_receiver_names_wins() -> None:
    seen = listen(paid, phase=Phase.AFTER_COMMIT, using="other", note=lambda named: named["using"])
    with transaction.atomic(using="other"):
        paid.send(sender=None, using="stripe")
        assert seen == []
    assert seen == ["stripe"]


def test_what_the_receiver_names_is_what_isolate_protects() -> None:
    class Fails(Receiver):
        signal = paid
        on_error = "isolate"
        using = "other"

        def handle(self, event: Event) -> None:
            Record.objects.using("other").create(text="half-way")
            raise RuntimeError

    with transaction.atomic(using="other"):
        paid.send(sender=None, using="stripe")
    assert not Record.objects.using("other").exists()


def test_a_condition_of_the_sender_is_asked_before() -> None:
    seen = listen(paid, "checkout", phase=Phase.AFTER_COMMIT)
    paid.send(sender="elsewhere", using="stripe")
    assert seen == []
