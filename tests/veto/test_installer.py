"""Showing vetoes in admins that somebody else wrote."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin import AdminSite
from django.db.models.signals import pre_save
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import reverse

from signalkit import Veto
from signalkit.veto.admin import NotInstallable, VetoAdminMixin, install, uninstall
from tests.veto.conftest import Refuse, posted
from tests.veto.vetoapp.admin import BookAdmin, GenreAdmin, guarded, plain
from tests.veto.vetoapp.generic import AnyModelAdmin
from tests.veto.vetoapp.models import Book, Genre, Note, Review

pytestmark = [pytest.mark.urls("tests.veto.vetoapp.urls"), pytest.mark.django_db]


@pytest.fixture(autouse=True)
def clean_sites() -> Iterator[None]:
    yield
    for site in (plain, guarded, admin.site):
        uninstall(site)


@pytest.fixture
def refused(client: Client, refuse: Refuse) -> Callable[[str], bool]:
    """Tell whether an admin shows a veto of adding one of its objects."""
    refuse(pre_save, Book)
    refuse(pre_save, Genre)

    def refused(model: str) -> bool:
        data = posted() if model == "book" else {"name": "novel"}
        try:
            response = client.post(reverse(f"plain:vetoapp_{model}_add"), data)
        except Veto:
            return False
        return b"Not today." in response.content

    return refused


class TestInstall:
    def test_covers_every_registered_admin(self, refused: Callable[[str], bool]) -> None:
        assert not refused("book")
        install(plain)
        assert refused("book")
        assert refused("genre")

    def test_covers_only_the_models_that_are_named(self, refused: Callable[[str], bool]) -> None:
        install(plain, ["vetoapp.Genre"])
        assert refused("genre")
        assert not refused("book")
        install(plain, [Book])
        assert refused("genre")
        assert refused("book")

    def test_leaves_out_what_is_excluded(self, refused: Callable[[str], bool]) -> None:
        install(plain, exclude=["vetoapp.Book"])
        assert refused("genre")
        assert not refused("book")

    def test_a_model_that_was_named_before_is_not_excluded(
        self, refused: Callable[[str], bool]
    ) -> None:
        install(plain, [Book])
        install(plain, exclude=[Book])
        assert refused("book")

    def test_leaves_what_is_registered_and_the_urls_as_they_are(self) -> None:
        registry, registered = plain._registry, dict(plain._registry)
        classes = {model: type(one) for model, one in registered.items()}
        install(plain)
        assert plain._registry is registry
        assert registry == registered
        assert {model: type(one) for model, one in registry.items()} == classes
        assert reverse("plain:vetoapp_book_add") == "/plain/vetoapp/book/add/"

    def test_twice_is_once(self, refused: Callable[[str], bool]) -> None:
        install(plain)
        hook = plain.admin_view
        install(plain)
        assert plain.admin_view == hook
        assert refused("book")
        uninstall(plain)
        assert not refused("book")

    def test_leaves_admins_alone_that_have_the_mixin(
        self, client: Client, refuse: Refuse, caplog: pytest.LogCaptureFixture
    ) -> None:
        install(guarded)
        refuse(pre_save, Book)
        response = client.post(reverse("guarded:vetoapp_book_add"), posted())
        form = response.context["adminform"].form
        assert form.non_field_errors() == ["Not today."]
        assert caplog.records == []

    def test_the_default_site_stays_the_same_object(self) -> None:
        site, wrapped = admin.site, admin.site.is_registered.__self__  # type: ignore[attr-defined]  # bound
        before = wrapped.admin_view
        install()
        assert admin.site is site
        assert wrapped.admin_view != before
        assert admin.site.admin_view == wrapped.admin_view
        uninstall()
        assert wrapped.admin_view == before
        assert "admin_view" not in vars(wrapped)

    def test_covers_what_is_registered_later(self, client: Client, refuse: Refuse) -> None:
        install(plain)
        plain.register(Review, AnyModelAdmin)
        try:
            twin = plain.admin_view.__self__.twin_of(  # type: ignore[attr-defined]  # bound
                plain.get_model_admin(Review)
            )
        finally:
            plain.unregister(Review)
        assert isinstance(twin, VetoAdminMixin)

    def test_the_twin_has_the_attributes_of_the_original(self) -> None:
        class Inner(BookAdmin):
            """Has a qualified name."""

        site = AdminSite(name="twins")
        site.register(Book, Inner)
        original: Any = site.get_model_admin(Book)
        install(site)
        twin = site.admin_view.__self__.twin_of(original)  # type: ignore[attr-defined]  # bound
        original.set_later = 1
        assert twin.set_later == 1
        assert isinstance(twin, Inner)
        assert twin.__doc__ == original.__doc__
        assert str(twin) == str(original)
        assert repr(twin) == repr(original)

    def test_actions_that_are_named_later_are_left_to_django_too(self) -> None:
        original = plain.get_model_admin(Book)
        install(plain, unguarded_actions=["first"])
        installation = plain.admin_view.__self__  # type: ignore[attr-defined]  # bound
        assert set(installation.twin_of(original).veto_unguarded_actions) == {"first"}
        install(plain, unguarded_actions=["second"])
        assert set(installation.twin_of(original).veto_unguarded_actions) == {"first", "second"}

    def test_views_beside_djangos_are_not_touched(self) -> None:
        class WithReport(AnyModelAdmin):
            def report(self, request: HttpRequest) -> HttpResponse:
                return HttpResponse("all is well")

        site = AdminSite(name="reports")
        site.register(Note, WithReport)
        before: Any = site.admin_view
        install(site)
        hooked: Any = site.admin_view
        view = WithReport(Note, site).report
        assert hooked(view).__wrapped__ == before(view).__wrapped__

    def test_a_site_whose_admin_view_was_replaced_before(
        self, refused: Callable[[str], bool]
    ) -> None:
        original = plain.admin_view
        seen = []

        def replaced(view: Any, cacheable: bool = False) -> Any:
            seen.append(view.__name__)
            return original(view, cacheable)

        vars(plain)["admin_view"] = replaced
        try:
            install(plain)
            assert refused("book")
            assert seen == ["add_view"]
            uninstall(plain)
            assert vars(plain)["admin_view"] is replaced
        finally:
            del vars(plain)["admin_view"]

    def test_a_site_whose_admin_view_was_replaced_afterwards(
        self, refused: Callable[[str], bool]
    ) -> None:
        install(plain)
        ours = plain.admin_view

        def replaced(view: Any, cacheable: bool = False) -> Any:
            return ours(view, cacheable)

        vars(plain)["admin_view"] = replaced
        try:
            install(plain)
            assert vars(plain)["admin_view"] is replaced
            assert refused("book")
            uninstall(plain)
            assert vars(plain)["admin_view"] is replaced
            assert not refused("book")
            install(plain)
            assert refused("book")
        finally:
            uninstall(plain)
            del vars(plain)["admin_view"]


class TestUninstall:
    def test_takes_everything_back(self, refused: Callable[[str], bool]) -> None:
        before = dict(vars(plain))
        install(plain)
        assert refused("book")
        uninstall(plain)
        assert vars(plain) == before
        assert not refused("book")

    def test_of_what_was_never_installed_does_nothing(self) -> None:
        before = dict(vars(plain))
        uninstall(plain)
        assert vars(plain) == before


class TestRefusals:
    @pytest.mark.parametrize("work", [install, uninstall])
    def test_what_is_no_site(self, work: Callable[[Any], None]) -> None:
        with pytest.raises(NotInstallable, match="Expected an AdminSite"):
            work("admin")

    @pytest.mark.parametrize(
        ("model", "message"),
        [
            (Review, "not registered with the admin site 'plain'"),
            ("vetoapp.Nothing", "names no model"),
            ("nothing", "names no model"),
        ],
    )
    def test_a_model_that_is_not_there(self, model: Any, message: str) -> None:
        before = dict(vars(plain))
        with pytest.raises(NotInstallable, match=message):
            install(plain, [Genre, model])
        assert vars(plain) == before

    def test_a_class_with_slots(self) -> None:
        class Slotted(GenreAdmin):
            __slots__ = ("secret",)

        self.check(Slotted, "keeps secret in __slots__")

    def test_a_class_with_one_slot_named_by_a_string(self) -> None:
        class Slotted(GenreAdmin):
            __slots__ = "secret"

        self.check(Slotted, "keeps secret in __slots__")

    def test_a_class_that_cannot_be_subclassed(self) -> None:
        class Final(GenreAdmin):
            def __init_subclass__(cls, **keywords: Any) -> None:
                raise TypeError("final")

        self.check(Final, r"cannot be subclassed \(final\)")

    def check(self, model_admin: type[Any], message: str) -> None:
        site = AdminSite(name="refusing")
        site.register(Genre, model_admin)
        before = dict(vars(site))
        with pytest.raises(NotInstallable, match=message):
            install(site)
        assert vars(site) == before
        install(site, exclude=[Genre])

    def test_one_that_is_registered_later_goes_on_as_it_was(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        class Slotted(GenreAdmin):
            __slots__ = ("secret",)

        site = AdminSite(name="late")
        install(site)
        site.register(Genre, Slotted)
        installation = site.admin_view.__self__  # type: ignore[attr-defined]  # bound
        with caplog.at_level(logging.WARNING, "signalkit.veto"):
            for _ in range(2):
                assert installation.twin_of(site.get_model_admin(Genre)) is None
        assert len(caplog.records) == 1
        assert "__slots__" in caplog.text
