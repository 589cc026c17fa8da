"""Caches forget what has changed: after the commit, all of them, in real backends."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from django.core import serializers
from django.core.cache import caches
from django.core.cache.backends.locmem import LocMemCache
from django.db import transaction
from django.db.models.signals import m2m_changed, post_save
from django.dispatch import Signal
from django.test import override_settings

from signalkit.builtin_events import PostDelete, PostSave
from signalkit.exceptions import DeclarationError, UnknownOption
from signalkit.receivers import InvalidateCache, aversioned_key, versioned_key
from signalkit.testing import raise_failures
from tests.dispatch.recording import both_aliases, undone
from tests.testapp.models import Book, Tag

Saved = PostSave[Book] | PostDelete[Book]


def redis_is_there() -> bool:
    if find_spec("redis") is None:
        return False
    try:
        socket.create_connection(("127.0.0.1", 6379), timeout=1).close()
    except OSError:
        return False
    return True


class Down(LocMemCache):
    """A cache that nobody reaches."""

    def delete_many(self, *args: Any, **kwargs: Any) -> Any:
        raise ConnectionError("nobody listens")


@pytest.fixture(
    params=[
        "locmem",
        pytest.param(
            "redis", marks=pytest.mark.skipif(not redis_is_there(), reason="no Redis on loopback")
        ),
    ]
)
def backend(request: pytest.FixtureRequest) -> Iterator[None]:
    """Two caches of one kind, each its own, and one that is down."""

    def settings(name: str) -> dict[str, Any]:
        unique = f"signalkit-{name}-{uuid4().hex}"
        if request.param == "locmem":
            return {
                "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
                "LOCATION": unique,
            }
        return {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:6379/0",
            "KEY_PREFIX": unique,
            # What a test leaves behind is gone soon: clear() would empty the whole server.
            "TIMEOUT": 30,
        }

    down = {"BACKEND": f"{__name__}.Down", "LOCATION": uuid4().hex}
    with override_settings(
        CACHES={"default": settings("default"), "pages": settings("pages"), "down": down}
    ):
        yield


pytestmark = [both_aliases, pytest.mark.usefixtures("backend")]


def fill(*keys: str, alias: str = "default", version: int | None = None) -> None:
    for key in keys:
        caches[alias].set(key, "old", version=version)


def kept(*keys: str, alias: str = "default", version: int | None = None) -> list[str]:
    return [key for key in keys if caches[alias].get(key, version=version) is not None]


class ForgetBook(InvalidateCache[Saved], abstract=True):
    sender = Book

    def keys(self, event: Saved) -> Iterable[str]:
        return [f"book:{event.instance.title}", "books"]


class TestKeys:
    def test_after_the_commit_and_no_others(self) -> None:
        class Forget(ForgetBook):
            name = "test.forget"

        fill("book:Lathe", "books", "authors")
        with transaction.atomic():
            Book.objects.create(title="Lathe")
            assert kept("book:Lathe", "books", "authors") == ["book:Lathe", "books", "authors"]
        assert kept("book:Lathe", "books", "authors") == ["authors"]

    def test_a_rollback_deletes_nothing(self) -> None:
        class Forget(ForgetBook):
            name = "test.forget"

        fill("book:Lathe", "books")
        with undone():
            Book.objects.create(title="Lathe")
        with transaction.atomic(), undone():
            Book.objects.create(title="Lathe")
        assert kept("book:Lathe", "books") == ["book:Lathe", "books"]

    def test_a_deletion_with_its_key(self) -> None:
        class Forget(ForgetBook):
            name = "test.forget"

            def keys(self, event: Saved) -> Iterable[str]:
                return [f"book:{event.pk}"]

        book = Book.objects.create(title="Lathe")
        key = f"book:{book.pk}"
        fill(key)
        with transaction.atomic():
            book.delete()
            assert kept(key) == [key]
        assert kept(key) == []

    def test_on_the_events_own_alias(self) -> None:
        class Forget(ForgetBook):
            name = "test.forget"

        fill("books")
        with transaction.atomic("other"):
            with transaction.atomic():
                Book.objects.using("other").create(title="Lathe")
            assert kept("books") == ["books"]
        assert kept("books") == []

    def test_several_caches(self) -> None:
        class Forget(ForgetBook):
            name = "test.forget"
            caches = ("default", "pages")

        fill("books")
        fill("books", alias="pages")
        Book.objects.create(title="Lathe")
        assert kept("books") == kept("books", alias="pages") == []

    def test_only_the_caches_that_are_named(self) -> None:
        class Forget(ForgetBook):
            name = "test.forget"
            caches = ("pages",)

        fill("books")
        fill("books", alias="pages")
        Book.objects.create(title="Lathe")
        assert (kept("books"), kept("books", alias="pages")) == (["books"], [])

    def test_a_version(self) -> None:
        class Forget(ForgetBook):
            name = "test.forget"
            version = 2

        fill("books", version=1)
        fill("books", version=2)
        Book.objects.create(title="Lathe")
        assert (kept("books", version=1), kept("books", version=2)) == (["books"], [])

    def test_fixtures_too(self) -> None:
        class Forget(ForgetBook):
            name = "test.forget"

        fill("books")
        (book,) = serializers.deserialize(
            "json", serializers.serialize("json", [Book(pk=1, title="x")])
        )
        book.save()
        assert kept("books") == []

    def test_only_when_a_field_changes(self) -> None:
        class Forget(ForgetBook):
            name = "test.forget"
            signal = post_save
            changed = ("title",)

        book = Book.objects.create(title="Lathe")
        fill("books")
        book.save()
        assert kept("books") == ["books"]
        book.title = "Dispossessed"
        book.save()
        assert kept("books") == []

    def test_other_signals(self) -> None:
        moved = Signal()

        class Forget(InvalidateCache[Any]):
            name = "test.forget"
            signal = (moved, m2m_changed)

            def keys(self, event: Any) -> Iterable[str]:
                return ["shelf" if event.signal is moved else "tags"]

        fill("shelf", "tags")
        moved.send(None)
        assert kept("shelf", "tags") == ["tags"]
        Book.objects.create(title="Lathe").tags.add(Tag.objects.create(name="a"))
        assert kept("shelf", "tags") == []

    def test_keys_one_by_one(self) -> None:
        class Forget(ForgetBook):
            name = "test.forget"

            def keys(self, event: Saved) -> Iterable[str]:
                yield "books"
                yield "authors"

        fill("books", "authors")
        Book.objects.create(title="Lathe")
        assert kept("books", "authors") == []

    def test_no_keys(self) -> None:
        class Forget(ForgetBook):
            name = "test.forget"
            caches = ("down",)

            def keys(self, event: Saved) -> Iterable[str]:
                return ()

        with raise_failures():
            Book.objects.create(title="Lathe")

    def test_one_string_is_no_list(self) -> None:
        class Forget(ForgetBook):
            name = "test.forget"

            def keys(self, event: Saved) -> Iterable[str]:
                return "books"

        with pytest.raises(ExceptionGroup) as raised, raise_failures():
            Book.objects.create(title="Lathe")
        assert raised.group_contains(TypeError, match=r"Write return \['books'\]")


class TestACacheThatIsDown:
    def test_keeps_no_other_from_being_dealt_with(self, caplog: pytest.LogCaptureFixture) -> None:
        class Forget(ForgetBook):
            name = "test.forget"
            caches = ("down", "default")

        fill("books")
        with caplog.at_level(logging.ERROR, "signalkit.receivers"):
            Book.objects.create(title="Lathe")
        assert kept("books") == []
        (record,) = caplog.records
        assert record.exc_info is not None
        error = record.exc_info[1]
        assert isinstance(error, ConnectionError)
        assert error.__notes__ == ["Raised by the cache down."]

    def test_several(self) -> None:
        class Forget(ForgetBook):
            name = "test.forget"
            caches = ("down", "default", "down")

        with pytest.raises(ExceptionGroup) as raised, raise_failures():
            Book.objects.create(title="Lathe")
        assert raised.group_contains(ConnectionError)
        assert "2 of 3 caches failed" in str(raised.value.exceptions[0])


class ForgetShelf(InvalidateCache[Saved], abstract=True):
    sender = Book

    def namespaces(self, event: Saved) -> Iterable[str]:
        return ["shelf"]


class TestNamespaces:
    def test_everything_in_it_goes_at_once(self) -> None:
        class Forget(ForgetShelf):
            name = "test.forget"

        pages = [versioned_key("shelf", f"page:{number}") for number in range(3)]
        other = versioned_key("authors", "page:1")
        assert pages == [versioned_key("shelf", f"page:{number}") for number in range(3)]
        with transaction.atomic():
            Book.objects.create(title="Lathe")
            assert versioned_key("shelf", "page:0") == pages[0]
        later = [versioned_key("shelf", f"page:{number}") for number in range(3)]
        assert set(later).isdisjoint(pages)
        assert versioned_key("authors", "page:1") == other

    def test_a_rollback_leaves_it(self) -> None:
        class Forget(ForgetShelf):
            name = "test.forget"

        before = versioned_key("shelf", "page")
        with undone():
            Book.objects.create(title="Lathe")
        assert versioned_key("shelf", "page") == before

    def test_it_never_comes_back(self) -> None:
        """Also where the cache has dropped the token by itself: a counter would begin anew."""
        seen = set()
        for _ in range(5):
            seen.add(versioned_key("shelf", "page"))
            caches["default"].delete("signalkit.namespace:shelf")
        assert len(seen) == 5

    def test_a_reader_that_is_late_puts_nothing_outdated_back(self) -> None:
        class Forget(ForgetShelf):
            name = "test.forget"

        Book.objects.create(title="old")
        # It reads, and is then held up until after the commit.
        key = versioned_key("shelf", "titles")
        titles = list(Book.objects.values_list("title", flat=True))
        Book.objects.create(title="new")
        caches["default"].set(key, titles)
        assert caches["default"].get(versioned_key("shelf", "titles")) is None

    def test_with_a_plain_key_it_does(self) -> None:
        """What the documentation warns of; otherwise the test above would show nothing."""

        class Forget(InvalidateCache[Saved]):
            name = "test.forget"
            sender = Book

            def keys(self, event: Saved) -> Iterable[str]:
                return ["titles"]

        titles = list(Book.objects.values_list("title", flat=True))
        Book.objects.create(title="new")
        caches["default"].set("titles", titles)
        assert caches["default"].get("titles") == []

    def test_a_cache_and_a_version_of_its_own(self) -> None:
        class Forget(ForgetShelf):
            name = "test.forget"
            caches = ("pages",)
            version = 7

        ours = versioned_key("shelf", "page", cache="pages", version=7)
        default = versioned_key("shelf", "page")
        Book.objects.create(title="Lathe")
        assert versioned_key("shelf", "page", cache="pages", version=7) != ours
        assert versioned_key("shelf", "page") == default

    def test_readers_that_begin_together_agree(self) -> None:
        barrier, keys = threading.Barrier(8), []

        def read() -> None:
            barrier.wait()
            keys.append(versioned_key("shelf", "page"))

        threads = [threading.Thread(target=read) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(keys) == 8
        assert len({*keys}) == 1

    def test_in_a_coroutine(self) -> None:
        first = async_to_sync(aversioned_key)("shelf", "page")
        assert first == versioned_key("shelf", "page")
        assert async_to_sync(aversioned_key)("shelf", "page") == first

    def test_somebody_else_is_quicker(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Between a reader's look and its own token, another reader has set one."""
        backend = caches["default"]
        theirs: list[str] = []
        add = backend.add

        def late(name: str, *args: Any, **kwargs: Any) -> bool:
            theirs.append("theirs")
            add(name, "theirs", timeout=None)
            return bool(add(name, *args, **kwargs))

        monkeypatch.setattr(backend, "add", late)
        assert versioned_key("shelf", "page") == "shelf:theirs:page"
        backend.delete("signalkit.namespace:shelf")
        assert async_to_sync(aversioned_key)("shelf", "page") == "shelf:theirs:page"
        assert theirs == ["theirs"] * 2


