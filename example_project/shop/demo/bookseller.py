"""The bookseller works on the catalogue, in the admin and out of it."""

from django.core.files.base import ContentFile
from django.db import transaction

import signalkit

from ..models import Author, Book, Order, Tag
from ..seeding import PASSWORD
from ..services import ship_order
from .stage import Stage, step

ISLE = "/books/the-isle-of-voices/"


class ChangedMyMind(Exception):
    """Raised to undo a transaction."""


@step
def publish(stage: Stage) -> None:
    """A publication is vetoed, then comes out.

    In the admin a book is to be published without a price. A receiver of pre_save vetoes it,
    and the form comes back with the reason. With a price it comes out, and after the commit
    `book_published` is sent, a signal that signalkit brings along. Who hears of it need not know
    of each other: the author is written to, readers get the newsletter and a line under the bell,
    and the site map, which is cached, is made anew.
    """
    stage.expect("the site map does not lead to it", not _is_in_sitemap(stage, ISLE))
    browser = stage.bookseller
    browser.get("/account/sign-in/")
    browser.post("/account/sign-in/", username="bookseller", password=PASSWORD)
    draft = Book.objects.get(title="The Isle of Voices")
    url = f"/admin/shop/book/{draft.pk}/change/"
    form = {
        "title": draft.title,
        "slug": draft.slug,
        "author": draft.author_id,
        "year": draft.year,
        "pages": draft.pages,
        "blurb": "A lazy son-in-law, a sorcerer, and a beach where invisible people gather money.",
        "price": "0",
        "stock": 5,
        "status": Book.Status.PUBLISHED,
        "tags": [tag.pk for tag in draft.tags.all()],
    }
    refused = browser.post(url, **form)
    stage.expect("the form says what is missing", "needs a price" in refused.text)
    draft.refresh_from_db()
    stage.expect("the book is still a draft", not draft.is_published)
    browser.post(url, **{**form, "price": "6.50"})
    draft.refresh_from_db()
    stage.expect("now it is published", draft.is_published)
    stage.expect("and the site map leads to it", _is_in_sitemap(stage, ISLE))


def _is_in_sitemap(stage: Stage, path: str) -> bool:
    return path in stage.ada.get("/sitemap.xml").text


@step
def restock(stage: Stage) -> None:
    """A parcel comes in, for several books at once.

    An action of the admin adds the copies with one update(), for which Django sends no signal.
    signalkit sends one, once for all rows, to those who ask for it: the shelves, which are cached,
    are drawn anew.
    """
    books = Book.objects.filter(slug__in=["the-invisible-man", "orlando"])
    stage.expect("one of them is sold out", "sold out" in stage.ada.get("/").text)
    stage.bookseller.post(
        "/admin/shop/book/",
        action="restock",
        _selected_action=[str(book.pk) for book in books],
    )
    stage.expect("the shelf no longer says so", "sold out" not in stage.ada.get("/").text)


@step
def tags(stage: Stage) -> None:
    """A book changes its tags.

    set() sends m2m_changed four times: before and after removing, before and after adding. The
    receiver puts them together: it runs once, with what was really added and removed.
    """
    stage.did("orlando.tags.set([Classics, Sea])")
    book = Book.objects.get(slug="orlando")
    with transaction.atomic():
        book.tags.set(Tag.objects.filter(name__in=["Classics", "Sea"]))
    book.refresh_from_db()
    stage.expect("it is found by its new words", book.keywords == "Classics Sea")


@step
def delete_an_author(stage: Stage) -> None:
    """An author is to be deleted, and may not be.

    The books would go with her, and somebody has paid for one that was not shipped yet. A receiver
    of pre_delete vetoes, and the admin asks once more, with the reason on its page.
    """
    stage.did("Ada's order is not shipped yet")
    mary = Author.objects.get(name="Mary Shelley")
    answer = stage.bookseller.post(f"/admin/shop/author/{mary.pk}/delete/", post="yes")
    stage.expect("the page says why", "wait" in answer.text and "to be shipped" in answer.text)
    stage.expect("she is still there", Author.objects.filter(pk=mary.pk).exists())
    stage.expect("and so are her books", mary.books.exists())


@step
def delete(stage: Stage) -> None:
    """A book is deleted, once it may be.

    While an order waits for it, a receiver of pre_delete vetoes. Deleted in a transaction that
    is rolled back, it is still there and so is the file with its excerpt: that is removed after
    the commit, never before.
    """
    book = Book.objects.get(slug="frankenstein")
    stage.did("frankenstein.excerpt.save(...)")
    book.excerpt.save("frankenstein.txt", ContentFile("It was on a dreary night of November"))
    file = stage.directory / "media" / str(book.excerpt)
    stage.did("frankenstein.delete(), while an order waits for it")
    try:
        with transaction.atomic():
            book.delete()
    except signalkit.Veto:
        pass
    stage.expect("it is still there", Book.objects.filter(slug="frankenstein").exists())

    stage.did("the orders are shipped; frankenstein.delete(), and a change of mind")
    for order in Order.objects.filter(lines__book=book):
        ship_order(order)
    try:
        with transaction.atomic():
            Book.objects.get(slug="frankenstein").delete()
            raise ChangedMyMind
    except ChangedMyMind:
        pass
    stage.expect("it is still there, and so is its excerpt", file.exists())

    stage.did("frankenstein.delete()")
    Book.objects.get(slug="frankenstein").delete()
    stage.expect("it is gone, and so is its excerpt", not file.exists())


@step
def muted(stage: Stage) -> None:
    """Nothing is heard of a receiver that is muted.

    An import brings its own slugs and wants no receiver to look for one. `muted` stops it in
    this block, in this thread or task, and nowhere else.
    """
    stage.did('with signalkit.muted("shop.give_slug"): Author.objects.create(...)')
    with signalkit.muted("shop.give_slug"):
        author = Author.objects.create(name="George Sand", slug="sand")
    stage.expect("the slug is the import's own", author.slug == "sand")
