"""The pages, as a visitor meets them."""

import re
from collections.abc import Callable, Sequence

import pytest
from asgiref.sync import async_to_sync
from django.conf import LazySettings
from django.contrib.auth import get_user_model
from django.db.models import Model
from django.test import AsyncClient, Client, override_settings
from django.urls import reverse

from shop.factories import BookFactory, OrderFactory, OrderLineFactory, TagFactory, UserFactory
from shop.models import Author, Book, Order, SearchTerm
from shop.pulse import pulse
from shop.services import publish_book, restock_books
from signalkit.testing import run_on_commit

pytestmark = pytest.mark.django_db


@pytest.fixture
def book() -> Book:
    return BookFactory(title="Emma", tags=[TagFactory(name="Love")])


@pytest.fixture
def staff() -> Client:
    """A browser in front of which the bookseller sits."""
    client = Client(raise_request_exception=False)
    client.force_login(get_user_model().objects.create_superuser("boss"))
    return client


PAGES: dict[str, Callable[[Book], str]] = {
    "shelves": lambda book: reverse("shop:book-list"),
    "tag": lambda book: book.tags.get().get_absolute_url(),
    "search": lambda book: "/?q=emma&by=price",
    "book": lambda book: book.get_absolute_url(),
    "author": lambda book: book.author.get_absolute_url(),
    "site map": lambda book: reverse("shop:sitemap"),
}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_shows_the_book(client: Client, book: Book, page: str) -> None:
    answer = client.get(PAGES[page](book))
    assert answer.status_code == 200
    assert "emma" in answer.text.lower()


def test_a_page_tells_what_it_is_made_of(client: Client, book: Book) -> None:
    before = pulse.templates.copy()
    client.get(book.get_absolute_url())
    made_of = pulse.templates - before
    assert {"shop/book.html", "shop/base.html", "shop/_cover.html"} <= set(made_of)


@pytest.mark.parametrize("name", ["login", "sign-up", "shop:basket"])
def test_a_page_without_books_is_there(client: Client, name: str) -> None:
    assert client.get(reverse(name)).status_code == 200


@pytest.mark.parametrize("page", ["book", "search"])
def test_a_draft_is_on_no_page(client: Client, page: str) -> None:
    draft = BookFactory(title="Emma", status=Book.Status.DRAFT)
    answer = client.get(PAGES[page](draft))
    assert answer.status_code == 404 or draft.get_absolute_url() not in answer.text


def test_a_page_that_is_not_there_says_so(client: Client) -> None:
    answer = client.get("/nowhere/")
    assert answer.status_code == 404
    assert "not in the book" in answer.text


@pytest.mark.parametrize("name", ["shop:pulse", "shop:fire-drill", "account"])
def test_a_page_for_some_sends_others_to_sign_in(client: Client, name: str) -> None:
    assert client.get(reverse(name)).headers["Location"].startswith(reverse("login"))


@pytest.mark.django_db(transaction=True)
class TestBasket:
    def test_is_changed_and_ordered(self, client: Client, book: Book) -> None:
        client.force_login(UserFactory())
        client.post(reverse("shop:add-to-basket", args=[book.slug]))
        client.post(reverse("shop:basket"), {f"copies-{book.pk}": 3})
        answer = client.post(reverse("shop:order"), {f"copies-{book.pk}": 2}, follow=True)
        assert "Thank you" in answer.text
        assert Order.objects.get().lines.get().quantity == 2
        assert "It is empty" in client.get(reverse("shop:basket")).text

    def test_loses_what_is_set_to_none(self, client: Client, book: Book) -> None:
        client.post(reverse("shop:add-to-basket", args=[book.slug]))
        answer = client.post(reverse("shop:basket"), {f"copies-{book.pk}": 0}, follow=True)
        assert "It is empty" in answer.text

    @pytest.mark.parametrize("copies", ["-1", "many", "100000"])
    def test_refuses_what_is_no_number_of_copies(
        self, client: Client, book: Book, copies: str
    ) -> None:
        client.force_login(UserFactory())
        client.post(reverse("shop:add-to-basket", args=[book.slug]))
        for name in ("shop:basket", "shop:order"):
            answer = client.post(reverse(name), {f"copies-{book.pk}": copies})
            assert "errorlist" in answer.text
        assert not Order.objects.exists()

    @pytest.mark.parametrize(
        ("stock", "limit", "answer"), [(0, 250, "sold out"), (5, 1, "we lend no more")]
    )
    def test_stays_when_the_order_is_refused(
        self, client: Client, settings: LazySettings, stock: int, limit: int, answer: str
    ) -> None:
        settings.SHOP_CREDIT_LIMIT = limit
        book = BookFactory(stock=stock)
        client.force_login(UserFactory())
        client.post(reverse("shop:add-to-basket", args=[book.slug]))
        page = client.post(reverse("shop:order"), follow=True)
        assert answer in page.text
        assert book.title in page.text


