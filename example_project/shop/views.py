"""The pages of the shop."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required, user_passes_test
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST
from django.views.generic import DetailView, ListView

from signalkit import Veto

from . import services
from .basket import Basket
from .exceptions import FireDrill, ShopError
from .forms import BasketForm
from .models import Author, Book, SearchTerm, Tag
from .pages import PAGES
from .pulse import may_see_pulse, pulse
from .record import latest
from .requests import SignedInRequest
from .shelves import cached_sitemap, shelf_key
from .signals import shop_searched

SUGGESTIONS = 6
ORDERINGS = {"title": "title", "new": "-published_at", "sold": "-sold", "price": "price"}


staff_only = user_passes_test(lambda user: user.is_staff)


class BookList(ListView):
    """The shelves: everything, one tag, or what a search finds."""

    template_name = "shop/book_list.html"
    context_object_name = "books"
    paginate_by = 24

    def get_queryset(self) -> QuerySet[Book]:
        books = Book.objects.published().select_related("author").prefetch_related("tags")
        if term := self.request.GET.get("q", "").strip():
            books = books.search(term)
        if tag := self.request.GET.get("tag"):
            books = books.filter(tags__slug=tag)
        return books.order_by(ORDERINGS.get(self.request.GET.get("by", ""), "title"), "pk")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        on_shelf = Count("books", filter=Q(books__status=Book.Status.PUBLISHED))
        tag, term = self.request.GET.get("tag", ""), self.request.GET.get("q", "").strip()
        by, page = self.request.GET.get("by", "title"), self.request.GET.get("page", "1")
        return super().get_context_data(
            **kwargs,
            term=term,
            tag=Tag.objects.filter(slug=tag).first() if tag else None,
            by=by,
            # The shelves that most look at, and no key of a visitor's making. It is made before the
            # books are read.
            shelf_key=None if tag or term or by not in ORDERINGS else shelf_key(by, page),
            tags=Tag.objects.annotate(on_shelf=on_shelf).filter(on_shelf__gt=0),
            wanted=SearchTerm.objects.filter(found__gt=0)[:5],
        )


class BookPage(DetailView):
    """One book, to be looked at and bought."""

    template_name = "shop/book.html"
    context_object_name = "book"
    queryset = Book.objects.published().select_related("author")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user = self.request.user
        return super().get_context_data(
            **kwargs,
            beside=self.get_queryset()
            .filter(tags__in=self.object.tags.all())
            .exclude(pk=self.object.pk)
            .distinct()[:4],
            wished=user.is_authenticated and self.object.wished_by.filter(user=user).exists(),
        )


class AuthorPage(DetailView):
    """One author, with their books."""

    template_name = "shop/author.html"
    context_object_name = "author"
    model = Author

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        books = Book.objects.published().filter(author=self.object).select_related("author")
        return super().get_context_data(**kwargs, books=books)


async def suggest(request: HttpRequest) -> JsonResponse:
    """Answer what is being typed into the search field. Async, as it is asked for most often."""
    term = request.GET.get("q", "").strip()
    if len(term) < 2:
        return JsonResponse({"books": []})
    books = [
        {"title": book.title, "author": book.author.name, "url": book.get_absolute_url()}
        async for book in Book.objects.published()
        .search(term)
        .select_related("author")[:SUGGESTIONS]
    ]
    await shop_searched.asend(sender=None, term=term, found=len(books))
    return JsonResponse({"books": books})


def basket(request: HttpRequest) -> HttpResponse:
    """Show what was put aside, and change how much of it."""
    form = BasketForm(Basket(request.session), request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.save()
        return redirect("shop:basket")
    return show_basket(request, form)


def show_basket(request: HttpRequest, form: BasketForm) -> HttpResponse:
    """Make the page of the basket."""
    rows = form.rows()
    return render(
        request,
        "shop/basket.html",
        {"form": form, "rows": rows, "total": sum(row["amount"] for row in rows)},
    )


@require_POST
def add_to_basket(request: HttpRequest, slug: str) -> HttpResponse:
    """Put one copy aside."""
    book = get_object_or_404(Book.objects.published(), slug=slug)
    Basket(request.session).add(book)
    messages.success(request, f"“{book}” is in your basket.")
    return redirect("shop:basket")


@login_required
@require_POST
def order(request: SignedInRequest) -> HttpResponse:
    """Buy what is in the basket."""
    basket = Basket(request.session)
    # The button stands below the numbers; who changed one and did not update it means it.
    form = BasketForm(basket, request.POST)
    if not form.is_valid():
        return show_basket(request, form)
    form.save()
    try:
        placed = services.place_order(request.user, dict(basket))
    except ShopError as error:
        messages.error(request, str(error))
        return redirect("shop:basket")
    except Veto as veto:
        messages.error(request, " ".join(veto.messages))
        return redirect("shop:basket")
    basket.empty()
    messages.success(request, f"Thank you. Your order {placed.number} is on its way to us.")
    return redirect("account")


@user_passes_test(may_see_pulse)
def pulse_page(request: HttpRequest) -> HttpResponse:
    """What this process has seen, and which receivers ran of late, in whatever process."""
    return render(
        request,
        "shop/pulse.html",
        {
            "seen": sorted(pulse.seen.items()),
            "typical_request": pulse.typical_request,
            "chapters": latest(),
        },
    )


@staff_only
def fire_drill(request: HttpRequest) -> HttpResponse:
    """Fail on purpose, so that the staff hear what the alarm sounds like."""
    raise FireDrill("This is a drill.")


def sitemap(request: HttpRequest) -> HttpResponse:
    """All public pages, for search engines: of every model that was found to have some."""
    paths = cached_sitemap(
        lambda: [thing.get_absolute_url() for model in PAGES for thing in model.in_sitemap()]
    )
    urls = [request.build_absolute_uri(path) for path in paths]
    return render(request, "shop/sitemap.xml", {"urls": urls}, content_type="application/xml")
