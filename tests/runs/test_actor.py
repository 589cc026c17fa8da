"""Who a recorded run is put down to, and what a response has to do with it."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.dispatch import Signal
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import path

from signalkit import context
from signalkit.runs.models import ReceiverRun
from tests.dispatch.recording import listen

pytestmark = pytest.mark.django_db(
    transaction=True,
    available_apps=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "signalkit.runs",
        "tests.testapp",
    ],
)

sent = Signal()


def page(request: HttpRequest) -> HttpResponse:
    sent.send(sender=None)
    return HttpResponse("the same for everyone")


def own_page(request: HttpRequest) -> HttpResponse:
    sent.send(sender=None)
    answer = HttpResponse(f"for {request.user}")
    sent.send(sender=None)
    return answer


urlpatterns = [path("page/", page), path("own/", own_page)]

served = override_settings(
    ROOT_URLCONF=__name__,
    MIDDLEWARE=[
        "signalkit.context.middleware.ContextMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
)


@pytest.fixture
def ada() -> Client:
    listen(sent, name="tests.sent")
    client = Client()
    client.force_login(User.objects.create(username="ada"))
    return client


def actors() -> list[str]:
    runs = ReceiverRun.objects.filter(receiver="tests.sent").order_by("id")
    return [run.actor_label for run in runs]


@served
def test_a_page_that_is_the_same_for_everyone_stays_so(
    ada: Client, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        response = ada.get("/page/")
    assert "Cookie" not in response.get("Vary", "")
    assert actors() == [""]


@served
def test_a_page_that_has_asked_is_put_down_to_its_user(ada: Client) -> None:
    response = ada.get("/own/")
    assert response["Vary"] == "Cookie"
    assert actors() == ["", "ada"]


@served
@pytest.mark.parametrize("url", ["/page/", "/own/"])
def test_posts_cost_what_they_cost(ada: Client, url: str) -> None:
    counts, varies = [], []
    for policy in ("off", "all"):
        with override_settings(SIGNALKIT={"RUNS": {"RECORD": policy}}):
            with CaptureQueriesContext(connection) as captured:
                response = ada.post(url)
            counts.append(len(captured))
            varies.append(response.get("Vary"))
    assert counts[0] == counts[1]
    assert varies[0] == varies[1]


@served
def test_a_user_that_is_no_lazy_one_is_known(ada: Client) -> None:
    request = RequestFactory().get("/")
    request.user = User.objects.get()
    with context.use(request=request):
        sent.send(sender=None)
    assert actors() == ["ada"]