@pytest.mark.django_db(transaction=True)
class TestConfirmation:
    """A message that a receiver leaves after the commit, for whoever made the request."""

    def test_is_shown_to_the_customer(self, client: Client, book: Book) -> None:
        reader = UserFactory()
        client.force_login(reader)
        client.post(reverse("shop:add-to-basket", args=[book.slug]))
        answer = client.post(reverse("shop:order"), follow=True)
        order = Order.objects.get()
        assert [str(message) for message in answer.context["messages"]] == [
            f"“{book}” is in your basket.",
            f"Order {order.number} is confirmed",
            f"Thank you. Your order {order.number} is on its way to us.",
        ]

    def test_is_shown_to_the_bookseller_in_the_admin(self, staff: Client, book: Book) -> None:
        reader = UserFactory()
        answer = staff.post(
            reverse("admin:shop_order_add"),
            {
                "customer": reader.pk,
                "status": Order.Status.PLACED,
                "lines-TOTAL_FORMS": 1,
                "lines-INITIAL_FORMS": 0,
                "lines-0-book": book.pk,
                "lines-0-title": book.title,
                "lines-0-price": book.price,
                "lines-0-quantity": 1,
            },
            follow=True,
        )
        order = Order.objects.get()
        assert f"Order {order.number} is confirmed" in answer.text

    def test_is_not_shown_when_the_order_is_refused(
        self, client: Client, settings: LazySettings, book: Book
    ) -> None:
        settings.SHOP_CREDIT_LIMIT = 1
        client.force_login(UserFactory())
        client.post(reverse("shop:add-to-basket", args=[book.slug]))
        assert "confirmed" not in client.post(reverse("shop:order"), follow=True).text


def test_the_account_shows_orders_and_marks_news_as_read(client: Client, book: Book) -> None:
    line = OrderLineFactory(book=book)
    reader = line.order.customer
    reader.notifications.create(text="Something is new.", url="/")
    client.force_login(reader)
    page = client.get(reverse("account")).text
    assert "Something is new." in page
    assert line.order.number in page
    assert not reader.notifications.filter(is_read=False).exists()


async def _ask(term: str) -> list[str]:
    answer = await AsyncClient().get(reverse("shop:suggest"), {"q": term})
    return [found["title"] for found in answer.json()["books"]]


@pytest.mark.django_db(transaction=True)
class TestSearchWhileTyping:
    def test_suggests_and_counts(self, book: Book) -> None:
        assert async_to_sync(_ask)("emm") == ["Emma"]
        assert async_to_sync(_ask)("EMM") == ["Emma"]
        term = SearchTerm.objects.get()
        assert (term.term, term.times, term.found) == ("emm", 2, 1)

    def test_answers_a_server_without_async_too(self, client: Client, book: Book) -> None:
        assert client.get(reverse("shop:suggest"), {"q": "emm"}).json()["books"]
        assert SearchTerm.objects.get().times == 1

    def test_does_not_look_for_one_letter(self, client: Client, book: Book) -> None:
        assert client.get(reverse("shop:suggest"), {"q": "e"}).json() == {"books": []}
        assert not SearchTerm.objects.exists()


