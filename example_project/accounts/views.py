"""Pages about oneself."""

from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from shop.models import Book
from shop.requests import SignedInRequest

from .forms import SignUpForm
from .services import profile_of, sign_up


def sign_up_page(request: HttpRequest) -> HttpResponse:
    """Make an account and sign in with it."""
    form = SignUpForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        user = sign_up(form)
        login(request, user)
        return redirect("shop:book-list")
    return render(request, "registration/sign_up.html", {"form": form})


@login_required
def account(request: SignedInRequest) -> HttpResponse:
    """Orders, wishes and news of the user."""
    news = list(request.user.notifications.all()[:20])
    response = render(
        request,
        "registration/account.html",
        {
            "news": news,
            "orders": request.user.orders.prefetch_related("lines"),
            "wishes": profile_of(request.user).wishlist.select_related("author"),
        },
    )
    request.user.notifications.filter(is_read=False).update(is_read=True)
    return response


@login_required
@require_POST
def wish(request: SignedInRequest, slug: str) -> HttpResponse:
    """Put a book on the wish list, or take it off."""
    book = get_object_or_404(Book.objects.published(), slug=slug)
    wishlist = profile_of(request.user).wishlist
    if wishlist.contains(book):
        wishlist.remove(book)
    else:
        wishlist.add(book)
    return redirect(book)
