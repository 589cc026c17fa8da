"""Vetoes of receivers that signalkit runs, in each phase in which they can refuse."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import transaction
from django.db.models.signals import post_save, pre_save
from django.test import Client

import signalkit
from signalkit import Event, ModelReceiver, Phase, Veto
from signalkit.registry import registry
from signalkit.veto.forms import try_save
from tests.veto.conftest import posted, written
from tests.veto.vetoapp.forms import PlainBookForm
from tests.veto.vetoapp.models import Book, Note

pytestmark = [pytest.mark.urls("tests.veto.vetoapp.urls"), pytest.mark.django_db(transaction=True)]

Page = Callable[..., str]


@pytest.fixture(autouse=True)
def forget_receivers() -> Iterator[None]:
    before = set(registry.all())
    yield
    for declaration in registry.all():
        if declaration not in before:
            registry.remove(declaration)


def form() -> Any:
    form = PlainBookForm({"title": "Persuasion", "price": "7"})
    assert form.is_valid()
    return form


def declare(phase: Phase, *, on_error: Any = "raise") -> None:
    @signalkit.receiver(
        post_save, sender="vetoapp.Book", phase=phase, on_error=on_error, name="vetoapp.says_no"
    )
    def says_no(sender: Any, instance: Any, **keywords: Any) -> None:
        Note.objects.create(text="side effect")
        raise Veto({"price": "Too cheap."})


REFUSING = [Phase.INLINE, Phase.BEFORE_COMMIT]


@pytest.mark.parametrize("phase", REFUSING, ids=lambda phase: phase.value)
@pytest.mark.parametrize("on_error", ["raise", "isolate"])
def test_in_the_admin(client: Client, page: Page, phase: Phase, on_error: str) -> None:
    declare(phase, on_error=on_error)
    before = written()
    response = client.post(page("add"), posted())
    assert response.context["adminform"].form.errors == {"price": ["Too cheap."]}
    assert written() == before


@pytest.mark.parametrize("phase", REFUSING, ids=lambda phase: phase.value)
def test_in_a_view(client: Client, phase: Phase) -> None:
    declare(phase)
    before = written()
    response = client.post("/add/", {"title": "Persuasion", "price": "7"})
    assert response.context["form"].errors == {"price": ["Too cheap."]}
    assert written() == before


@pytest.mark.parametrize("phase", REFUSING, ids=lambda phase: phase.value)
def test_in_a_form(phase: Phase) -> None:
    declare(phase)
    before = written()
    saving = form()
    assert try_save(saving) is False
    assert saving.errors == {"price": ["Too cheap."]}
    assert written() == before


@pytest.mark.parametrize("phase", REFUSING, ids=lambda phase: phase.value)
def test_elsewhere_it_propagates(phase: Phase) -> None:
    declare(phase)
    before = written()
    with pytest.raises(Veto) as caught, transaction.atomic():
        Book.objects.create(title="Persuasion")
    assert caught.value.message_dict == {"price": ["Too cheap."]}
    assert written() == before


def test_after_commit_it_is_too_late(client: Client, page: Page) -> None:
    declare(Phase.AFTER_COMMIT)
    with pytest.raises(Veto):
        client.post(page("add"), posted())
    assert Book.objects.count() == 1


def test_a_class_based_receiver(client: Client, page: Page) -> None:
    class SaysNo(ModelReceiver):
        signal = pre_save
        sender = Book

        def handle(self, event: Event) -> None:
            raise Veto("Not today.")

    response = client.post(page("add"), posted())
    assert response.context["adminform"].form.non_field_errors() == ["Not today."]


def test_two_async_receivers_that_both_refuse() -> None:
    async def first(**keywords: Any) -> None:
        raise Veto({"price": "Too cheap."})

    async def second(**keywords: Any) -> None:
        raise Veto("Not today.")

    for receiver in (first, second):
        post_save.connect(receiver, sender=Book)
    before = written()
    saving = form()
    try:
        assert try_save(saving) is False
    finally:
        for receiver in (first, second):
            post_save.disconnect(receiver, sender=Book)
    # Before 6.1, Django raises what the first one raised.
    assert saving.errors.get("price") == ["Too cheap."]
    assert saving.non_field_errors() in ([], ["Not today."])
    assert written() == before