def test_after_a_failure_the_password_is_what_to_type(client: Client) -> None:
    url = reverse("login")
    assert _focused(client.get(url).text) == "username"
    assert _focused(client.post(url, {"username": "ada", "password": "x"}).text) == "password"


def _focused(page: str) -> str:
    """Return the name of the one field that has the focus."""
    (field,) = (each for each in re.findall("<input[^>]*>", page) if " autofocus" in each)
    return re.search('name="([^"]*)"', field)[1]  # type: ignore[index]  # every field has one


class TestStaff:
    def test_sees_the_pulse(self, staff: Client) -> None:
        pulse.request_times.clear()
        before = pulse.seen["requests"]
        assert "requests" in staff.get(reverse("shop:pulse")).text
        assert pulse.seen["requests"] == before + 1
        assert len(pulse.request_times) == 1
        assert "typical request" in staff.get(reverse("shop:pulse")).text

    def test_hears_the_fire_drill(self, staff: Client) -> None:
        before = pulse.seen["failed requests"]
        answer = staff.get(reverse("shop:fire-drill"))
        assert answer.status_code == 500
        assert "fell off the shelf" in answer.text
        assert pulse.seen["failed requests"] == before + 1

    @pytest.mark.parametrize("model", ["author", "book", "order", "searchterm", "tag"])
    def test_has_lists_and_forms_in_the_admin(self, staff: Client, model: str) -> None:
        OrderLineFactory()
        for page in ("changelist", "add"):
            assert staff.get(reverse(f"admin:shop_{model}_{page}")).status_code == 200

    @pytest.mark.parametrize("make", [BookFactory, OrderFactory, UserFactory])
    def test_has_a_page_for_each(self, staff: Client, make: type) -> None:
        thing: Model = make()
        url = reverse(f"admin:{thing._meta.app_label}_{thing._meta.model_name}_change", args=[1])
        url = url.replace("/1/", f"/{thing.pk}/")
        assert staff.get(url).status_code == 200

    def test_publishes_what_can_be_sold_and_is_told_of_the_rest(self, staff: Client) -> None:
        good, bad = (BookFactory(status=Book.Status.DRAFT, price=price) for price in (5, 0))
        out = BookFactory()
        told = _act(staff, "book", "publish", [good, bad, out])
        assert told == [
            f"{bad}: A published book needs a price.",
            "1 book published; 1 already was.",
        ]
        assert set(Book.objects.published()) == {good, out}
        assert _act(staff, "book", "publish", [good, out]) == [
            "No books published; 2 already were."
        ]

    def test_takes_books_off_the_shelf_and_is_told_so(self, staff: Client) -> None:
        books = [BookFactory(), BookFactory(), BookFactory(status=Book.Status.DRAFT)]
        assert _act(staff, "book", "withdraw", books) == [
            "2 books taken off the shelf; 1 already was."
        ]
        assert not Book.objects.published().exists()

    def test_unpacks_parcels_and_is_told_so(self, staff: Client) -> None:
        books = [BookFactory(stock=0), BookFactory(stock=2)]
        assert _act(staff, "book", "restock", books) == ["2 books got 5 copies more."]
        assert sorted(Book.objects.values_list("stock", flat=True)) == [5, 7]

    def test_ships_orders_and_is_told_so(self, staff: Client) -> None:
        order = OrderFactory()
        assert _act(staff, "order", "ship", [order]) == ["1 order marked as shipped."]
        order.refresh_from_db()
        assert order.status == Order.Status.SHIPPED

    @pytest.mark.parametrize("status", Book.Status)
    def test_is_led_to_the_page_of_a_book_that_has_one(self, staff: Client, status: str) -> None:
        book = BookFactory(status=status)
        form = staff.get(reverse("admin:shop_book_change", args=[book.pk])).text
        assert ("View on site" in form) is (status == Book.Status.PUBLISHED)

    def test_is_told_why_a_book_cannot_be_deleted(self, staff: Client) -> None:
        book = OrderLineFactory().book
        answer = staff.post(reverse("admin:shop_book_delete", args=[book.pk]), {"post": "yes"})
        assert "waits to be shipped" in answer.text
        assert Book.objects.filter(pk=book.pk).exists()

    def test_is_told_why_an_author_cannot_be_deleted(self, staff: Client) -> None:
        author = OrderLineFactory().book.author
        url = reverse("admin:shop_author_delete", args=[author.pk])
        answer = staff.post(url, {"post": "yes"})
        assert answer.status_code == 200
        assert f"“{author}” cannot be deleted: 1 order waits to be shipped." in answer.text
        listed = staff.post(
            reverse("admin:shop_author_changelist"),
            {"action": "delete_selected", "_selected_action": [author.pk], "post": "yes"},
            follow=True,
        )
        assert "1 order waits to be shipped" in listed.text
        assert Author.objects.filter(pk=author.pk).exists()


