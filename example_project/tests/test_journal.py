"""The page of the pulse: which receivers ran of late."""

from collections.abc import Iterator

import pytest
from asgiref.sync import async_to_sync
from django.conf import LazySettings
from django.test import AsyncClient, Client
from django.urls import reverse

from shop.factories import (
    AuthorFactory,
    BookFactory,
    OrderLineFactory,
    TagFactory,
    UserFactory,
)
from shop.journal import CHAPTERS, ENTRIES, Chapter, Entry, journal
from shop.models import Book
from signalkit import Outcome, Veto

pytestmark = pytest.mark.django_db(transaction=True)

RAN, WAITS, DROPPED = Outcome.SUCCEEDED, Outcome.SCHEDULED, Outcome.ROLLED_BACK


@pytest.fixture(autouse=True)
def empty_journal() -> Iterator[None]:
    journal.clear()
    yield
    journal.clear()


@pytest.fixture
def reader(client: Client) -> Client:
    """A browser whose visitor has a book in the basket."""
    client.force_login(UserFactory())
    client.post(reverse("shop:add-to-basket", args=[BookFactory(title="Emma").slug]))
    return client


def _order(reader: Client) -> Chapter:
    """Order what is in the basket, and return what the journal has about it."""
    reader.post(reverse("shop:order"), {f"copies-{Book.objects.get().pk}": 1})
    return journal.latest()[0]


def _of(chapter: Chapter, receiver: str) -> list[Entry]:
    return [entry for entry in chapter.entries if entry.receiver == receiver]


def test_a_request_is_a_chapter_of_what_waited_and_ran(reader: Client) -> None:
    chapter = _order(reader)
    assert chapter.title == "POST /basket/order/"
    waited, ran = _of(chapter, "shop.ConfirmOrder")
    assert (waited.outcome, waited.milliseconds) == (WAITS, None)
    assert (ran.outcome, ran.signal, ran.sender) == (RAN, "post_save", "Order")
    assert (ran.phase, ran.times) == ("after commit", 1)
    assert ran.milliseconds
    assert "request_started" not in {entry.signal for entry in chapter.entries}


def test_a_refusal_and_what_it_dropped_are_told(reader: Client, settings: LazySettings) -> None:
    settings.SHOP_CREDIT_LIMIT = 1
    chapter = _order(reader)
    (_, vetoed) = _of(chapter, "shop.CheckCredit")
    assert vetoed.outcome is Outcome.VETOED
    assert "we lend no more" in vetoed.error
    assert [each.outcome for each in _of(chapter, "shop.TakePayment")] == [WAITS, DROPPED]


def test_requests_with_housekeeping_alone_are_left_out(client: Client) -> None:
    BookFactory(tags=[TagFactory()])
    journal.clear()
    client.get(reverse("shop:book-list"))
    assert journal.latest() == []


def test_an_async_request_is_a_chapter_too() -> None:
    async_to_sync(AsyncClient().get)(reverse("shop:suggest"), {"q": "emma"})
    (chapter,) = journal.latest()
    assert chapter.title == "GET /search/"
    assert [entry.receiver for entry in chapter.entries] == ["shop.remember_search"]


def test_outside_of_requests_there_is_a_chapter_too() -> None:
    TagFactory()
    assert [chapter.title for chapter in journal.latest()] == ["outside of a request"]


def test_only_so_much_is_kept(client: Client) -> None:
    for _ in range(CHAPTERS + 1):
        client.get(reverse("shop:suggest"), {"q": "emma"})
    assert len(journal.latest()) == CHAPTERS
    book = OrderLineFactory().book
    with journal.chapter("an import"):
        for number in range(ENTRIES + 1):
            book.title = f"No. {number}"
            with pytest.raises(Veto):
                book.delete()
    imported = journal.latest()[0]
    assert (imported.title, len(imported.entries)) == ("an import", ENTRIES)
    assert f"“No. {ENTRIES}”" in imported.entries[-1].error


def test_the_same_again_is_counted_where_it_stands() -> None:
    author = AuthorFactory()
    with journal.chapter("an import"):
        for _ in range(3):
            BookFactory(author=author)
    assert [(entry.receiver, entry.times) for entry in journal.latest()[0].entries] == [
        ("shop.give_slug", 3),
        ("shop.OnlyWhatCanBeSold", 3),
    ]


class TestPage:
    def test_shows_it_to_everyone_on_a_machine_of_ones_own(
        self, reader: Client, settings: LazySettings
    ) -> None:
        settings.DEBUG = True
        _order(reader)
        url = reverse("shop:pulse")
        assert url in reader.get("/").text
        page = Client().get(url).text
        for word in ("POST /basket/order/", "shop.ConfirmOrder", "post_save Order", "waits"):
            assert word in page
        assert "the memory of this process" in page
        assert reverse("shop:fire-drill") not in page

    def test_is_for_the_staff_elsewhere(self, reader: Client) -> None:
        url = reverse("shop:pulse")
        assert url not in reader.get("/").text
        assert reader.get(url).status_code == 302
