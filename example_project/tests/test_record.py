"""What the pages tell of runs on record."""

import re

import pytest
from asgiref.sync import async_to_sync
from django.conf import LazySettings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.db import connection
from django.test import AsyncClient, Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from shop.factories import BookFactory, OrderLineFactory, TagFactory, UserFactory
from shop.models import Book, Order
from shop.record import KEY, Chapter, Line, chapters, latest
from shop.services import publish_book
from shop.till import till
from signalkit import Veto, muted
from signalkit.context import use
from signalkit.runs.models import ReceiverRun

pytestmark = pytest.mark.django_db(transaction=True)

PANEL = '<details class="record"'


@pytest.fixture
def boss() -> User:
    """Staff, who see what receivers did."""
    return get_user_model().objects.create_superuser("boss", "boss@example.org")


@pytest.fixture
def staff(boss: User) -> Client:
    """A browser in front of which they sit, with a book in the basket."""
    client = Client()
    client.force_login(boss)
    client.post(reverse("shop:add-to-basket", args=[BookFactory(title="Emma").slug]))
    client.get(reverse("shop:basket"))
    return client


def _order(client: Client) -> str:
    """Order what is in the basket, and return the page that one is led to."""
    form = {f"copies-{Book.objects.get().pk}": 1}
    return client.post(reverse("shop:order"), form, follow=True).text


def _chapter(title: str) -> Chapter:
    """Return the latest chapter with a title."""
    return next(chapter for chapter in latest() if chapter.title == title)


def _of(chapter: Chapter, receiver: str) -> Line:
    (line,) = (line for line in chapter.lines if line.run.receiver == receiver)
    return line


def _rows(page: str) -> list[str]:
    """Return the rows of the panel, as text."""
    panel = page.partition(PANEL)[2].partition("</details>")[0]
    rows = re.findall(r"<li.*?</li>", panel, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]*>", " ", row).split()) for row in rows]


class TestPanel:
    def test_shows_what_led_to_the_page(self, staff: Client) -> None:
        page = _order(staff)
        assert f"{PANEL} open>" in page
        assert "POST /basket/order/" in page
        (row,) = (row for row in _rows(page) if "shop.ConfirmOrder" in row)
        assert re.fullmatch(
            rf"✓ shop\.ConfirmOrder post_save shop\.Order:{Order.objects.get().pk} after commit "
            r"\d queries ran in \S+ .s",
            row,
        )

    def test_shows_it_once(self, staff: Client) -> None:
        _order(staff)
        page = staff.get(reverse("shop:basket")).text
        assert PANEL in page
        assert "POST /basket/order/" not in page
        assert f"{PANEL} open>" not in page
        assert KEY not in staff.session

    def test_indents_what_was_caused_by_another(self, staff: Client) -> None:
        page = _order(staff)
        assert re.search(r'style="--depth: 1">\s*<span[^>]*>✓</span>\s*<[^>]*>shop\.price_', page)

    def test_leads_to_the_tree_in_the_admin(self, staff: Client) -> None:
        (url,) = re.findall(r'href="(/admin/[^"]*/tree/[^"]*)"', _order(staff))[:1]
        assert "shop.ConfirmOrder" in staff.get(url).text

    def test_shows_what_was_vetoed_and_what_came_of_the_rest(
        self, staff: Client, settings: LazySettings
    ) -> None:
        settings.SHOP_CREDIT_LIMIT = 1
        page = _order(staff)
        assert ">1 vetoed</span>" in page
        rows = _rows(page)
        assert any(row.startswith("✗ shop.CheckCredit") for row in rows)
        assert any("we lend no more" in row for row in rows)
        (undone,) = (row for row in rows if "shop.AddUp" in row)
        assert re.search(r"^↩ .* rolled back in \S+ .s$", undone)
        (dropped,) = (row for row in rows if "shop.TakePayment" in row)
        assert dropped.startswith("↩")
        assert dropped.endswith("rolled back: never ran")
        assert any(row.startswith("✓ shop.ReleasePayment") for row in rows)

    def test_tells_housekeeping_aside(self, staff: Client) -> None:
        Book.objects.get().tags.add(*(TagFactory() for _ in range(3)))
        page = staff.get(Book.objects.get().get_absolute_url()).text
        assert "housekeeping alone" in page
        assert '<li class="succeeded housekeeping"' in page
        assert "shop.colour_the_tag ×3" in " ".join(_rows(page))

    def test_says_so_when_nothing_ran(self, staff: Client) -> None:
        with muted("shop.LimitWaiting", "shop.note_template"):
            page = staff.get(reverse("shop:basket")).text
        assert "No receiver had anything to do." in page

    def test_takes_one_query(self, staff: Client) -> None:
        url = reverse("shop:basket")
        with CaptureQueriesContext(connection) as queries:
            assert PANEL in staff.get(url).text
        ours = [each["sql"] for each in queries if "signalkit" in each["sql"]]
        assert len(ours) == 1
        assert ours[0].startswith("SELECT")

    def test_leaves_nothing_on_record_itself(self, staff: Client) -> None:
        staff.get(reverse("shop:basket"))
        first = [run.receiver for run in _runs_of(staff, reverse("shop:basket"))]
        assert set(first) <= {"shop.LimitWaiting", "shop.note_template"}

    def test_is_not_for_customers(self, client: Client, settings: LazySettings) -> None:
        client.force_login(UserFactory())
        client.post(reverse("shop:add-to-basket", args=[BookFactory().slug]))
        with CaptureQueriesContext(connection) as queries:
            assert PANEL not in _order(client)
        assert KEY not in client.session
        assert not any("signalkit_runs" in each["sql"] for each in queries)
        settings.DEBUG = True
        assert PANEL in client.get("/").text