class TestWhatIsCached:
    """Drawn once, and drawn anew after the commit of what changes it."""

    def test_the_shelves_are_drawn_once(self, client: Client, book: Book) -> None:
        run_on_commit()
        assert "shop/_shelf.html" in _made_of(client, "/")
        assert "shop/_shelf.html" not in _made_of(client, "/")
        assert "shop/_shelf.html" in _made_of(client, "/?by=price")
        for url in ("/?q=emma", "/?by=nonsense"):
            assert "shop/_shelf.html" in _made_of(client, url)
            assert "shop/_shelf.html" in _made_of(client, url)

    def test_they_are_drawn_anew_after_a_save_of_what_they_show(
        self, client: Client, book: Book
    ) -> None:
        assert "Emma" in client.get("/").text
        book.title = "Persuasion"
        book.save()
        assert "Emma" in client.get("/").text
        run_on_commit()
        assert "Persuasion" in client.get("/").text
        book.author.name = "A Lady"
        book.author.save()
        run_on_commit()
        assert "A Lady" in client.get("/").text

    def test_they_are_drawn_anew_after_an_update_too(self, client: Client, book: Book) -> None:
        Book.objects.update(stock=0)
        run_on_commit()
        assert "sold out" in client.get("/").text
        restock_books(Book.objects.all(), 5)
        assert "sold out" in client.get("/").text
        run_on_commit()
        assert "sold out" not in client.get("/").text

    def test_but_not_after_one_of_what_they_do_not_show(self, client: Client, book: Book) -> None:
        client.get("/")
        run_on_commit()
        client.get("/")
        Book.objects.update(sold=3)
        run_on_commit()
        assert "shop/_shelf.html" not in _made_of(client, "/")

    def test_a_price_has_the_sign_of_the_day(self, client: Client, book: Book) -> None:
        assert "€" in client.get("/").text
        with override_settings(SHOP_CURRENCY="£"):
            assert "£" in client.get("/").text

    def test_the_site_map_is_made_anew_when_a_book_comes_out_and_when_it_goes(
        self, client: Client
    ) -> None:
        draft = BookFactory(title="Emma", status=Book.Status.DRAFT)
        run_on_commit()
        assert "emma" not in client.get(reverse("shop:sitemap")).text
        published = publish_book(draft)
        assert "emma" not in client.get(reverse("shop:sitemap")).text
        run_on_commit()
        assert "emma" in client.get(reverse("shop:sitemap")).text
        published.delete()
        run_on_commit()
        assert "emma" not in client.get(reverse("shop:sitemap")).text


def _made_of(client: Client, url: str) -> set[str]:
    """Return the templates that were rendered for a page."""
    before = pulse.templates.copy()
    client.get(url)
    return set(pulse.templates - before)


def _act(staff: Client, model: str, action: str, rows: Sequence[Model]) -> list[str]:
    """Choose rows in the admin, act on them, and return the messages of the page that follows."""
    answer = staff.post(
        reverse(f"admin:shop_{model}_changelist"),
        {"action": action, "_selected_action": [row.pk for row in rows]},
        follow=True,
    )
    return [str(message) for message in answer.context["messages"]]