class TestRefusals:
    def test_no_hook(self) -> None:
        with pytest.raises(DeclarationError, match="at least one of keys, namespaces"):

            class Forget(InvalidateCache[Saved]):
                sender = Book

    @pytest.mark.parametrize("given", ["default", (), None])
    def test_no_list_of_caches(self, given: Any) -> None:
        with pytest.raises(DeclarationError, match="expected a list of names in the settings'"):

            class Forget(ForgetBook):
                caches = given

    def test_an_unknown_cache(self) -> None:
        with pytest.raises(DeclarationError, match=r"names 'page'.*Did you mean 'pages'"):

            class Forget(ForgetBook):
                caches = ("default", "page")

    @pytest.mark.parametrize("given", [True, "2"])
    def test_a_version_that_is_none(self, given: Any) -> None:
        with pytest.raises(DeclarationError, match="expected an integer, or None"):

            class Forget(ForgetBook):
                version = given

    def test_a_misspelt_hook(self) -> None:
        with pytest.raises(UnknownOption, match="Did you mean 'namespaces'"):

            class Forget(ForgetBook):
                def namespace(self, event: Saved) -> Iterable[str]:
                    return ["shelf"]

    def test_a_hook_that_nobody_would_await(self) -> None:
        with pytest.raises(DeclarationError, match="keys is a coroutine function"):

            class Forget(ForgetBook):
                async def keys(self, event: Saved) -> Iterable[str]:  # type: ignore[override]
                    return ()

    def test_a_hook_that_takes_no_event(self) -> None:
        with pytest.raises(DeclarationError, match="keys cannot be called with one event"):

            class Forget(InvalidateCache[Saved]):
                sender = Book

                def keys(self) -> Iterable[str]:  # type: ignore[override]
                    return ()


@pytest.mark.django_db
def test_in_a_testcase(django_capture_on_commit_callbacks: Any) -> None:
    class Forget(ForgetBook):
        name = "test.forget"

    fill("books")
    with django_capture_on_commit_callbacks(execute=True):
        Book.objects.create(title="Lathe")
        assert kept("books") == ["books"]
    assert kept("books") == []
