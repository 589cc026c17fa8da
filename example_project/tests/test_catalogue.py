"""The catalogue: slugs, keywords, publication, deletion."""

from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core import mail, serializers
from django.core.files.base import ContentFile
from django.db import transaction

from accounts.models import Notification
from accounts.services import profile_of
from shop.factories import (
    AuthorFactory,
    BookFactory,
    OrderLineFactory,
    TagFactory,
    UserFactory,
)
from shop.models import Author, Book, Tag
from shop.services import publish_book, ship_order, withdraw_book
from signalkit import Veto
from signalkit.testing import run_on_commit


@pytest.mark.django_db
class TestSlug:
    def test_is_made_of_the_name(self) -> None:
        assert AuthorFactory(name="Ada Lovelace").slug == "ada-lovelace"

    def test_is_numbered_when_it_is_taken(self) -> None:
        books = [BookFactory(title="Emma") for _ in range(3)]
        assert [book.slug for book in books] == ["emma", "emma-2", "emma-3"]

    def test_of_a_name_without_letters_is_the_kind(self) -> None:
        assert TagFactory(name="!?").slug == "tag"

    def test_that_is_given_stays(self) -> None:
        assert TagFactory(name="Sea", slug="the-sea").slug == "the-sea"


@pytest.mark.django_db
class TestKeywords:
    def test_follow_the_tags(self) -> None:
        sea, love = TagFactory(name="Sea"), TagFactory(name="Love")
        book = BookFactory(tags=[sea, love])
        run_on_commit()
        assert _keywords(book) == "Love Sea"
        book.tags.remove(sea)
        run_on_commit()
        assert _keywords(book) == "Love"
        book.tags.clear()
        run_on_commit()
        assert _keywords(book) == ""

    def test_follow_from_the_other_side(self) -> None:
        sea, book = TagFactory(name="Sea"), BookFactory()
        sea.books.add(book)
        run_on_commit()
        assert _keywords(book) == "Sea"
        sea.books.clear()
        run_on_commit()
        assert _keywords(book) == ""

    def test_are_searched(self) -> None:
        book = BookFactory(title="Moby-Dick", tags=[TagFactory(name="Sea")])
        BookFactory(title="Emma")
        run_on_commit()
        assert list(Book.objects.search("sea dick")) == [book]


def _keywords(book: Book) -> str:
    return Book.objects.get(pk=book.pk).keywords


@pytest.mark.django_db
class TestTagColour:
    def test_is_there_when_fetched(self) -> None:
        TagFactory(name="Sea")
        assert 0 <= Tag.objects.get().hue < 360

    def test_of_a_deferred_name_costs_no_query(
        self, django_assert_num_queries: pytest.FixtureRequest
    ) -> None:
        TagFactory(name="Sea")
        with django_assert_num_queries(1):  # type: ignore[operator]  # a callable fixture
            tag = Tag.objects.only("slug").get()
        assert not hasattr(tag, "hue")


@pytest.mark.django_db
class TestPublishing:
    def test_announces_once_to_those_who_asked(self) -> None:
        reader = UserFactory()
        profile = profile_of(reader)
        profile.newsletter = True
        profile.save()
        UserFactory()
        run_on_commit()
        mail.outbox.clear()
        book = publish_book(BookFactory(title="Emma", status=Book.Status.DRAFT))
        run_on_commit()
        book.blurb += " Twice."
        book.save()
        run_on_commit()
        assert [letter.to for letter in mail.outbox] == [[reader.email]]
        assert [news.user for news in Notification.objects.all()] == [reader]

    def test_may_come_with_the_first_save(self) -> None:
        BookFactory(author=AuthorFactory(email="jane@example.org"))
        run_on_commit()
        assert [letter.to for letter in mail.outbox] == [["jane@example.org"]]

    def test_tells_the_author_who_left_an_address(self) -> None:
        jane, mary = AuthorFactory(email="jane@example.org"), AuthorFactory()
        for author in (jane, mary):
            publish_book(BookFactory(title="Emma", author=author, status=Book.Status.DRAFT))
        run_on_commit()
        (letter,) = mail.outbox
        assert (letter.to, letter.subject) == (["jane@example.org"], "“Emma” has come out")
        assert f"Dear {jane.name}," in letter.body

    def test_needs_a_price_and_a_description(self) -> None:
        draft = BookFactory(status=Book.Status.DRAFT, price=0, blurb="")
        with pytest.raises(Veto) as veto:
            publish_book(draft)
        assert set(veto.value.message_dict) == {"price", "blurb"}
        draft.refresh_from_db()
        assert not draft.is_published

    def test_can_be_taken_back(self) -> None:
        assert not withdraw_book(BookFactory()).is_published

    def test_a_new_price_is_told_to_those_who_wish(self) -> None:
        reader, book = UserFactory(), BookFactory(price=Decimal(8))
        profile_of(reader).wishlist.add(book)
        book.stock += 1
        book.save()
        run_on_commit()
        assert not Notification.objects.exists()
        book.price = Decimal(4)
        book.save()
        run_on_commit()
        assert "4.00" in Notification.objects.get(user=reader).text


@pytest.mark.django_db(transaction=True)
class TestDeleting:
    def test_waits_for_the_orders(self) -> None:
        line = OrderLineFactory()
        with pytest.raises(Veto, match="1 order waits"), transaction.atomic():
            line.book.delete()
        ship_order(line.order)
        line.book.delete()
        line.refresh_from_db()
        assert (line.book, bool(line.title)) == (None, True)

    def test_an_author_waits_for_the_orders_of_any_book(self) -> None:
        author, line = AuthorFactory(), OrderLineFactory()
        for book in (line.book, BookFactory()):
            book.author = author
            book.save()
        OrderLineFactory(order=line.order, book=book)
        for delete in (author.delete, Author.objects.filter(pk=author.pk).delete):
            with pytest.raises(Veto, match=f"“{author}” cannot be deleted: 1 order waits"):
                delete()
        assert author.books.count() == 2
        ship_order(line.order)
        author.delete()
        assert not Book.objects.exists()
        line.refresh_from_db()
        assert (line.book, bool(line.title)) == (None, True)

    def test_removes_the_excerpt_after_the_commit(self, settings: LazySettings) -> None:
        book = BookFactory()
        book.excerpt.save("emma.txt", ContentFile("handsome, clever, and rich"))
        file = Path(settings.MEDIA_ROOT) / book.excerpt.name
        with transaction.atomic():
            Book.objects.get(pk=book.pk).delete()
            transaction.set_rollback(True)
        assert file.exists()
        with transaction.atomic():
            book.delete()
            assert file.exists()
        assert not file.exists()


@pytest.mark.django_db
def test_a_fixture_is_loaded_as_it_is() -> None:
    book = BookFactory(status=Book.Status.DRAFT, price=0, blurb="", slug="emma")
    fixture = serializers.serialize("json", [book]).replace('"draft"', '"published"')
    for loaded in serializers.deserialize("json", fixture):
        loaded.save()
    book.refresh_from_db()
    assert book.is_published