def _runs_of(client: Client, url: str) -> list[ReceiverRun]:
    correlation = client.get(url).headers["X-Request-ID"]
    return list(ReceiverRun.objects.correlated(correlation))


class TestRecord:
    def test_a_request_is_one_cause_with_its_actor(self, staff: Client) -> None:
        _order(staff)
        chapter = _chapter("POST /basket/order/")
        assert chapter.actor == "boss"
        confirmed = _of(chapter, "shop.ConfirmOrder")
        assert (confirmed.verb, confirmed.signal, confirmed.times) == ("ran", "post_save", 1)
        assert (confirmed.phase, confirmed.depth) == ("after commit", 0)
        assert confirmed.queries > 0
        assert confirmed.took

    def test_the_money_is_owed_before_it_is_taken(self, staff: Client) -> None:
        _order(staff)
        rows = ReceiverRun.objects.of("shop.TakePayment").order_by("pk")
        assert [row.outcome for row in rows] == ["scheduled", "succeeded"]
        assert len({row.run for row in rows}) == 1

    def test_a_failure_keeps_its_error(self, staff: Client) -> None:
        till.is_open = False
        _order(staff)
        (failed,) = ReceiverRun.objects.failed()
        assert (failed.receiver, failed.actor_label) == ("shop.HoldPayment", "boss")
        line = _of(_chapter("POST /basket/order/"), "shop.HoldPayment")
        assert line.error == "TillClosed: Our till is closed at the moment. Please try again later."

    def test_an_async_request_is_a_cause_too(self) -> None:
        async_to_sync(AsyncClient().get)(reverse("shop:suggest"), {"q": "emma"})
        chapter = _chapter("GET /search/")
        assert [line.run.receiver for line in chapter.told] == ["shop.remember_search"]

    def test_the_same_again_is_counted_where_it_stands(self) -> None:
        with use(detail="an import", source="process", correlation_id="import-1"):
            author = BookFactory().author
            for _ in range(3):
                BookFactory(author=author)
        told = _chapter("an import").told
        before = [line for line in told if line.signal == "pre_save" and line.about == "Book"]
        books = [(line.run.receiver, line.times) for line in before]
        assert books == [("shop.give_slug", 4), ("shop.OnlyWhatCanBeSold", 4)]

    def test_what_differs_in_its_error_is_told_apart(self) -> None:
        book = OrderLineFactory().book
        with use(correlation_id="two-errors"):
            for title in ("Emma", "Emma", "Persuasion"):
                book.title = title
                with pytest.raises(Veto):
                    book.delete()
        (chapter,) = chapters(ReceiverRun.objects.correlated("two-errors").ended("vetoed"))
        assert [line.times for line in chapter.lines] == [2, 1]

    def test_what_caused_others_is_told_by_itself(self) -> None:
        drafts = [BookFactory(status=Book.Status.DRAFT) for _ in range(2)]
        with use(correlation_id="publication"):
            for draft in drafts:
                publish_book(draft)
        (chapter,) = chapters(ReceiverRun.objects.correlated("publication").order_by("pk"))
        announced = {"shop.AnnouncePublication", "accounts.SendNewsletter"}
        told = [line for line in chapter.told if line.run.receiver in announced]
        assert [(line.depth, line.times) for line in told] == [(0, 1), (1, 1)] * 2


class TestPulse:
    def test_shows_it_to_everyone_on_a_machine_of_ones_own(
        self, staff: Client, settings: LazySettings
    ) -> None:
        settings.DEBUG = True
        _order(staff)
        url = reverse("shop:pulse")
        assert url in staff.get("/").text
        page = Client().get(url).text
        for word in ("POST /basket/order/", "shop.ConfirmOrder", "post_save shop.Order:", "boss"):
            assert word in page
        assert reverse("shop:fire-drill") not in page
        assert "/tree/" not in page

    def test_is_for_the_staff_elsewhere(self, client: Client) -> None:
        client.force_login(UserFactory())
        url = reverse("shop:pulse")
        assert url not in client.get("/").text
        assert client.get(url).status_code == 302

    def test_leaves_housekeeping_out(self, staff: Client) -> None:
        staff.get(reverse("shop:book-list"))
        assert "GET /" not in {chapter.title for chapter in latest()}
