"""The bookseller works on the catalogue, in the admin and out of it."""

from django.core.files.base import ContentFile
from django.db import transaction

import signalkit

from ..models import Author, Book, Order, Tag
from ..seeding import PASSWORD
from ..services import ship_order
from .stage import Stage, step


class ChangedMyMind(Exception):
    """Raised to undo a transaction."""


@step
def publish(stage: Stage) -> None:
    """A publication is vetoed, then comes out.

    In the admin a book is to be published without a price. A receiver of pre_save vetoes it,
    and the form comes back with the reason. With a price it comes out: the announcement, the
    shop's own signal and the newsletter follow the commit.
    """
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


@step
def tags(stage: Stage) -> None:
    """A book changes its tags.

    set() sends m2m_changed four times: before and after removing, before and after adding. The
    receiver before the commit runs once and sees the tags as they ended up.
    """
    book = Book.objects.get(slug="orlando")
    stage.did("orlando.tags.set([Classics, Sea])")
    with transaction.atomic():
        book.tags.set(Tag.objects.filter(name__in=["Classics", "Sea"]))
    book.refresh_from_db()
    stage.expect("it is found by its new words", book.keywords == "Classics Sea")


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
