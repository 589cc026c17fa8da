"""The record in the admin: only to be read, by index and by id, and never counted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from signalkit.runs.admin import ReceiverRunAdmin
from signalkit.runs.models import ReceiverRun
from signalkit.runs.tables import tables
from tests.runs.reading.rows import row, write

pytestmark = pytest.mark.django_db

PAGE = "/admin/signalkit_runs/receiverrun/"


@pytest.fixture
def reader() -> Client:
    """Somebody who may look."""
    user = User.objects.create_user("ada", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_receiverrun"))
    client = Client()
    client.force_login(user)
    return client


def text_of(response: Any) -> str:
    return str(response.content.decode())


def ids(response: Any) -> list[int]:
    assert response.status_code == 200
    return [run.pk for run in response.context["cl"].result_list]


def link(response: Any, name: str) -> str | None:
    """Return where a link of the pages leads to."""
    found = re.search(rf'<a href="([^"]*)" class="{name}">', text_of(response))
    return None if found is None else found[1].replace("&amp;", "&")


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ReceiverRunAdmin, "list_per_page", 3)


class TestPermissions:
    def test_nobody_changes_anything(self, admin_client: Client) -> None:
        (pk,) = write(row())

        assert admin_client.get(f"{PAGE}add/").status_code == 403
        assert admin_client.post(f"{PAGE}add/", {}).status_code == 403
        assert admin_client.get(f"{PAGE}{pk}/delete/").status_code == 403
        assert admin_client.post(f"{PAGE}{pk}/delete/", {"post": "yes"}).status_code == 403
        assert admin_client.post(f"{PAGE}{pk}/change/", {"receiver": "x"}).status_code == 403
        page = text_of(admin_client.get(PAGE))
        assert "addlink" not in page.partition("changelist-form")[2]
        assert "delete_selected" not in page

    def test_to_look_takes_a_permission(self, reader: Client) -> None:
        (pk,) = write(row())
        pages = [PAGE, f"{PAGE}{pk}/change/", f"{PAGE}tree/{'c' * 32}/"]
        assert [reader.get(page).status_code for page in pages] == [200, 200, 200]

        stranger = Client()
        stranger.force_login(User.objects.create_user("bob", is_staff=True))
        assert [stranger.get(page).status_code for page in pages] == [403, 403, 403]


@pytest.mark.usefixtures("small_pages")
class TestPages:
    def test_to_the_end_and_back(self, admin_client: Client) -> None:
        all_ids = write(*(row() for _ in range(8)))[::-1]
        first = admin_client.get(PAGE)
        second = admin_client.get(PAGE + str(link(first, "older")))
        third = admin_client.get(PAGE + str(link(second, "older")))

        assert [*ids(first), *ids(second), *ids(third)] == all_ids
        assert link(first, "newer") is None
        assert link(third, "older") is None
        back = admin_client.get(PAGE + str(link(third, "newer")))
        assert ids(back) == ids(second)
        assert link(back, "older") == link(second, "older")
        back = admin_client.get(PAGE + str(link(back, "newer")))
        assert ids(back) == ids(first)
        assert link(back, "newer") is None

    def test_what_is_written_meanwhile_moves_nothing(self, admin_client: Client) -> None:
        all_ids = write(*(row() for _ in range(5)))[::-1]
        first = admin_client.get(PAGE)
        write(row(), row())
        second = admin_client.get(PAGE + str(link(first, "older")))

        assert [*ids(first), *ids(second)] == all_ids

    def test_filters_stay(self, admin_client: Client) -> None:
        failed = write(*(row(outcome="failed") for _ in range(4)))
        write(*(row() for _ in range(4)))
        first = admin_client.get(PAGE, {"outcome__exact": "failed"})
        second = admin_client.get(PAGE + str(link(first, "older")))

        assert [*ids(first), *ids(second)] == failed[::-1]

    def test_another_filter_begins_at_the_newest(self, admin_client: Client) -> None:
        write(*(row() for _ in range(5)))
        first = admin_client.get(PAGE)
        second = text_of(admin_client.get(PAGE + str(link(first, "older"))))

        assert "outcome__exact=failed" in second
        assert not re.search(r'href="[^"]*older_than[^"]*outcome__exact', second)

    def test_beyond_the_end(self, admin_client: Client) -> None:
        (pk,) = write(row())
        page = admin_client.get(PAGE, {"older_than": pk})

        assert ids(page) == []
        assert "No runs here." in text_of(page)
        assert ids(admin_client.get(PAGE + str(link(page, "newer")))) == [pk]

    def test_a_place_that_is_none(self, admin_client: Client) -> None:
        assert admin_client.get(PAGE, {"older_than": "x"}).headers["Location"].endswith("?e=1")


class TestStatements:
    """No COUNT, no OFFSET, no LIKE; one page and one row more."""

    QUERIES: tuple[dict[str, str], ...] = (
        {},
        {"older_than": "1000000"},
        {"newer_than": "1"},
        {"outcome__exact": "failed"},
        {"receiver": "lib.Shelve"},
        {"object": "testapp.Book:1"},
        {"q": "lib.Sh"},
        {"q": "testapp.Book:1"},
        {"q": "c" * 32},
        {"q": "nosuch"},
    )

    @pytest.mark.parametrize("query", QUERIES, ids=str)
    def test_of_the_list(
        self, admin_client: Client, query: dict[str, str], small_pages: None
    ) -> None:
        write(*(row(outcome="failed" if number % 2 else "succeeded") for number in range(9)))
        with CaptureQueriesContext(connection) as queries:
            admin_client.get(PAGE, query)
        sent = [each["sql"] for each in queries if "signalkit_runs" in each["sql"]]
        pages = [sql for sql in sent if "traceback" in sql]

        assert len(sent) <= 4
        assert len(pages) == (0 if query == {"q": "nosuch"} else 1)
        for sql in pages:
            assert re.search(r"ORDER BY [^ ]*id[^ ]* (DESC|ASC) LIMIT 4$", sql)
        for sql in sent:
            assert not re.search(r"COUNT|OFFSET|LIKE|DISTINCT|UPPER", sql)

    @pytest.mark.skipif("connection.vendor != 'sqlite'", reason="reads SQLite's plans")
    @pytest.mark.parametrize("query", QUERIES, ids=str)
    def test_each_goes_by_an_index(self, admin_client: Client, query: dict[str, str]) -> None:
        write(*(row() for _ in range(9)))
        with CaptureQueriesContext(connection) as queries:
            admin_client.get(PAGE, query)
        for each in queries:
            sql = each["sql"]
            if "signalkit_runs" not in sql:
                continue
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
                plan = " / ".join(detail for *_, detail in cursor.fetchall())
            # The newest page is the table itself, backwards, up to LIMIT.
            if "WHERE" in sql:
                assert "SEARCH" in plan, plan
            assert "TEMP B-TREE" not in plan, plan

    def test_of_a_run(self, admin_client: Client) -> None:
        pk, *_ = write(row(run=1), row(run=2, parent=1))
        for page in (f"{PAGE}{pk}/change/", f"{PAGE}tree/{'c' * 32}/"):
            with CaptureQueriesContext(connection) as queries:
                admin_client.get(page)
            assert len([each for each in queries if "signalkit_runs" in each["sql"]]) == 1


class TestFinding:
    @pytest.fixture(autouse=True)
    def rows(self) -> None:
        self.shelve, self.sort, self.other = write(
            row(receiver="lib.Shelve", correlation="a" * 32, object="testapp.Book:1"),
            row(receiver="lib.Sort", correlation="b" * 32, object="testapp.Book:2"),
            row(receiver="shop.Other", correlation="b" * 32, object="testapp.Book:2"),
        )

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("lib.Shelve", ["shelve"]),
            ("lib.S", ["sort", "shelve"]),
            ("LIB.s", ["sort", "shelve"]),
            ("b" * 32, ["other", "sort"]),
            (" testapp.Book:1 ", ["shelve"]),
            ("Other", []),
            ("%", []),
            ("  ", ["other", "sort", "shelve"]),
        ],
    )
    def test_it(self, admin_client: Client, text: str, found: list[str]) -> None:
        expected = [getattr(self, name) for name in found]

        assert ids(admin_client.get(PAGE, {"q": text})) == expected

    def test_filters_and_a_search(self, admin_client: Client) -> None:
        query = {"q": "lib.", "outcome__exact": "failed"}

        assert ids(admin_client.get(PAGE, query)) == []

    def test_what_is_filtered_by_is_shown_and_can_be_taken_away(self, admin_client: Client) -> None:
        page = text_of(admin_client.get(PAGE, {"receiver": "lib.Sort", "outcome": "succeeded"}))

        assert 'receiver: <strong>lib.Sort</strong> <a href="?outcome=succeeded"' in page


class TestShown:
    def test_the_list(self, admin_client: Client) -> None:
        write(
            row(
                receiver="lib.<b>",
                outcome="rolled_back",
                object="testapp.Book:7",
                actor_label="Ada & co",
            )
        )
        page = text_of(admin_client.get(PAGE))

        assert '<span class="outcome outcome-rolled_back">rolled back</span>' in page
        assert "lib.&lt;b&gt;" in page
        assert "?object=testapp.Book%3A7" in page
        assert f"{PAGE}tree/{'c' * 32}/" in page
        assert "Ada &amp; co" in page

    def test_a_run_that_failed(self, admin_client: Client) -> None:
        (pk,) = write(
            row(
                outcome="failed",
                error="ValueError",
                message="<no>",
                traceback="Traceback\n  <x>",
                run=77,
                parent=76,
            )
        )
        page = text_of(admin_client.get(f"{PAGE}{pk}/change/"))

        assert "ValueError" in page
        assert '<pre class="traceback">Traceback\n  &lt;x&gt;</pre>' in page
        assert "?run=77" in page
        assert "?run=76" in page
        assert '<input type="submit"' not in page.partition("signalkit_runs/receiverrun/")[2]

    def test_one_that_did_not_has_no_error(self, admin_client: Client) -> None:
        (pk,) = write(row())

        assert "Traceback" not in text_of(admin_client.get(f"{PAGE}{pk}/change/"))

    def test_what_kept_a_run_from_running(self, admin_client: Client) -> None:
        (pk,) = write(row(outcome="skipped", message="condition", duration=None, queries=None))
        page = text_of(admin_client.get(f"{PAGE}{pk}/change/"))

        assert re.search(r"Message:</label>\s*<div class=\"readonly\">condition</div>", page)
        assert "What the error said" not in page
        assert '<div class="quiet">condition</div>' in text_of(admin_client.get(PAGE))
        tree = text_of(admin_client.get(f"{PAGE}tree/{'c' * 32}/"))
        assert '<div class="quiet">skipped: condition</div>' in tree

    def test_a_source_is_named_once(self, admin_client: Client) -> None:
        (pk,) = write(row(source="shell", detail="shell"))

        assert ">shell<" in text_of(admin_client.get(f"{PAGE}{pk}/change/"))

    def test_a_tree(self, admin_client: Client) -> None:
        write(
            row(run=1, receiver="lib.First", ago=timedelta(minutes=3)),
            row(run=2, parent=1, receiver="lib.Second"),
            row(run=3, parent=99, receiver="lib.Third", outcome="failed", error="E", message="m"),
        )
        page = text_of(admin_client.get(f"{PAGE}tree/{'c' * 32}/"))

        assert re.search(r'padding-left: 0\.0rem"><a href="[^"]+">lib.First', page)
        assert re.search(r'padding-left: 1\.5rem"><a href="[^"]+">lib.Second', page)
        assert "caused by a run that is not on record here" in page

    def test_a_correlation_id_with_a_slash_or_none(self, admin_client: Client) -> None:
        write(row(correlation="a/b?c"), row(correlation=""))
        tree = reverse("admin:signalkit_runs_receiverrun_tree", args=["a/b?c"])

        assert tree in text_of(admin_client.get(PAGE))
        assert "lib.Shelve" in text_of(admin_client.get(tree))

    def test_an_unknown_tree(self, admin_client: Client) -> None:
        page = text_of(admin_client.get(f"{PAGE}tree/nosuch/"))

        assert "No run is on record with this correlation id." in page


@pytest.mark.django_db(transaction=True)
class TestWithoutTheTable:
    """Somebody has installed the app, and not migrated yet."""

    @pytest.fixture(autouse=True)
    def no_table(self, transactional_db: None) -> Iterator[None]:
        with connection.schema_editor() as editor:
            editor.delete_model(ReceiverRun)
        tables.forget()
        self.is_there = False
        yield
        if not self.is_there:
            self.migrate()
        tables.forget()

    def migrate(self) -> None:
        with connection.schema_editor() as editor:
            editor.create_model(ReceiverRun)
        self.is_there = True

    @pytest.mark.parametrize(
        "page", ["", "?q=lib.Shelve", "add/", "1/change/", "1/delete/", "1/history/", "tree/x/"]
    )
    def test_each_page_says_what_to_do(self, admin_client: Client, page: str) -> None:
        response = admin_client.get(PAGE + page)

        assert response.status_code == 503
        assert "no table signalkit_runs_receiverrun: run manage.py migrate" in text_of(response)

    def test_it_is_looked_for_again(self, admin_client: Client) -> None:
        assert admin_client.get(PAGE).status_code == 503
        self.migrate()
        assert ids(admin_client.get(PAGE)) == []

    def test_who_may_not_look_is_told_nothing(self, client: Client) -> None:
        client.force_login(User.objects.create_user("bob", is_staff=True))

        assert client.get(f"{PAGE}tree/x/").status_code == 403
        assert client.get(PAGE).status_code == 403
