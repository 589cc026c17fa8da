"""Vetoes of bulk writes, shown where those of saves are."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.test import Client

from signalkit import Phase, Veto, bulk
from tests.dispatch.recording import listen
from tests.veto.conftest import book, client, page, site, written
from tests.veto.test_admin import Page
from tests.veto.vetoapp.models import Book, Note

__all__ = ["book", "client", "page", "site"]

pytestmark = [pytest.mark.urls("tests.veto.vetoapp.urls"), pytest.mark.django_db(transaction=True)]


def refuse(named: dict[str, Any]) -> None:
    Note.objects.create(text="side effect")
    raise Veto("Nothing is free.")


@pytest.mark.parametrize("signal", [bulk.pre_update, bulk.post_update], ids=["pre", "post"])
@pytest.mark.parametrize(
    "phase", [Phase.INLINE, Phase.BEFORE_COMMIT], ids=lambda phase: phase.value
)
def test_of_an_action_of_the_admin(
    client: Client, page: Page, book: Book, signal: Any, phase: Phase
) -> None:
    listen(
        signal, Book, note=refuse, phase=phase, when=lambda values, **kwargs: values == {"price": 0}
    )
    before = written()

    response = client.post(
        page("changelist"),
        {"action": "give_away", ACTION_CHECKBOX_NAME: [book.pk], "index": "0"},
        follow=True,
    )

    assert b'<li class="error">Nothing is free.</li>' in response.content
    assert b"All are free now." not in response.content
    assert written() == before


def test_nobody_refuses(client: Client, page: Page, book: Book) -> None:
    client.post(
        page("changelist"),
        {"action": "give_away", ACTION_CHECKBOX_NAME: [book.pk], "index": "0"},
    )

    book.refresh_from_db()
    assert book.price == 0
