"""Payloads whose annotations are texts: of what is loaded, of what comes later, of models."""

from __future__ import annotations

import typing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import auth as auth  # not the app of that label

if TYPE_CHECKING:
    import collections.abc as abstract
    import decimal
    from typing import TypeAlias

    import stubs_that_are_nowhere as stubs  # type: ignore[import-not-found]
    from stubs_that_are_nowhere import Promise

    from tests.testapp.models import Author, Book
    from tests.testapp.models import Tag as Label
    from tests.typed import making

    from ..testapp import models

    Json: TypeAlias = dict[str, Any]

    class Made: ...


if typing.TYPE_CHECKING:
    from tests.testapp.models import Ticket


@dataclass(frozen=True, kw_only=True)
class Published:
    """What a shop would declare: its models are imported for type checkers alone."""

    book: Book
    author: Author | None = None
    tags: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Texts:
    """Every way to name something that the module does not have when it runs."""

    renamed: Label
    relative: models.Author
    other_block: Ticket
    module: decimal.Decimal
    renamed_module: abstract.Mapping[str, int]
    later: Later
    label: "testapp.Book"  # type: ignore[name-defined]  # noqa: F821, UP037
    union: "testapp.Book | None"  # type: ignore[name-defined]  # noqa: F821, UP037
    listed: list["testapp.Book"]  # type: ignore[name-defined]  # noqa: F821, UP037
    setting: settings.AUTH_USER_MODEL  # type: ignore[name-defined]
    shadowed: "auth.User"  # type: ignore[name-defined]  # noqa: UP037
    unchecked: Promise
    unchecked_json: Json | Promise[Json] | None
    unchecked_attribute: stubs.Promise | Book
    unchecked_part: Book | stubs.Promise
    unchecked_optional: typing.Optional[Promise]  # noqa: UP045
    unchecked_class: Made
    part_of_package: making.Nameless


class Later:
    """Defined below the payload."""
